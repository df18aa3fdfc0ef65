"""What every test gets: nothing may block the event loop, and Hypothesis draws the same examples each time."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(autouse=True)
def no_blocking() -> Iterator[BlockBuster]:
    """Fail the test if the exporter makes a blocking call on the event loop."""
    with blockbuster_ctx("exporter") as watch:
        # The measuring of coverage takes a lock of its own whenever a thread enters a file for the first time.
        watch.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", {"lock_data"})
        yield watch


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Let events from info on go nowhere unless a test captures them: rendering tracebacks reads files."""
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    yield
    structlog.reset_defaults()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make golden` write the golden files anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")
