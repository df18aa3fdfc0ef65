"""What the state file costs: waits for the disk, stalls while the disk is slow, and the time of a restart."""

import asyncio
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from bench.fleet import config_for, simulator
from bench.restart import restart
from bench.slow_disk import SlowDisk, slow_disk
from bench.subject import Report, subject
from bench.table import Row

FOLDER = "/var/tmp"  # noqa: S108 - /tmp may be memory; what is made here has a name of its own
INTERVAL = 300.0
SLOWNESS = 500.0
"""Milliseconds that each wait for a slow disk is longer."""
COUNTED = 120.0
WATCHED = 60.0
"""Seconds."""


async def state(*, tenants: int, restarted: int) -> list[Row]:
    """Poll *tenants* onto a disk; restart with what is known of *restarted* customers."""
    with tempfile.TemporaryDirectory(prefix="m365-bench-", dir=FOLDER) as name:
        folder = Path(name)
        disk = slow_disk(folder)
        writing = await _writing(folder, disk, tenants) if disk else [_not_measured()]
        return writing + await restart(folder, tenants=restarted)


def _not_measured() -> Row:
    return Row("state: waits for the disk, stalls when it is slow", "not measured: no C compiler (cc)")


async def _writing(folder: Path, disk: SlowDisk, tenants: int) -> list[Row]:
    path, config = folder / "state.db", folder / "state.json"
    async with simulator("--tenants", str(tenants)) as url:
        settings = config_for(url, state=str(path), jobs={"interval": f"{INTERVAL:.0f}s"})
        config.write_text(json.dumps(settings))
        async with subject(config, disk.environment(SLOWNESS)) as filling:
            first = await filling.answered("scan_profile_changes", tenants)
        _move_on(path)
        polls, fsyncs, usual = await _steady(config, disk, 0.0, COUNTED)
        _, _, slow = await _steady(config, disk, SLOWNESS, WATCHED)
    return [
        Row(f"state: polls a minute, {tenants:,} customers every 5 min", f"{polls:.0f}"),
        Row("fsyncs a minute meanwhile", f"{fsyncs:.0f}", "< 50"),
        Row("median wait of an answer until it is durable", f"{usual.wait:.2f} s"),
        Row("longest stall of the event loop meanwhile", _stall(usual), "≤ 50 ms"),
        Row(f"the same, each fsync {SLOWNESS:.0f} ms longer", _stall(slow), "≤ 50 ms"),
        Row("the same in the first cycle, all rows new", _stall(first), "≤ 50 ms"),
        Row("median wait until durable on the slow disk", f"{slow.wait:.2f} s"),
    ]


async def _steady(config: Path, disk: SlowDisk, slowness: float, seconds: float) -> tuple[float, float, Report]:
    """Go on for some seconds after the start is over; return polls and fsyncs a minute, and how it fared."""
    async with subject(config, disk.environment(slowness)) as running:
        await asyncio.sleep(10)
        before, fsyncs = await running.report(), disk.calls()
        await asyncio.sleep(seconds)
        after, fsyncs = await running.report(), disk.calls() - fsyncs
    polls = after.requests["jobs"] - before.requests["jobs"]
    return polls * 60 / seconds, fsyncs * 60 / seconds, after


def _move_on(path: Path) -> None:
    """Pretend that the pause after the first cycle, at least half an interval, is over."""
    with closing(sqlite3.connect(path)) as connection, connection:
        statement = "UPDATE collections SET due = due - ?1, regular = regular - ?1 WHERE collector = 'jobs'"
        connection.execute(statement, (INTERVAL / 2,))


def _stall(report: Report) -> str:
    return f"{report.stall * 1e3:.0f} ms ({report.stall_with_others * 1e3:.0f} ms with what others took)"
