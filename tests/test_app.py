"""The composition root: what it survives, and what it says of itself."""

import gc
import re
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from exporter.app import running
from exporter.errors import SettingsError
from exporter.heap import CollectionTimer, bounded_collections
from exporter.settings import Settings
from tests.support.warp import WarpClock, warped


def settings_for(**more: Any) -> Settings:
    """Return settings whose source nobody answers for."""
    auth = {"token_url": "http://127.0.0.1:1/connect/token", "client_id": "test", "client_secret": "test"}
    elements = {"kind": "elements", "base_url": "http://127.0.0.1:1", "auth": auth, **more}
    return Settings.model_validate(
        {"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": {"elements": elements}}
    )


async def page(url: Any) -> tuple[int, str]:
    """Return status and text of a page."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


def test_ready_after_the_first_attempt() -> None:
    """Not ready before discovery was tried once, ready after it failed, and the status page says why it did."""

    async def show() -> list[Any]:
        clock = WarpClock()
        async with running(settings_for(), clock, tidy_every=10) as daemon:
            url = daemon.addresses[0]
            early = [daemon.ready(), (await page(url / "-/healthy"))[0]]
            await clock.sleep(120)
            return [*early, (await page(url / "-/ready"))[0], (await page(url))[1]]

    not_ready, healthy, ready, landing = warped(show)

    assert "elements" in not_ready
    assert (healthy, ready) == (200, 200)
    assert "elements v3" in landing
    assert re.search(r"(tenants|subscriptions): connection", landing)  # whichever was tried last
    assert "down for " in landing


def test_stuck_loop_is_unhealthy() -> None:
    """When housekeeping has not run for two minutes the process asks to be replaced."""

    async def show() -> str | None:
        clock = WarpClock()
        async with running(settings_for(), clock, tidy_every=3600) as daemon:
            await clock.sleep(600)
            return daemon.healthy()

    assert "600 s late" in (warped(show) or "")


def test_taken_port_is_a_fault_of_the_settings() -> None:
    """A port that cannot be opened ends the start with its address, and leaves nothing running."""

    async def show() -> None:
        clock = WarpClock()
        async with running(settings_for(), clock) as daemon:
            taken = f"127.0.0.1:{daemon.addresses[0].port}"
            again = settings_for().model_copy(
                update={"web": settings_for().web.model_copy(update={"listen": (taken,)})}
            )
            with pytest.raises(SettingsError, match=taken):
                async with running(again, clock):
                    pass

    warped(show)


def test_broken_runner_is_started_again() -> None:
    """A runner that a bug ended is logged and runs again after a minute; housekeeping survives its own bugs."""

    class Broken:
        """A schedule that can only break."""

        begins = 0

        def begin(self, now: float) -> None:
            """Break."""
            self.begins += 1
            raise ZeroDivisionError(now)

    async def show() -> int:
        clock = WarpClock()
        async with running(settings_for(), clock, tidy_every=10) as daemon:
            broken = Broken()
            daemon.watched["elements"].runner.schedule = broken  # type: ignore[assignment]
            await clock.sleep(300)
            return broken.begins

    with capture_logs() as logs:
        begins = warped(show)

    assert begins >= 4
    assert {"runner_broken", "housekeeping_broken"} <= {line["event"] for line in logs}


def test_unreadable_authority_is_a_fault_of_the_settings(tmp_path: Any) -> None:
    """A ca_file that is not there ends the start with its place."""

    async def show() -> None:
        async with running(settings_for(tls={"ca_file": str(tmp_path / "none.pem")}), WarpClock()):
            pass

    with pytest.raises(SettingsError, match=r"sources\.elements\.tls\.ca_file"):
        warped(show)


def test_unverified_tls_is_warned_of() -> None:
    """Each start with tls.insecure_skip_verify says in the log what that means."""

    async def show() -> None:
        async with running(settings_for(tls={"insecure_skip_verify": True}), WarpClock()):
            pass

    with capture_logs() as logs:
        warped(show)

    assert [line["source"] for line in logs if line["event"] == "tls_not_verified"] == ["elements"]


def test_long_collections_freeze_the_heap() -> None:
    """A full garbage collection that took too long freezes what is alive; a quick or young one does not."""
    slow, quick = CollectionTimer(longest=-1.0), CollectionTimer(longest=3600)
    before, frozen = gc.get_freeze_count(), []

    for timer, generation in ((quick, 2), (slow, 1), (slow, 2)):
        timer("start", {"generation": generation})
        timer("stop", {"generation": generation})
        frozen.append(gc.get_freeze_count() > before)
    gc.unfreeze()

    assert frozen == [False, False, True]


def test_collections_are_bounded_meanwhile() -> None:
    """Afterwards nobody watches the collector, and nothing stays frozen."""
    before, frozen = list(gc.callbacks), gc.get_freeze_count()

    with bounded_collections():
        watched = len(gc.callbacks)
        gc.freeze()

    assert watched == len(before) + 1
    assert gc.callbacks == before
    assert gc.get_freeze_count() <= frozen
