"""Veeam through the whole daemon where time is not everywhere the same and organizations leave and return."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from exporter.app import running
from exporter.simulator.server import build_app, serve
from exporter.simulator.veeam.history import ended_between
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.world import World
from tests.flows.test_veeam import Api, Counts, counted, settings_for, world_of
from tests.support.scrape import Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
OFF = {"enabled": False}
COLLECTORS: dict[str, Any] = {
    "jobs": {"interval": "20m"},
    "infrastructure": OFF,
    "license": OFF,
    "protection": OFF,
}


@asynccontextmanager
async def serving(world: World, clock: WarpClock, manners: VeeamManners) -> AsyncIterator[str]:
    """Serve *world* by the server's own *clock* and yield its address."""
    server = await serve(build_app(world, clock=clock, veeam=manners, token_lifetime=1800), "127.0.0.1", 0)
    try:
        yield server.base_url
    finally:
        await server.close()


def ended(world: World, after: float, until: float) -> Counts:
    """Return what ended in the world, as it is counted."""
    counts: Counts = Counts()
    for customer in world.customers(START):
        for run in ended_between(world, customer, after, until):
            key = (run.organization_id, str(run.job_type))
            counts[*key, "runs"] += 1
            counts[
                *key, {"success": "successes", "failed": "failures", "warning": "warnings"}.get(run.status, "-")
            ] += 1
            counts[*key, "retries"] += run.retries
    return counts


def only(counts: Counts, kept: Counts) -> Counts:
    """Return those counts that are of the same kinds as others."""
    kinds = {key[-1] for key in kept}
    return +Counts({key: value for key, value in counts.items() if key[-1] in kinds - {"others"}})


def polls(samples: Samples) -> tuple[float, float]:
    """Return when jobs were first told of and when last, by our clock."""
    (last,) = (
        at for labels, at in samples["collector_last_success_timestamp_seconds"] if labels["collector"] == "jobs"
    )
    return min(at for _, at in samples["job_first_seen_timestamp_seconds"]), last


@pytest.mark.parametrize(
    ("api", "ahead", "lower_bound"),
    [("v8", -1.5 * HOUR, "ended"), ("v6", -1200.0, "ended"), ("v7", 2 * HOUR, "created"), ("v6", 2 * HOUR, "ended")],
)
def test_another_time(api: Api, ahead: float, lower_bound: Any) -> None:
    """With a server whose clock is behind or ahead each run counts once, none is missed, and no retry is given up."""
    world, manners = world_of(4, 5), VeeamManners(lower_bound=lower_bound)

    async def watch() -> str:
        clock = WarpClock()
        async with (
            serving(world, WarpClock(START + ahead), manners) as url,
            running(settings_for(url, api, COLLECTORS), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(26 * HOUR)
            return await exposition(daemon)

    samples = parsed(warped(watch))
    first, last = polls(samples)
    expected = ended(world, first + ahead, last + ahead)

    assert sum(value for key, value in expected.items() if key[-1] == "retries") > 1
    assert only(counted(samples), expected) == only(expected, expected)
    assert total(samples, "job_runs_unobserved_total") == 0


@pytest.mark.parametrize("starts_again", [False, True])
def test_an_organization_that_returns(tmp_path: Path, *, starts_again: bool) -> None:
    """What ended while an organization was away is counted when it is back, also with a restart meanwhile."""
    plain = world_of(4, 5)
    away = (START + 2 * HOUR, START + 9 * HOUR)
    customer = max(plain.customers(START), key=lambda each: len(list(ended_between(plain, each, *away))))
    world = plain.hide(customer.id, *away)

    async def watch() -> list[Samples]:
        clock, seen = WarpClock(), []
        async with serving(world, clock, VeeamManners()) as url:
            settings = settings_for(url, "v8", COLLECTORS, tmp_path / "state.db")
            for seconds in (6 * HOUR, 5 * HOUR) if starts_again else (11 * HOUR,):
                async with running(settings, clock, tidy_every=60) as daemon:
                    await clock.sleep(seconds / 2)
                    seen.append(parsed(await exposition(daemon)))
                    await clock.sleep(seconds / 2)
                    seen.append(parsed(await exposition(daemon)))
        return seen

    *before, after = warped(watch)
    first, last = polls(after)
    expected = ended(plain, first, last)

    meanwhile = {key: runs for key, runs in ended(plain, *away).items() if key[0] == customer.id}
    assert meanwhile
    assert any("job_enabled" in each and not total(each, "job_enabled", tenant=customer.id) for each in before)
    assert only(counted(after), expected) == only(expected, expected)
    assert total(after, "job_runs_unobserved_total") == 0
