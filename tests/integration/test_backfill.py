"""The past of simulated tenants, through the command, promtool and Prometheus, compared with what happened."""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from math import floor
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from exporter.clock import SystemClock
from exporter.simulator.cloudbackup.history import Shown, ended_between
from exporter.simulator.customers import Customer
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.prometheus import Prometheus, running_prometheus

DAY: Final = 86400.0
DAYS: Final = 10
LABELS: Final = {"job": "m365-backup", "instance": "exporter.example.com:10365"}
APIS: Final = ("v2", "v1", "legacy")
CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """A run that ended, as its API shows it."""

    at: float
    shown: Shown
    seconds: float


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to one source."""

    source: str
    customer: Customer
    ends: list[End]

    def counted(self, until: float) -> Counter[Key]:
        """Return what each counter has counted of the runs that ended until an instant."""
        counts: Counter[Key] = Counter()
        codes = self._codes()
        for end in self.ends:
            if end.at <= until:
                counts.update(self._counts(end, codes))
        return counts

    def _counts(self, end: End, codes: set[str]) -> Counter[Key]:
        shown, counts = end.shown, end.shown.counts
        group = (self.source, shown.workload, shown.purpose)
        found: Counter[Key] = Counter({("runs", *group): 1, ("duration", *group): round(end.seconds * 1000)})
        outcome = {"finished": "successes", "failed": "failures"}.get(shown.state, "warnings")
        found[(outcome, *group)] = 1
        for name in ("successful", "failed", "skipped"):
            found[("objects", name, *group)] = getattr(counts, name)
        for mishap in shown.mishaps:
            code = mishap.value if mishap.is_code and CODE.fullmatch(mishap.value) else "other"
            found[("errors", self.source, code if code in codes else "other")] += mishap.number
        return found

    def _codes(self) -> set[str]:
        """Return the codes that have a series of their own: the first twenty."""
        met = [
            mishap.value
            for end in sorted(self.ends, key=lambda end: (end.at, end.shown.run.id))
            for mishap in end.shown.mishaps
            if mishap.is_code and CODE.fullmatch(mishap.value)
        ]
        return set(list(dict.fromkeys(met))[:20])


def past_of(world: World, customer: Customer, api: str, since: float, until: float) -> Past:
    """Return the truth; the newer generations cut times to the second."""
    cut = float if api == "legacy" else floor
    runs = ended_between(world, customer, since - 1, until + 1)
    ends = [End(cut(shown.run.end), shown, cut(shown.run.end) - cut(shown.run.start)) for shown in runs]
    return Past(f"source_{api}", customer, [end for end in ends if since < end.at <= until])


def config_for(url: str, customers: Mapping[str, Customer]) -> str:
    """Return a configuration with one source for each generation, and one that has no history."""
    auth = {"token_url": f"{url}/connect/token", "client_secret": "simulated"}
    common = {"base_url": url, "limits": {"requests_per_second": 500}}
    sources: dict[str, Any] = {
        f"source_{api}": {
            "kind": "cloudbackup",
            "api": api,
            "tenant": {"id": customer.id},
            "auth": {**auth, "client_id": customer.id},
            **common,
        }
        for api, customer in customers.items()
    }
    sources["elements"] = {"kind": "elements", "auth": {**auth, "client_id": "test"}, **common}
    return json.dumps({"sources": sources})


async def done(*command: str) -> str:
    """Run a command to its good end, and return what it said on standard error."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    said = (await process.communicate())[1].decode()
    assert process.returncode == 0, said
    return said


def key_of(labels: Mapping[str, str]) -> Key | None:
    """Return what the truth calls a series of counters."""
    name = labels["__name__"].removeprefix("m365backup_job_").removesuffix("_total")
    if name == "errors":
        return (name, labels["source"], labels["code"])
    group = (labels["source"], labels["workload"], labels["job_type"])
    match name:
        case "objects":
            return (name, labels["outcome"], *group)
        case "duration_seconds_sum":
            return ("duration", *group)
        case "runs" | "successes" | "failures" | "warnings":
            return (name, *group)
        case _:
            return None


async def counters(running: Prometheus, at: float) -> dict[Key, int]:
    """Return all counters as Prometheus knows them at an instant, durations in milliseconds."""
    found = await running.query('{__name__=~"m365backup_job_.+_(total|sum)"}', at)
    return {
        key: round(value * 1000) if key[0] == "duration" else int(value)
        for labels, value in found
        if (key := key_of(labels)) is not None
    }


