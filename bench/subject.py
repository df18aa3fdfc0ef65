"""The exporter in a process of its own that tells how it fares: `python -m bench.subject CONFIG`.

It prints a line of JSON when it runs, one more for each line that it reads, and stops at the end of its input.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from prometheus_client import disable_created_metrics

from bench.fleet import Stalls, requests_of
from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.heap import bounded_collections
from exporter.log import configure
from exporter.settings import load
from exporter.state.source import Writer
from exporter.state.tables import Key, Row, Table


@dataclass(frozen=True, slots=True)
class Report:
    """What happened since the last one, in seconds; requests from the beginning."""

    url: str
    stall: float
    stall_with_others: float
    """The same with the time in which other processes ran."""
    wait: float
    """Median time for which an answer waited until it was durable."""
    requests: dict[str, int]


class Subject:
    """The process, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, begun: Report) -> None:
        self._process = process
        self.begun = begun

    async def report(self) -> Report:
        """Ask how it fares."""
        if self._process.stdin is None:
            raise AssertionError
        self._process.stdin.write(b"\n")
        return await _said(self._process)

    async def answered(self, operation: str, requests: int) -> Report:
        """Wait until so many requests of an operation were answered; only then report."""
        reports = [self.begun]
        while True:
            reports.append(await self.report())
            if reports[-1].requests[operation] >= requests:
                return replace(
                    reports[-1],
                    stall=max(report.stall for report in reports),
                    stall_with_others=max(report.stall_with_others for report in reports),
                    wait=max(report.wait for report in reports),
                )
            await asyncio.sleep(0.5)


@asynccontextmanager
async def subject(config: Path, environment: Mapping[str, str]) -> AsyncIterator[Subject]:
    """Run the exporter with a configuration while the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.subject", str(config)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield Subject(process, await _said(process))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _said(process: asyncio.subprocess.Process) -> Report:
    line = await process.stdout.readline() if process.stdout else b""
    return Report(**json.loads(line))


class _Timed:
    """A writer that measures how long it is waited for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.waits: list[float] = []

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        self._writer.put(table, key, row)

    def purge(self, source: str, tenant: str) -> None:
        self._writer.purge(source, tenant)

    async def committed(self) -> None:
        before = time.perf_counter()
        await self._writer.committed()
        self.waits.append(time.perf_counter() - before)


def _report(daemon: Daemon, stalls: Stalls, timed: _Timed) -> None:
    waits, timed.waits = timed.waits, []
    stall, stall_with_others = stalls.since_last()
    report = Report(
        url=str(daemon.addresses[0] / "metrics"),
        stall=stall,
        stall_with_others=stall_with_others,
        wait=statistics.median(waits) if waits else 0.0,
        requests={operation: requests_of(daemon, operation) for operation in ("jobs", "scan_profile_changes")},
    )
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    sys.stdout.flush()


async def _run(settings: Any) -> None:
    stalls = Stalls()
    async with running(settings, SystemClock()) as daemon:
        state = daemon.watched["bench"].state
        state.writer = timed = _Timed(state.writer)
        _report(daemon, stalls, timed)
        while await asyncio.to_thread(sys.stdin.readline):
            _report(daemon, stalls, timed)


def main() -> None:
    """Run as `exporter run` does."""
    configure(level="error", form="json")
    disable_created_metrics()  # type: ignore[no-untyped-call]
    with bounded_collections():
        asyncio.run(_run(load(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
