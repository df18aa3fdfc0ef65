"""What the pages are told of the fleet."""

import asyncio
import gc
import time
from collections.abc import Sequence

from exporter.errors import NotApplicable, ServerFailed
from exporter.fleet import Watched
from exporter.heap import bounded_collections
from exporter.overview import FRESH_FOR, Lookout
from exporter.records import Record
from exporter.web.view import ExporterView, Overview
from tests.support.clock import FakeClock
from tests.support.sources import FakeSource, plan, tenants
from tests.support.stage import Stage, stage
from tests.web.views import EXPORTER

TENANTS, JOBS, PROTECTION = plan("tenants"), plan("jobs"), plan("protection")


async def nothing(collector: str, tenant: str) -> Sequence[Record]:
    """Answer nothing: these tests hand answers to the intake themselves."""
    raise AssertionError(f"{collector} {tenant} was asked")


def view() -> ExporterView:
    """Return a process."""
    return EXPORTER


class Scene:
    """A stage, and who looks at it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.stage: Stage = stage(FakeSource(nothing, [TENANTS, JOBS, PROTECTION]), self.clock)
        intake = self.stage.intake
        watched = Watched("fake", self.stage.source, intake.state, self.stage.instruments, intake, self.stage.runner)
        self.lookout = Lookout(self.clock, lambda: [watched], view)

    async def known(self, *names: str) -> None:
        """Let these tenants be found, and the schedule know them."""
        await self.stage.intake.succeeded(TENANTS, "", tenants(*names), 1.0)
        schedule = self.stage.runner.schedule
        schedule.begin(self.clock.now())
        for name in names:
            schedule.join(name.lower(), self.clock.now() + 30)

    async def later(self, seconds: float = FRESH_FOR) -> Overview:
        """Look, when so many seconds have passed."""
        self.clock.advance(seconds)
        return await self.lookout.overview()


async def test_how_tenants_fare() -> None:
    """A tenant is as bad as its worst collection; what does not apply to it is left out, what is to come is not bad."""
    scene = Scene()
    intake = scene.stage.intake
    await scene.known("Contoso", "Fabrikam", "Tailspin")
    await intake.succeeded(JOBS, "contoso", [], 1.0)
    await intake.succeeded(JOBS, "fabrikam", [], 1.0)
    await intake.not_applicable(PROTECTION, "contoso", NotApplicable("none", asked=False), seconds=0.0)
    unit = scene.stage.runner.schedule.units["contoso", "protection"]
    unit.applicable = False
    intake.state.is_due("contoso", "protection", unit.timing())
    await intake.failed(PROTECTION, "fabrikam", ServerFailed("503"), stale_after=60.0, seconds=1.0)

    seen = await scene.later(100)

    contoso, fabrikam, tailspin = seen.tenants
    assert [each.state for each in seen.tenants] == ["fine", "failing", "waiting"]
    assert [each.collector for each in contoso.collections] == ["tenants", "jobs"]
    assert contoso.oldest == seen.at - 100
    assert fabrikam.oldest is tailspin.oldest is None
    trouble = fabrikam.collections[2].trouble
    assert trouble is not None
    assert (trouble.reason, trouble.text, trouble.tenant) == ("server", "503", "fabrikam")
    assert tailspin.collections[1].next_at == seen.at - 70


async def test_how_the_source_fares() -> None:
    """The source tells since when it is down and why, and its collectors how many tenants they fail for."""
    scene = Scene()
    await scene.known("Contoso", "Fabrikam")
    await scene.stage.intake.succeeded(JOBS, "contoso", [], 1.0)
    for tenant in ("contoso", "fabrikam", "contoso", "fabrikam", "contoso"):
        error = ServerFailed("jobs: api.example.com answered 503")
        await scene.stage.intake.failed(JOBS, tenant, error, stale_after=60.0, seconds=1.0)

    (source,) = (await scene.later(100)).sources

    assert (source.up, source.state, source.since) == (False, "failing", scene.clock.now() - 100)
    assert source.latest is not None
    assert source.latest.text == "jobs: api.example.com answered 503"
    by_name = {each.name: each for each in source.collectors}
    assert (by_name["jobs"].stale, by_name["jobs"].failing) == (1, 1)
    assert (by_name["tenants"].stale, by_name["tenants"].failing) == (0, 0)
    assert by_name["jobs"].interval_seconds == JOBS.interval_seconds
    assert (source.tenants, source.troubled) == (2, 2)


async def test_many_who_look_at_once() -> None:
    """Within two seconds everybody gets the same overview, and afterwards a new one."""
    scene = Scene()
    await scene.known("Contoso")

    first = await asyncio.gather(*(scene.lookout.overview() for _ in range(50)))
    later = await scene.later()

    assert len({id(each) for each in first}) == 1
    assert later is not first[0]


async def test_ten_thousand_tenants() -> None:
    """Looking at ten thousand tenants never holds up the event loop for 50 ms."""
    scene = Scene()
    names = [f"Tenant{number:05}" for number in range(10_000)]
    await scene.known(*names)
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.thread_time()  # not what others do on this machine
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    with bounded_collections():
        gc.collect()
        gc.freeze()  # as in a daemon whose fleet is known for a while
        watching = asyncio.create_task(watch())
        seen = await scene.later()
        done = True
        await watching

    assert len(seen.tenants) == 10_000
    assert longest < 0.05
