"""The real daemon, killed with SIGKILL again and again while an unpleasant API is busy, in real time."""

import asyncio
import random
from pathlib import Path

import pytest

from exporter.simulator.server import serve
from exporter.simulator.world import World
from tests.support.process import Exporter, free_port, until
from tests.support.replica import Replica
from tests.support.warp import START

DAY = 86400.0
TENANTS = 4
ROWS = 15


@pytest.mark.parametrize("seed", [30])
async def test_a_few_kills(tmp_path: Path, seed: int) -> None:
    """Five kills at random moments: every run shown ended is counted exactly once, and no counter ever falls."""
    exporter, replica = await killed(5, seed, tmp_path)

    assert_exact(exporter, replica)


@pytest.mark.full
@pytest.mark.timeout(1200)
async def test_two_hundred_kills(tmp_path: Path) -> None:
    """Two hundred kills at random moments of a busy week cost no run, count none twice, and no counter ever falls."""
    exporter, replica = await killed(200, 2, tmp_path)

    assert_exact(exporter, replica)
    assert replica.days > 7
    assert all(replica.told[nasty] > 10 for nasty in ("older", "doubled rows", "failures", "broken off"))


async def killed(kills: int, seed: int, folder: Path) -> tuple[Exporter, Replica]:
    """Return both after the exporter was killed so many times, while the world went on, and has then taken all."""
    chance = random.Random(seed)  # noqa: S311 - chance, no secret
    replica = Replica(busy_world(seed), start=START, chance=chance)
    server = await serve(replica.app, "127.0.0.1", 0)
    exporter = Exporter(folder, port=free_port(), api=server.base_url)
    moments = random.Random(seed)  # noqa: S311 - the same whatever the API draws
    try:
        await exporter.start()
        # The first move of the world proves that what had ended before watching began is committed as such.
        await until(lambda: replica.steps, "all tenants are known")
        steps = 0
        for _ in range(kills):
            await a_random_moment(exporter, replica, moments, steps)
            await exporter.kill()
            steps = replica.steps
            await exporter.start()
        await all_taken(exporter, replica)
    finally:
        await exporter.kill()
        await server.close()
    return exporter, replica


def assert_exact(exporter: Exporter, replica: Replica) -> None:
    """Compare what was counted with what was sent; neither may be little."""
    truth = replica.truth()
    assert {name: exporter.counted(name) for name in truth} == truth
    assert exporter.falls == []
    assert exporter.errors() == []
    assert min(by_tenant.total() for by_tenant in truth.values()) > 0


def busy_world(seed: int) -> World:
    """Return a world where every fourth job fails, and every fourth does not quite succeed."""
    world = World(seed=seed, tenants=TENANTS, start=START - DAY, rows_per_customer=ROWS)
    failing = world.script(lambda job: job.lot.fraction("fate") < 0.25, "failed", START, START + 365 * DAY)
    return failing.script(lambda job: job.lot.fraction("fate") > 0.75, "warning", START, START + 365 * DAY)


async def a_random_moment(exporter: Exporter, replica: Replica, chance: random.Random, steps: int) -> None:
    """Wait for the moment of the next kill: as it starts, as it runs, or as it takes what happened after *steps*."""
    kind = chance.random()
    if kind < 0.1:
        await asyncio.sleep(chance.uniform(0, 0.7))
        return
    await until(lambda: exporter.opened, "the port is open")
    if kind < 0.5:
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        return
    await until(lambda: replica.steps > steps, "the world moved on")
    await asyncio.sleep(chance.uniform(0, 1.8))


async def all_taken(exporter: Exporter, replica: Replica) -> None:
    """Wait until the exporter has taken and shown all there is, and asked about all once more."""
    replica.freeze()
    await until(lambda: replica.settled and exporter.opened, "the last answers are committed")
    asked = replica.asked.copy()
    await until(lambda: all(replica.asked[each] > asked[each] for each in asked), "all were asked about again")
    await exporter.scraped()
