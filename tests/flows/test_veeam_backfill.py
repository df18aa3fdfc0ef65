"""The past of Veeam's jobs through the command: every run at its end, in each generation."""

import json
import re
import sys
from asyncio import create_subprocess_exec, subprocess
from collections import Counter, defaultdict
from datetime import UTC, datetime
from math import floor
from pathlib import Path

from exporter.clock import SystemClock
from exporter.simulator.server import build_app, serve
from exporter.simulator.veeam.history import Ended, ended_between
from exporter.simulator.world import World
from tests.support.scrape import LABEL

DAY = 86400.0
DAYS = 9
GENERATIONS = ("v8", "v7", "v6")
LINE = re.compile(r"^m365backup_job_(\w+?)(?:_total)?\{(.*)\} (\S+) (\S+)$", re.MULTILINE)
SPANS = {"duration_seconds_sum", "duration_seconds_count"}
Key = tuple[str, str]


def config_for(url: str) -> str:
    """Return a configuration with one source for each generation of one server."""
    common = {
        "kind": "veeam",
        "base_url": url,
        "auth": {"username": "monitor", "password": "simulated"},
        "limits": {"requests_per_second": 1000},
    }
    return json.dumps({"sources": {api: {"api": api, **common} for api in GENERATIONS}})


async def written(config: Path, output: Path, since: float, until: float) -> str:
    """Run the command, and return what it said."""
    times = (f"--since={_written(since)}", f"--until={_written(until)}")
    command = (sys.executable, "-m", "exporter", "backfill", "--config", str(config), "--output", str(output), *times)
    process = await create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = (await process.communicate())[1].decode()
    assert process.returncode == 0, said
    return said


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def steps(text: str) -> dict[str, dict[str, dict[Key, list[tuple[float, float]]]]]:
    """Return when each counter of each source grew, and to what."""
    found: dict[str, dict[str, dict[Key, list[tuple[float, float]]]]] = defaultdict(lambda: defaultdict(dict))
    for name, labels, value, at in LINE.findall(text):
        words = dict(LABEL.findall(labels))
        if "job_name" in words:
            continue
        series = found[words["source"]][name].setdefault((words["tenant"], words["job_type"]), [(0.0, 0.0)])
        if float(value) != series[-1][1]:
            series.append((float(at), float(value)))
    return found


def grown(ended: list[Ended], amount: str) -> list[tuple[float, float]]:
    """Return when a counter of these runs should have grown, and to what."""
    series, total = [(0.0, 0.0)], 0
    for run in sorted(ended, key=lambda run: run.ended):
        more = {"runs": 1, "retries": run.retries, "bytes": run.bytes, "objects": run.objects}[amount]
        total += more
        if more and round(series[-1][0], 3) == round(run.ended, 3):
            series[-1] = (run.ended, total)
        elif more:
            series.append((run.ended, total))
    return [(round(at, 3), value) for at, value in series]


async def test_every_run_at_its_end(tmp_path: Path) -> None:
    """Each generation tells each finished run once, at its end, with retries, bytes and objects of all attempts."""
    clock = SystemClock()
    until = floor(clock.now()) - 3600.0
    since = until - DAYS * DAY
    world = World(seed=4, tenants=4, start=since - 20 * DAY)
    world = world.script(lambda _: True, "failed", since + DAY, since + 3 * DAY)
    output, config = tmp_path / "history.om", tmp_path / "config.yaml"
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    config.write_text(config_for(server.base_url), encoding="utf-8")
    try:
        said = await written(config, output, since, until)
    finally:
        await server.close()
    truth: dict[Key, list[Ended]] = defaultdict(list)
    for customer in world.customers(until):
        for run in ended_between(world, customer, since, until):
            truth[run.organization_id, run.job_type].append(run)

    found = steps(output.read_text(encoding="utf-8"))

    assert found.keys() == set(GENERATIONS), said
    assert sum(run.retries for runs in truth.values() for run in runs) > 5
    for api in GENERATIONS:
        assert found[api]["runs"].keys() == truth.keys()
        for name in ("runs", "retries", "bytes", "objects"):
            for key, ended in truth.items():
                told = [(round(at, 3), value) for at, value in found[api][name].get(key, [(0.0, 0.0)])]
                assert told == grown(ended, name), (api, name, key)
    assert Counter(str(found[api]) for api in GENERATIONS).most_common(1)[0][1] == len(GENERATIONS)
