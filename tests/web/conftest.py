from collections.abc import AsyncIterator

import pytest

from tests.web.site import Site, open_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Serve the exporter's pages on a free port."""
    async with open_site() as site:
        yield site