@pytest.mark.timeout(300)
async def test_prometheus_tells_the_past_truly(tmp_path: Path) -> None:
    """Between any two instants each counter grew by exactly the runs that ended, and no series was ever stale."""
    clock = SystemClock()
    until = floor(clock.now()) - 3600.0
    since = until - DAYS * DAY
    world = World(seed=11, tenants=12, start=since - 20 * DAY, rows_per_customer=10)
    customers = [each for each in world.customers(until) if each.has("Microsoft 365")][: len(APIS)]
    pasts = [past_of(world, each, api, since, until) for api, each in zip(APIS, customers, strict=True)]
    output, config = tmp_path / "history.om", tmp_path / "config.yaml"
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    config.write_text(config_for(server.base_url, dict(zip(APIS, customers, strict=True))), encoding="utf-8")
    try:
        said = await done(
            *(sys.executable, "-m", "exporter", "backfill", "--config", str(config), "--output", str(output)),
            *(f"--since={_written(since)}", f"--until={_written(until)}"),
            *(f"--label={name}={value}" for name, value in LABELS.items()),
        )
    finally:
        await server.close()
    create = ("promtool", "tsdb", "create-blocks-from", "--max-block-duration=48h")
    await done(*create, "openmetrics", str(output), str(tmp_path / "data"))

    assert "elements: skipped: " in said
    assert f"{sum(len(past.ends) for past in pasts)} runs of 3 tenants" in said
    assert not tmp_path.joinpath("history.om.partial").exists()
    async with running_prometheus(tmp_path, "--storage.tsdb.retention.time=10y") as running:
        await _differences_are_exact(running, pasts, since, until)
        await _nothing_is_stale(running, since, until)
        await _increase_is_near(running, pasts, until)
        await _gauges_tell_the_last_run(running, pasts, until)


async def _differences_are_exact(running: Prometheus, pasts: list[Past], since: float, until: float) -> None:
    known = {at: await counters(running, at) for at in _instants(pasts, since, until)}
    truth = {at: sum((past.counted(at) for past in pasts), Counter[Key]()) for at in known}

    assert all(len(found) == len(known[since]) > 100 for found in known.values())
    assert not any(known[since].values())
    assert not set(truth[until]) - set(known[until])
    for before, after in combinations(sorted(known), 2):
        grown = {key: known[after][key] - known[before][key] for key in known[after]}
        assert grown == {key: truth[after][key] - truth[before][key] for key in grown}


def _instants(pasts: Iterable[Past], since: float, until: float) -> list[float]:
    """Return the ends of runs, instants right before them, and such in between."""
    ends = sorted(end.at for past in pasts for end in past.ends)
    some = ends[:: max(1, len(ends) // 20)]
    steps = [since + (until - since) * step / 12 for step in range(13)]
    return sorted({round(at, 3) for at in (*steps, *some, *(end - 0.001 for end in some), since, until)})


async def _nothing_is_stale(running: Prometheus, since: float, until: float) -> None:
    """Look at each minute but a fraction, that is not where the samples are."""
    expression = 'count({__name__=~"m365backup_job_.+_(total|sum|count)"})'
    seen = set()
    for begin in range(int(since), int(until), int(DAY)):
        end = min(begin + DAY, until)
        answer = await running.get(
            f"query_range?query={expression.replace('+', '%2B')}&start={begin + 0.777}&end={end}&step=60"
        )
        values = answer["result"][0]["values"]
        assert len(values) >= (end - begin) // 60 - 1
        seen |= {value for _, value in values}
    assert len(seen) == 1


async def _increase_is_near(running: Prometheus, pasts: list[Past], until: float) -> None:
    """`increase()` over a day differs from the truth by no more than what it extrapolates: a few minutes of the day."""
    found = await running.query("increase(m365backup_job_runs_total[1d])", until)
    truth = sum((past.counted(until) for past in pasts), Counter[Key]())
    truth.subtract(sum((past.counted(until - DAY) for past in pasts), Counter[Key]()))

    assert all(LABELS.items() <= labels.items() for labels, _ in found)
    increases = {("runs", each["source"], each["workload"], each["job_type"]): value for each, value in found}
    assert increases == pytest.approx({key: truth[key] for key in increases}, rel=0.01)
    assert sum(truth[key] for key in increases) > 20


async def _gauges_tell_the_last_run(running: Prometheus, pasts: list[Past], until: float) -> None:
    found = await running.query("m365backup_job_last_end_timestamp_seconds", until)
    told = {(each["source"], each["workload"], each["job_type"]): value for each, value in found}
    newest: dict[tuple[str, str, str], End] = {}
    for past in pasts:
        for end in sorted(past.ends, key=lambda end: end.shown.run.start):
            newest[past.source, end.shown.workload, end.shown.purpose] = end

    assert {key: told[key] for key in newest} == pytest.approx({key: end.at for key, end in newest.items()}, abs=1e-6)


async def test_it_is_openmetrics(tmp_path: Path) -> None:
    """A strict parser of OpenMetrics accepts every line: families whole, labels grouped, time only forward."""
    clock = SystemClock()
    until = floor(clock.now()) - 60.0
    world = World(seed=11, tenants=12, start=until - 10 * DAY, rows_per_customer=6)
    customer = next(each for each in world.customers(until) if each.has("Microsoft 365"))
    output, config = tmp_path / "history.om", tmp_path / "config.yaml"
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    config.write_text(config_for(server.base_url, {"v2": customer}), encoding="utf-8")
    command = (sys.executable, "-m", "exporter", "backfill", "--config", str(config), "--output", str(output))
    try:
        await done(*command, "--source=source_v2", "--since=2d", f"--until={_written(until)}")
    finally:
        await server.close()

    with output.open(encoding="utf-8") as text:
        families = [family.name for family in text_fd_to_metric_families(text)]  # type: ignore[no-untyped-call]

    assert len(families) == len(set(families)) >= 11


def _written(at: float) -> str:
    """Return a whole Unix second as the command takes it."""
    return f"{datetime.fromtimestamp(at, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
