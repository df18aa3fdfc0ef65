from collections.abc import AsyncIterator

import pytest

from exporter.simulator.world import World
from tests.simulator.cloudbackup.callers import Caller, calling
from tests.simulator.stage import small_world


@pytest.fixture
def world() -> World:
    """Make the default world."""
    return small_world()


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Caller]:
    """Serve the default world to the app of its first subscriber with trouble."""
    async with calling(world) as caller:
        yield caller
