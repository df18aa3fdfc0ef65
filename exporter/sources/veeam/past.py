"""Runs long past, which `backfill` asks for: tenant by tenant, one window after the other."""

from collections.abc import Sequence
from typing import Any, Final

import structlog

from exporter.clock import Clock
from exporter.errors import NotFound
from exporter.records import JobKey, Run
from exporter.source import SourceObserver
from exporter.sources.veeam import job_wire
from exporter.sources.veeam.chains import chains, is_run
from exporter.sources.veeam.client import VeeamApi
from exporter.sources.veeam.job_wire import JobRow
from exporter.sources.veeam.jobs import job_keys, job_rows, runs_of

LOG: Final = structlog.get_logger("exporter.veeam")
DAY: Final = 86400.0
LATEST_END: Final = 7 * DAY
"""How long after its start a run is expected to have ended, retries included."""
ROWS_FOR: Final = 600.0
"""How long the list of jobs is good enough to ask for their past."""


class Past:
    """What is asked about the past of one server, and what is remembered between two questions."""

    def __init__(self, observer: SourceObserver, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock
        self._rows: tuple[float, list[JobRow]] | None = None
        """The jobs whose past is asked for, and when they were told."""
        self._all: tuple[str, list[Run]] | None = None
        """All runs of the tenant that was asked about last, where no window can be asked for."""

    async def runs_between(self, api: VeeamApi, tenant: str, since: float, until: float) -> list[Run]:
        """Return the runs of a tenant that started in a window."""
        # A run that began in the window may end, and be tried again, after it.
        window = (since, min(until + LATEST_END, self._clock.now() + DAY))
        if api.knows_windows:
            runs = await self._runs(api, tenant, window)
        else:
            if self._all is None or self._all[0] != tenant:
                self._all = (tenant, await self._runs(api, tenant, window))
            runs = self._all[1]
        return [run for run in runs if run.started_at is not None and since <= run.started_at < until]

    async def _runs(self, api: VeeamApi, tenant: str, window: tuple[float, float]) -> list[Run]:
        rows = {row.job_id: row for row in await self._job_rows(api)}
        now = self._clock.now() + api.ahead_seconds()
        runs: list[Run] = []
        for job_id, (organization, key) in job_keys(list(rows.values())).items():
            if organization == tenant:
                told = await self._sessions(api, tenant, key, job_id, window)
                found = [each for each in job_wire.sessions(told, self._observer) if is_run(each.status)]
                of_job = chains(each for each in found if each.job_id == job_id)
                runs += runs_of((tenant, key), of_job, rows[job_id], now)
        return runs

    async def _job_rows(self, api: VeeamApi) -> Sequence[JobRow]:
        now = self._clock.now()
        if self._rows is None or now - self._rows[0] > ROWS_FOR:
            self._rows = (now, await job_rows(api, self._observer))
        return self._rows[1]

    async def _sessions(
        self, api: VeeamApi, tenant: str, key: JobKey, job_id: str, window: tuple[float, float]
    ) -> list[Any]:
        try:
            return await api.sessions_of(job_id, *window)
        except NotFound:  # v6 may tell of backup jobs only
            LOG.warning("job_history_not_found", tenant=tenant, job_type=key.job_type, job_name=key.name)
            return []
