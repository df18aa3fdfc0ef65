from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.sources.veeam.stage import GENERATIONS, Stage
from tests.support.avepoint import MORNING
from tests.support.clock import FakeClock
from tests.support.vendor import Vendor


@pytest.fixture(params=GENERATIONS)
def api(request: pytest.FixtureRequest) -> str:
    """Name each generation of the API in turn."""
    return str(request.param)


@pytest.fixture
async def stage(vendor: Vendor) -> AsyncIterator[Stage]:
    """Set the stage on a morning after the night's backups."""
    async with ClientSession() as session:
        yield Stage(vendor, session, FakeClock(MORNING))
