"""The real process, as systemd sees it: started, reloaded and stopped, while a vendor hangs and a scraper is slow."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from exporter.clock import SystemClock
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.ear import Ear, listening
from tests.support.process import COUNTER, ROOT, free_port, until

TENANTS: Final = 25
ACCESS: Final = {"client_id": "test", "client_secret": "simulated"}


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request and never answer it."""
    await reader.read()
    writer.close()


def source(api: str) -> dict[str, Any]:
    """Return a source that asks *api* for jobs every second."""
    return {
        "kind": "elements",
        "base_url": api,
        "auth": {"token_url": f"{api}/connect/token", **ACCESS},
        "limits": {"requests_per_second": 500, "concurrency": 32},
        "collectors": {"jobs": {"interval": "1s"}},
    }


@asynccontextmanager
async def vendors() -> AsyncIterator[dict[str, Any]]:
    """Return sources, one that answers and one that hangs, while the context lasts."""
    world = World(seed=3, tenants=TENANTS, start=time.time() - 86400, pace=2000.0)
    server = await serve(build_app(world, clock=SystemClock()), "127.0.0.1", 0)
    hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = hanging.sockets[0].getsockname()[1]
    try:
        yield {"elements": source(server.base_url), "hanging": source(f"http://127.0.0.1:{port}")}
    finally:
        hanging.close()
        await server.close()


def configured(folder: Path, port: int, sources: dict[str, Any]) -> Path:
    """Write a configuration and return its path."""
    config = {"web": {"listen": [f"127.0.0.1:{port}"]}, "state": {"path": str(folder / "state.db")}, "sources": sources}
    path = folder / "config.yaml"
    path.write_text(json.dumps(config | {"limits": {"counter_birth_delay": "1s"}}), encoding="utf-8")
    return path


@asynccontextmanager
async def started(config: Path, ear: Ear) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the exporter as systemd would, with a watchdog of two seconds."""
    told = {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "2000000"}
    with (config.parent / "exporter.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exporter", "run", "--config", str(config)),
            cwd=ROOT,
            env=os.environ | told,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def scraped(port: int) -> str:
    """Return /metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        return await response.text()


def slow_scraper(port: int) -> socket.socket:
    """Return a connection that has asked for more than any buffer holds, took a little of it, and takes no more."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


async def told(ear: Ear, assignment: str) -> list[str]:
    """Return what is heard up to an assignment that begins like this."""
    return await asyncio.to_thread(ear.until, assignment)


async def test_start_and_reload(tmp_path: Path) -> None:
    """Once ready is told the port is open, whatever the vendors do; a reload has its end, a watchdog hears of us."""
    port = free_port()
    async with vendors() as sources:
        config = configured(tmp_path, port, {"hanging": sources["hanging"]})
        with listening(str(tmp_path / "notify")) as ear:
            async with started(config, ear) as process:
                early = await told(ear, "READY=1")
                await scraped(port)
                beats = await told(ear, "WATCHDOG=1")
                process.send_signal(signal.SIGHUP)
                reload = await told(ear, "RELOADING=1")
                moment = int(reload[-1].removeprefix("MONOTONIC_USEC=")) / 1e6
                over = await told(ear, "READY=1")

    assert early == ["READY=1"]
    assert "WATCHDOG=1" in beats
    assert time.monotonic() - 30 < moment < time.monotonic()
    assert "STOPPING=1" not in over


async def test_stop(tmp_path: Path) -> None:
    """A stop takes five seconds at most and costs nothing counted: the next start shows it before it is ready.

    One vendor takes requests without ever answering, and a scraper has asked for everything and stopped reading.
    """
    port = free_port()
    async with vendors() as sources:
        config = configured(tmp_path, port, sources)
        with listening(str(tmp_path / "notify")) as ear:
            async with started(config, ear) as process:
                await told(ear, f"STATUS=2 sources, {TENANTS} tenants")
                await collected(port)
                shown = counters(await scraped(port))
                with slow_scraper(port):
                    took = await stopped(process, ear)
            async with started(config, ear):
                await told(ear, "READY=1")
                restored = counters(await scraped(port))

    assert process.returncode == 0
    assert took < 5
    assert len(shown) > TENANTS
    assert {series: value for series, value in shown.items() if restored.get(series, -1) < value} == {}


async def test_early_reload(tmp_path: Path) -> None:
    """A reload that is asked for while the process still loads does not end it, and happens once it is ready."""
    port = free_port()
    async with vendors() as sources:
        config = configured(tmp_path, port, {"hanging": sources["hanging"]})
        with listening(str(tmp_path / "notify")) as ear:
            async with started(config, ear) as process:
                await until(lambda: waits(process.pid, signal.SIGHUP), "it expects signals")
                process.send_signal(signal.SIGHUP)
                early = await told(ear, "READY=1")
                await told(ear, "RELOADING=1")
                await told(ear, "READY=1")

    assert early == ["READY=1"]


async def test_early_stop(tmp_path: Path) -> None:
    """A process that is stopped while it still loads ends as one that is stopped later, with status 0."""
    config = configured(tmp_path, free_port(), {})
    with listening(str(tmp_path / "notify")) as ear:
        async with started(config, ear) as process:
            await until(lambda: waits(process.pid, signal.SIGTERM), "it expects signals")
            process.terminate()
            await process.wait()

    assert process.returncode == 0
    assert (tmp_path / "exporter.log").read_text(encoding="utf-8") == ""


def waits(pid: int, number: signal.Signals) -> bool:
    """Tell whether the process has blocked the signal, or catches it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigBlk:", "SigCgt:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


async def stopped(process: asyncio.subprocess.Process, ear: Ear) -> float:
    """Return how many seconds the process took to stop."""
    begun = time.monotonic()
    process.terminate()
    await told(ear, "STOPPING=1")
    await process.wait()
    return time.monotonic() - begun


def counters(text: str) -> dict[str, float]:
    """Return what the exposition counts of jobs."""
    return {series: float(value) for series, value in COUNTER.findall(text)}


async def collected(port: int) -> None:
    """Wait until runs of jobs are counted."""
    async with asyncio.timeout(60):
        while sum(map(bool, counters(await scraped(port)).values())) < TENANTS:
            pass
