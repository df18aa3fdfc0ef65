"""What whoever started us is told, over a real socket, in time that jumps."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.app import running
from exporter.service import Supervisor, status_line
from tests.support.ear import Ear, listening
from tests.support.warp import WarpClock, warped
from tests.test_app import settings_for

PID = 4711


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return where a socket can be."""
    return str(tmp_path / "notify")


def attended(
    supervisor: Supervisor, work: Callable[[WarpClock], object], healthy: Callable[[], str | None] = lambda: None
) -> None:
    """Let *supervisor* attend to a service whose status never changes, while *work* is done, and 100 s more."""

    async def show() -> None:
        clock = WarpClock()
        async with supervisor.attended(clock, healthy=healthy, status=lambda: "all is well"):
            await clock.sleep(0)
            work(clock)
            await clock.sleep(100)

    warped(show)


def nothing(_: WarpClock) -> None:
    """Do it."""


@pytest.mark.parametrize("address", ["", "@m365-backup-exporter-test"])
def test_ready_how_it_is_and_the_end(address: str, path: str) -> None:
    """Readiness comes first, the status once for each change, the end last; abstract sockets are as good as files."""
    with listening(address or path) as ear:
        attended(Supervisor(ear.address), nothing)

        assert ear.heard() == ["READY=1", "STATUS=all is well", "STOPPING=1"]


def test_watchdog_hears_of_us_at_half_its_patience(path: str) -> None:
    """A watchdog that waits 30 seconds hears of us at once and every 15: seven times within 100 seconds."""
    with listening(path) as ear:
        supervisor = Supervisor.of({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000"}, PID)
        attended(supervisor, nothing)

        assert ear.heard().count("WATCHDOG=1") == 7


def test_watchdog_of_less_than_a_second(path: str) -> None:
    """A watchdog that waits half a second hears of us every quarter."""
    with listening(path) as ear:
        supervisor = Supervisor.of({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "500000"}, PID)
        beats: list[str] = []
        attended(supervisor, lambda _: asyncio.get_running_loop().call_at(1.9, lambda: beats.extend(ear.heard())))

        assert beats.count("WATCHDOG=1") == 8


def test_stuck_process_keeps_silent(path: str) -> None:
    """While we are not healthy the watchdog hears nothing, so that it acts; everything else is still told."""
    with listening(path) as ear:
        supervisor = Supervisor.of({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000000"}, PID)
        attended(supervisor, nothing, healthy=lambda: "housekeeping is 200 s late")

        assert ear.heard() == ["READY=1", "STATUS=all is well", "STOPPING=1"]


@pytest.mark.parametrize(
    "environment", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}]
)
def test_no_watchdog(environment: dict[str, str]) -> None:
    """Without a watchdog, or with one meant for another process, there is no hurry."""
    assert Supervisor.of(environment, PID).patience is None


def test_watchdog_for_this_process() -> None:
    """One that names our process is meant for us."""
    supervisor = Supervisor.of({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(PID)}, PID)

    assert supervisor.patience == 3.0


def test_nobody_listens() -> None:
    """Started by hand, nothing is said, and nothing is logged about it."""
    with capture_logs() as logs:
        attended(Supervisor.of({}, PID), nothing)

    assert logs == []


def test_missing_socket_is_logged_once(path: str) -> None:
    """A socket that is not there is one line in the log; what matters is told once it is there."""
    ears: list[Ear] = []

    def appear(_: WarpClock) -> None:
        asyncio.get_running_loop().call_at(50, lambda: ears.append(Ear(path)))

    with capture_logs() as logs:
        attended(Supervisor(path), appear)
    heard = ears[0].heard()
    ears[0].close()

    assert [line["event"] for line in logs] == ["supervisor_not_told"]
    assert heard == ["READY=1", "STATUS=all is well", "STOPPING=1"]


def test_full_socket_holds_nobody_up(path: str) -> None:
    """While a socket takes nothing more nothing waits for it; the newest word on each matter is told afterwards."""
    with listening(path) as ear, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as noise:
        noise.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                noise.sendto(b"noise", path)
        supervisor = Supervisor(path)
        later: list[str] = []

        def drain(_: WarpClock) -> None:
            loop = asyncio.get_running_loop()
            loop.call_at(50, ear.heard)
            loop.call_at(60, lambda: later.extend(ear.heard()))

        with capture_logs() as logs:
            attended(supervisor, drain)

        assert later == ["READY=1", "STATUS=all is well"]
        assert [line["event"] for line in logs] == ["supervisor_not_told"]


def test_reload_is_told_even_if_it_breaks(path: str) -> None:
    """A reload begins with RELOADING=1 and its time, and ends with READY=1, also one that a bug ended."""

    async def show() -> None:
        clock, hang_up = WarpClock(), asyncio.Event()

        async def reload() -> None:
            await clock.sleep(5)
            raise ZeroDivisionError

        task = asyncio.create_task(supervisor.reload_at(hang_up, reload))
        for _ in range(2):
            hang_up.set()
            await clock.sleep(10)
        task.cancel()

    with listening(path) as ear, capture_logs() as logs:
        supervisor = Supervisor(path)
        warped(show)
        heard = [each.partition("=")[0] for each in ear.heard()]

    assert heard == ["RELOADING", "MONOTONIC_USEC", "READY"] * 2
    assert [line["event"] for line in logs] == ["reload_broken"] * 2


def test_broken_status_does_not_end_it(path: str) -> None:
    """A bug in the status is logged, and the watchdog is fed all the same."""

    def status() -> str:
        raise ZeroDivisionError

    async def show() -> None:
        clock = WarpClock()
        async with supervisor.attended(clock, healthy=lambda: None, status=status):
            await clock.sleep(20)

    with listening(path) as ear, capture_logs() as logs:
        supervisor = Supervisor(path, 10.0)
        warped(show)

        assert ear.heard().count("WATCHDOG=1") == 4
    assert {line["event"] for line in logs} == {"supervision_broken"}


def test_status_of_a_fleet() -> None:
    """The status counts sources and tenants, and those sources that cannot be asked only if there are any."""

    async def show() -> list[str]:
        clock = WarpClock()
        async with running(settings_for(), clock, tidy_every=10) as daemon:
            early = status_line(daemon.watched.values())
            await clock.sleep(120)
            return [early, status_line(daemon.watched.values())]

    assert warped(show) == ["1 source, 0 tenants", "1 source, 0 tenants, 1 source down"]
