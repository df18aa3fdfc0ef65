from collections.abc import AsyncIterator

import pytest

from exporter.simulator.world import World
from tests.simulator.stage import Stage, small_world, staged


@pytest.fixture
def world() -> World:
    """Make the default world."""
    return small_world()


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    """Serve the default world without weather."""
    async with staged(world) as stage:
        yield stage
