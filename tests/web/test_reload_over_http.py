"""`/-/reload`: what it answers, and that it is the same reload as SIGHUP's."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from exporter.app import Daemon, running
from exporter.settings import Settings
from tests.flows.test_reload import faulty, settings_for
from tests.support.scrape import exposition
from tests.support.warp import WarpClock, warped


def enabled(**sources: Any) -> Settings:
    """Return settings of sources that nobody answers, with reload over HTTP."""
    settings = settings_for("http://127.0.0.1:1", "", **sources)
    return settings.model_copy(update={"web": settings.web.model_copy(update={"enable_lifecycle": True})})


async def ask(daemon: Daemon, method: str = "POST") -> tuple[int, str]:
    """Return status and text of the answer."""
    url = daemon.addresses[0].with_path("/-/reload")
    async with aiohttp.ClientSession() as session, session.request(method, url) as response:
        return response.status, await response.text()


def shown(
    settings: Settings, read: Callable[[], Settings] | None, *methods: str
) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the answers to requests that come at the same time, and the sources watched afterwards."""

    async def show() -> tuple[list[tuple[int, str]], list[str]]:
        async with running(settings, WarpClock(), read, tidy_every=10) as daemon:
            answers = await asyncio.gather(*(ask(daemon, method) for method in methods))
            return list(answers), list(daemon.watched)

    return warped(show)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_it_reloads(method: str) -> None:
    """POST and PUT take over what the file says now, and are answered when that is in force."""
    answers, watched = shown(enabled(one={}), lambda: enabled(one={}, two={}), method)

    assert answers == [(200, "reloaded\n")]
    assert watched == ["one", "two"]


def test_faults() -> None:
    """A configuration at fault is answered with its faults, and nothing changes."""
    answers, watched = shown(enabled(one={}), faulty, "POST")

    assert answers == [(500, "config.yaml: sources.one.kind: is required\n")]
    assert watched == ["one"]


def test_a_bug() -> None:
    """A bug that stops a reload is answered and logged, the metric says that it failed, and the rest goes on."""

    def read() -> Settings:
        raise ZeroDivisionError

    async def show() -> tuple[tuple[int, str], str]:
        clock = WarpClock()
        async with running(enabled(one={}), clock, read, tidy_every=10) as daemon:
            answer = await ask(daemon)
            await clock.sleep(30)
            return answer, await exposition(daemon)

    with capture_logs() as logs:
        answer, text = warped(show)

    assert answer == (500, "a bug stopped it; the log says where\n")
    assert "m365backup_exporter_config_last_reload_successful 0\n" in text
    assert "reload_broken" in {line["event"] for line in logs}


def test_not_enabled() -> None:
    """Unless web.enable_lifecycle says so, nothing is reloaded, and the answer names the option."""
    answers, watched = shown(settings_for("http://127.0.0.1:1", "", one={}), lambda: enabled(one={}, two={}), "POST")

    ((status, text),) = answers
    assert (status, watched) == (403, ["one"])
    assert "web.enable_lifecycle" in text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_methods(method: str) -> None:
    """A link that is followed reloads nothing: GET is told what is allowed."""
    answers, watched = shown(enabled(one={}), lambda: enabled(one={}, two={}), method)

    assert answers == [(405, "Only POST or PUT requests are allowed.\n")]
    assert watched == ["one"]


def test_without_a_file() -> None:
    """A daemon that was given its settings, as the demo is, reloads the same."""
    answers, watched = shown(enabled(one={}), None, "POST")

    assert answers[0][0] == 200
    assert watched == ["one"]


def test_one_after_the_other() -> None:
    """Reloads that are asked for while one is under way wait for it."""
    go = threading.Event()
    begun = 0
    at_work = []

    def read() -> Settings:
        nonlocal begun
        begun += 1
        assert go.wait(30)
        at_work.append(begun)
        return enabled(one={}, two={})

    async def show() -> list[list[str]]:
        async with running(enabled(one={}), WarpClock(), tidy_every=10) as daemon:
            reloads = [asyncio.create_task(daemon.reload(read)) for _ in range(3)]
            for _ in range(1000):
                await asyncio.sleep(0)
            go.set()
            return await asyncio.gather(*reloads)

    assert warped(show) == [[], [], []]
    assert at_work == [1, 2, 3]


def test_while_it_stops() -> None:
    """A daemon that stops reloads nothing, and says that it cannot now."""

    async def show() -> tuple[tuple[int, str], list[str]]:
        async with running(enabled(one={}), WarpClock(), lambda: enabled(one={}, two={}), tidy_every=10) as daemon:
            await daemon.fleet.stop()
            return await ask(daemon), list(daemon.watched)

    (status, text), watched = warped(show)

    assert (status, watched) == (503, ["one"])
    assert "stopping" in text
