"""One source with everything behind it, as the app would connect it, on a clock of the test's."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.clock import Clock
from exporter.display import Display
from exporter.intake import Intake
from exporter.metrics.exposition import Exposition
from exporter.metrics.internal import SourceInstruments
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.roster import Roster
from exporter.schedule import Schedule
from exporter.scheduler import Runner
from exporter.shard import Shard
from exporter.source import CollectorPlan
from exporter.source_settings import TenantSettings
from exporter.state import State
from tests.support.sources import FakeSource


@dataclass(slots=True)
class Stage:
    """The parts, to be looked into."""

    source: FakeSource
    intake: Intake
    runner: Runner
    snapshot: Snapshot
    exposition: Exposition
    instruments: SourceInstruments

    async def samples(self, name: str) -> dict[str, float]:
        """Return what is exposed of one family: labels without the source → value."""
        chunks, series = self.instruments.render()
        self.snapshot.publish(CellKey("fake", "", ""), chunks, series=series)
        text = (await self.exposition.body("text", gzip=False, names=[f"m365backup_{name}"])).decode()
        found = {}
        for line in text.splitlines():
            if line.startswith((f"m365backup_{name}{{", f"m365backup_{name} ")):
                labels, value = line.rsplit(" ", 1)
                _, _, labels = labels.partition("{")
                found[labels.rstrip("}").removeprefix('source="fake"').removeprefix(",")] = float(value)
        return found


def stage(
    source: FakeSource,
    clock: Clock,
    *,
    settings: TenantSettings | None = None,
    rate: float = 2.0,
    concurrency: int = 4,
    birth_delay: float = 120.0,
    series_per_tenant: int = 5000,
    state: State | None = None,
) -> Stage:
    """Connect everything for *source*."""
    snapshot = Snapshot()
    plans: Sequence[CollectorPlan] = source.plans
    instruments = SourceInstruments("fake", clock, birth_delay=birth_delay, collectors=[plan.name for plan in plans])
    instruments.allowed_rate(rate)
    memory = (state or State(None, clock)).source("fake")
    roster = Roster("fake", settings or TenantSettings(), Shard())
    display = Display(
        source="fake",
        roster=roster,
        state=memory,
        snapshot=snapshot,
        instruments=instruments,
        birth_delay=birth_delay,
        series_per_tenant=series_per_tenant,
    )
    intake = Intake(source="fake", roster=roster, state=memory, display=display, instruments=instruments, clock=clock)
    runner = Runner(
        name="fake",
        source=source,
        intake=intake,
        clock=clock,
        schedule=Schedule(
            "fake", tuple(plans), concurrency, lambda tenant, collector: memory.of(tenant, collector).timing
        ),
        memory=memory,
        allowed_per_second=lambda: instruments.allowed_per_second,
    )
    return Stage(source, intake, runner, snapshot, Exposition(snapshot), instruments)
