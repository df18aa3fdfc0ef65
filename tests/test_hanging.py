"""Name services and disks that hang: what they must not stop."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import aiohttp
import pytest

from exporter.app import Daemon, running
from exporter.client.certificates import Peer, Shown
from exporter.client.lookup import Lookup
from exporter.clock import SystemClock
from exporter.settings import Settings
from tests.support.process import until

SOURCES = 20
SHARED = 6
"""How many threads all other work has on two processors."""


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the system's name service hang, but for addresses; return the names it was asked for, and from where."""
    system, over, asked = socket.getaddrinfo, Event(), []

    def hang(host: Any, *arguments: Any, **options: Any) -> Any:
        if not str(host).endswith(".example.com"):
            return system(host, *arguments, **options)
        asked.append(host)
        over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    over.set()


def configured(**sources: Any) -> Settings:
    """Return settings of *sources*."""
    return Settings.model_validate({"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": sources})


def tokens_wanted() -> int:
    """Return how many sources wait for a token."""
    return sum(task.get_name() == "token refresh" for task in asyncio.all_tasks())


async def lives(daemon: Daemon) -> None:
    """Fail unless the daemon goes on with its housekeeping and answers scrapes at once."""
    beat = daemon.last_beat
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        for path, headers in (("/metrics", {}), ("/metrics", {"Accept-Encoding": "identity"}), ("/-/healthy", {})):
            async with session.get(daemon.addresses[0].with_path(path), headers=headers) as response:
                assert response.status == 200
    await until(lambda: daemon.last_beat > beat + 0.3, "its housekeeping goes on")


def seconds_to_stop(settings: Settings) -> float:
    """Return how long a daemon takes to stop, with all its threads, that lived on while no source had a token."""
    stopping = 0.0

    async def show() -> None:
        nonlocal stopping
        async with running(settings, SystemClock(), tidy_every=0.1) as daemon:
            await until(lambda: tokens_wanted() == SOURCES, "everything hangs")
            await lives(daemon)
            stopping = time.monotonic()

    asyncio.run(show())
    return time.monotonic() - stopping


def test_names(hanging: list[str]) -> None:
    """While no name can be looked up, scrapes are answered, housekeeping goes on, and a stop takes less than 5 s."""
    veeam = {"kind": "veeam", "api": "v8", "auth": {"username": "test", "password": "test"}}
    hosts = {f"veeam_{number}": f"vbr-{number}.example.com" for number in range(SOURCES)}
    sources = {name: veeam | {"base_url": f"https://{host}:4443"} for name, host in hosts.items()}

    took = seconds_to_stop(configured(**sources))

    assert took < 5
    assert len(hanging) > SHARED


def test_secrets(tmp_path: Path) -> None:
    """While no file of a secret can be read, the same holds."""
    file = tmp_path / "secret"
    os.mkfifo(file)
    url = "http://127.0.0.1:1"
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret_file": str(file)}
    elements = {"kind": "elements", "base_url": url, "auth": auth}

    try:
        took = seconds_to_stop(configured(**{f"elements_{number}": elements for number in range(SOURCES)}))
    finally:
        os.close(os.open(file, os.O_RDWR))  # whoever waits for a writer reads nothing, and goes

    assert took < 5


def test_one_host_is_asked_for_once(hanging: list[str]) -> None:
    """Requests to one host wait for one lookup, each no longer than its own timeout."""

    async def ask(session: aiohttp.ClientSession) -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await session.get("https://vbr.example.com", timeout=aiohttp.ClientTimeout(total=0.2))
        return time.monotonic() - began

    async def show() -> list[float]:
        connector = aiohttp.TCPConnector(resolver=Lookup())
        async with aiohttp.ClientSession(connector=connector) as session:
            return await asyncio.gather(*(ask(session) for _ in range(5)))

    assert max(asyncio.run(show())) < 5
    assert hanging == ["vbr.example.com"]


def test_names_are_found() -> None:
    """A name gives addresses that need no lookup any more."""

    async def show() -> list[Any]:
        return await Lookup().resolve("localhost", 80, socket.AF_INET)

    (found,) = asyncio.run(show())

    assert (found["hostname"], found["host"], found["port"]) == ("localhost", "127.0.0.1", 80)


def test_a_stranger_is_not_looked_up_elsewhere(hanging: list[str]) -> None:
    """Whose certificate is not trusted is looked up in threads that nothing else needs, and not for ever."""

    async def show() -> tuple[Shown, list[Shown]]:
        many = (Peer(f"vbr-{number}.example.com", 443, "vbr").shown(within_seconds=0.2) for number in range(SOURCES))
        shown = await asyncio.gather(*many)
        return await asyncio.to_thread(Shown), shown

    assert asyncio.run(show()) == (Shown(), [Shown()] * SOURCES)
    assert len(hanging) > SHARED
