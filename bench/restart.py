"""How soon a restart serves again what was known, while nobody can be asked anything."""

import asyncio
import gzip
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from yarl import URL

from bench.fleet import config_for, free_port, simulator
from bench.subject import subject
from bench.table import Row
from exporter.state import Memory
from exporter.state.database import Database
from exporter.state.restoring import restored

RESTARTS = 5
NOWHERE = "http://127.0.0.1:9"
"""The port of RFC 863, where nobody listens."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Seconds since the process was executed, and what the first scrape got."""

    restored: float
    started: float
    scraped: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds of the parts of reading a file."""

    checked: float
    opened: float
    """The check included."""
    built: float


async def restart(folder: Path, *, tenants: int) -> list[Row]:
    """Fill a file from a fleet, then start with it, again and again, without the fleet."""
    state, config = folder / "restart.db", folder / "restart.json"
    async with simulator("--tenants", str(tenants)) as url:
        config.write_text(json.dumps(config_for(url, state=str(state))))
        async with subject(config, {}) as filling:
            begun = await filling.answered("scan_profile_changes", tenants)
            await asyncio.sleep(5)
            known = _samples(await _first_scrape(URL(begun.url).port or 0))
    size = state.stat().st_size
    runs = [await _restart(folder, state) for _ in range(RESTARTS)]
    return _rows(tenants, known, runs, _reading(state), size)


def _rows(tenants: int, known: set[bytes], runs: list[Restart], reading: Reading, size: int) -> list[Row]:
    missing = max(len(known - _samples(run.body)) for run in runs)
    scraped = [run.scraped for run in runs]
    until, started = median(run.restored for run in runs), median(run.started - run.restored for run in runs)
    before = until - reading.opened - reading.built
    return [
        Row(f"restart: series of {tenants:,} customers", f"{len(known):,}", "200,000 and more"),
        Row("series missing in the first scrape after the restart", f"{missing:,}", "0"),
        Row(f"from exec to the end of that scrape, gzip, median of {RESTARTS}", _seconds(median(scraped)), "< 3 s"),
        Row("the same, fastest and slowest", f"{_seconds(min(scraped))}, {_seconds(max(scraped))}"),
        Row("of that: interpreter, imports, configuration", _seconds(before)),
        Row("of that: file opened and read", _seconds(reading.opened)),
        Row("within: integrity check", _seconds(reading.checked)),
        Row("of that: books built from its rows", _seconds(reading.built)),
        Row("of that: all cells rendered, port opened", _seconds(started)),
        Row("of that: the scrape, compressing included", _seconds(median(run.scraped - run.started for run in runs))),
        Row("state file a customer", f"{size / tenants / 1000:.1f} kB"),
    ]


async def _restart(folder: Path, state: Path) -> Restart:
    port, config, log = free_port(), folder / "nowhere.json", folder / "restart.log"
    config.write_text(json.dumps(config_for(NOWHERE, state=str(state), listen=f"127.0.0.1:{port}")))
    with log.open("wb") as stream:
        began, began_at = time.perf_counter(), time.time()
        command = (sys.executable, "-m", "exporter", "run", "--config", str(config))
        process = await asyncio.create_subprocess_exec(*command, stderr=stream)
        body = await _first_scrape(port)
        scraped = time.perf_counter() - began
        process.terminate()
        await process.wait()
    events = {event["event"]: event for event in map(json.loads, log.read_text().splitlines())}
    known, started = (_at(events[name]["timestamp"]) - began_at for name in ("state_restored", "started"))
    return Restart(known, started, scraped, body)


async def _first_scrape(port: int) -> bytes:
    """Return the body of the first answer, asked for from before the port is open."""
    request = b"GET /metrics HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.write(request)
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return body


def _samples(body: bytes) -> set[bytes]:
    """Return the names and labels of a body's samples about tenants."""
    lines = gzip.decompress(body).splitlines()
    return {line.rpartition(b" ")[0] for line in lines if b'tenant="' in line and not line.startswith(b"#")}


def _reading(state: Path) -> Reading:
    """Read the file as the daemon does, part by part."""
    with closing(sqlite3.connect(state)) as connection:
        checked = _timed(lambda: connection.execute("PRAGMA integrity_check(1)").fetchall())
    with closing(Database(state)) as database:
        began = time.perf_counter()
        contents = database.open()
        opened = time.perf_counter() - began
        built = _timed(lambda: restored(contents, Memory(), time.time()))
    return Reading(checked, opened, built)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _at(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
