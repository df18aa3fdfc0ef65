"""Veeam as a source before a server that answers single endpoints: what its tests play on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession
from aioresponses import CallbackResult
from yarl import URL

from exporter.records import Job, JobKey, JobSchedule, JobSettings, Record, Run
from exporter.source import Source, Surroundings
from exporter.sources.veeam.settings import VeeamSettings
from exporter.state.source import KnownRuns
from tests.support.avepoint import MORNING, Notes
from tests.support.clock import FakeClock
from tests.support.vendor import Answered, Asked, Vendor

ORIGIN: Final = "https://vb365.example.com:4443"
GENERATIONS: Final = ("v8", "v7", "v6")
CONTOSO: Final = "0a900001-1111-4111-8111-00000000a001"
FABRIKAM: Final = "0a900001-1111-4111-8111-00000000b001"
JOB: Final = "0d900001-4444-4444-8444-000000001001"
COPY: Final = "0d900001-4444-4444-8444-000000002001"
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
BACKUP: Final = JobKey("Microsoft 365", "all", "backup", "Contoso all")
DAILY: Final = {
    "scheduleEnabled": True,
    "type": "Daily",
    "dailyType": "Everyday",
    "dailyTime": "22:00:00",
    "retryEnabled": True,
    "retryNumber": 3,
    "retryWaitInterval": 10,
}
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


def at(seconds: float) -> str:
    """Return Unix seconds as the server writes times, with seven digits of a fraction."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def page(rows: Sequence[Any], *, offset: int = 0, limit: int = 500) -> dict[str, Any]:
    """Return a page of v8, whose link leads to another generation."""
    return {
        "offset": offset,
        "limit": limit,
        "results": list(rows),
        "_links": {"next": {"href": f"/v7/Jobs?offset={offset + limit}"}},
    }


def job(
    job_id: str = JOB, name: str = "Contoso all", organization: str | None = CONTOSO, **more: Any
) -> dict[str, Any]:
    """Return a backup job of v8 that ran last night and is well."""
    return {
        "id": job_id,
        "name": name,
        "organizationId": organization,
        "backupType": "EntireOrganization",
        "schedulePolicy": DAILY,
        "isEnabled": True,
        "lastStatus": "Success",
        "lastRun": at(MORNING - 8 * HOUR),
        "lastBackup": at(MORNING - 7 * HOUR),
        "nextRun": at(MORNING + 16 * HOUR),
        "eTag": 1,
    } | more


def copy_job(job_id: str = COPY, source: str | None = JOB, **more: Any) -> dict[str, Any]:
    """Return a backup copy job that follows its backup job."""
    return job(job_id, "Contoso copy", None, backupJobId=source, schedulePolicy={"type": "Immediate"}) | more


def session(session_id: str, *, began: float, took: float | None = HOUR, **more: Any) -> dict[str, Any]:
    """Return a session of v8 that succeeded; *took* None: it is under way."""
    ended = None if took is None else at(began + took)
    status = "Running" if took is None else "Success"
    moved = {"transferredDataBytes": 1000, "processedObjects": 10, "bottleneck": "Source"}
    return {
        "id": session_id,
        "jobId": JOB,
        "mainSessionId": None,
        "creationTime": at(began),
        "endTime": ended,
        "retryCount": 0,
        "jobWillBeRetried": False,
        "jobType": "Backup",
        "status": status,
        "statistics": moved,
    } | more


@dataclass
class Stage:
    """A server, a clock, and the means to build sources on them."""

    vendor: Vendor
    session: ClientSession
    clock: FakeClock
    notes: Notes = field(default_factory=Notes)

    def source(self, api: str = "v8", *, tokens: bool = True, **options: Any) -> Source:
        """Return a source with these options, fast enough never to wait."""
        settings = VeeamSettings.model_validate(
            {
                "kind": "veeam",
                "api": api,
                "base_url": ORIGIN,
                "auth": {"username": r"CONTOSO\monitor", "password": "simulated"},
                "limits": {"requests_per_second": 1000},
            }
            | options
        )
        if tokens:
            self.grant(api)
        jitter = Random(1)  # noqa: S311 - no secret
        return settings.build(
            "vb365", Surroundings(session=self.session, clock=self.clock, observer=self.notes, random=jitter)
        )

    def grant(self, api: str) -> None:
        """Have a token for whoever asks."""
        token = {"access_token": "t", "token_type": "bearer", "expires_in": 3600}
        self.vendor.add(f"{ORIGIN}/{'v8' if api == 'auto' else api}/token", "POST", payload=token)

    def answer(self, path: str, payload: Any = None, **options: Any) -> None:
        """Answer a path, with the generation, again and again, whatever its query."""
        pattern = re.compile(re.escape(f"{ORIGIN}/{path}") + r"(\?.*)?$")
        self.vendor.add(pattern, payload=payload, **{"repeat": True} | options)

    def jobs(self, jobs: Sequence[Any], sessions: Sequence[Any] = (), *, copies: Sequence[Any] = ()) -> None:
        """Answer what a poll of v8 about jobs asks: sessions under way and ended ones in answers of their own."""
        self.answer("v8/Jobs", page(jobs))
        self.answer("v8/CopyJobs", page(copies))

        def select(url: URL, **_: Any) -> CallbackResult:
            self.vendor.asked.append(Asked("GET", url.raw_path_qs))
            running = "status" in url.query
            found = [each for each in sessions if (each["endTime"] is None) == running]
            return CallbackResult(payload=page(found), response_class=Answered)

        self.vendor.add(re.compile(re.escape(f"{ORIGIN}/v8/JobSessions?") + ".*"), callback=select, repeat=True)

    async def polled(self, known: KnownRuns | None = None, **options: Any) -> "Polled":
        """Return what one poll of v8 about jobs tells."""
        return Polled(await self.source(**options).collect("jobs", "", known or KnownRuns()))

    def asked(self) -> list[str]:
        """Return the targets asked for after the token."""
        return [asked.target for asked in self.vendor.asked if not asked.target.endswith("/token")]

    def queries(self, containing: str) -> list[dict[str, str]]:
        """Return the queries of those targets."""
        return [
            {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            for target in self.asked()
            if containing in target
        ]


@dataclass(frozen=True)
class Polled:
    """What a poll about jobs told."""

    records: Sequence[Record]

    @property
    def runs(self) -> list[Run]:
        """The runs, in the order they came."""
        return [each for each in self.records if isinstance(each, Run)]

    @property
    def run(self) -> Run:
        """The only run."""
        (run,) = self.runs
        return run

    @property
    def jobs(self) -> dict[JobKey, Job]:
        """The jobs by key."""
        return {each.job: each for each in self.records if isinstance(each, Job)}

    @property
    def settings(self) -> dict[JobKey, JobSettings]:
        """How the jobs are set up, by key."""
        return {each.job: each for each in self.records if isinstance(each, JobSettings)}

    @property
    def schedules(self) -> dict[JobKey, JobSchedule]:
        """How often the jobs are meant to run, by key."""
        return {each.job: each for each in self.records if isinstance(each, JobSchedule)}
