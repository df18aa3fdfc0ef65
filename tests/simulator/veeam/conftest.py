from collections.abc import AsyncIterator

import pytest

from exporter.simulator.world import World
from tests.simulator.stage import small_world
from tests.simulator.veeam.callers import Caller, calling


@pytest.fixture
def world() -> World:
    """Make the default world."""
    return small_world()


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Caller]:
    """Serve the default world to a client of v8."""
    async with calling(world) as caller:
        yield caller
