"""What Prometheus would see of records, for comparison with golden files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from exporter.display import Display
from exporter.intake import Intake
from exporter.metrics.exposition import Exposition
from exporter.metrics.internal import SourceInstruments
from exporter.metrics.snapshot import Snapshot
from exporter.records import Record, Tenant
from exporter.roster import Roster
from exporter.shard import Shard
from exporter.source import CollectorPlan
from exporter.source_settings import TenantSettings
from exporter.state import State
from tests.support.clock import FakeClock

FIXTURES = Path(__file__).parent.parent / "fixtures"
OWN = ("m365backup_collector_", "m365backup_exporter_")
"""Families that tell of the collecting, not of what was collected."""

Golden = Callable[[str, str], str]


class Pipeline:
    """Intake, ledger, snapshot and exposition behind one source, on the clock of the test."""

    def __init__(self, clock: FakeClock, *, source: str = "elements", birth_delay: float = 120.0) -> None:
        snapshot = Snapshot()
        self._exposition = Exposition(snapshot)
        self._roster = Roster(source, TenantSettings(), Shard())
        state = State(None, clock).source(source)
        instruments = SourceInstruments(source, clock, birth_delay=birth_delay, collectors=())
        display = Display(
            source=source,
            roster=self._roster,
            state=state,
            snapshot=snapshot,
            instruments=instruments,
            birth_delay=birth_delay,
            series_per_tenant=10_000,
        )
        self._intake = Intake(
            source=source, roster=self._roster, state=state, display=display, instruments=instruments, clock=clock
        )

    async def take(self, plan: CollectorPlan, tenant: str, records: Sequence[Record]) -> None:
        """Take one answer; its tenants are watched, without being shown themselves."""
        for each in {tenant, *(record.tenant for record in records)} - {""}:
            self._roster.tenants.setdefault(each, Tenant(tenant=each, name=each))
        await self._intake.succeeded(plan, tenant, records, seconds=0.0)

    async def tick(self) -> None:
        """Show what time alone changes."""
        await self._intake.tick()

    async def text(self) -> str:
        """Return the exposition, in the text format."""
        body = await self._exposition.body("text", gzip=False)
        return "".join(line for line in body.decode().splitlines(keepends=True) if not _is_own(line))


def _is_own(line: str) -> bool:
    return line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(OWN)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Return the content of a golden file, which ``--update-golden`` first replaces by what was exposed."""

    def content(path: str, exposed: str) -> str:
        file = FIXTURES / path
        if request.config.getoption("--update-golden"):
            file.write_text(exposed, encoding="utf-8")
        return file.read_text(encoding="utf-8")

    return content
