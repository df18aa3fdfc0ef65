"""The command that asks everything once."""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter import once, records
from exporter.app import outgoing_session, running
from exporter.clock import SystemClock
from exporter.once import ask_once
from exporter.once.lines import TIMES, line
from exporter.settings import Settings
from exporter.simulator.server import STATISTICS, build_app, serve
from exporter.simulator.world import World
from tests.support.process import until
from tests.support.scrape import Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped

DAY = 86400.0
AUTH = {"client_id": "any", "client_secret": "simulated"}
OF_THE_PROCESS = re.compile(r"(exporter|process|python)_")
OF_TIME = re.compile(r"(_duration_seconds(_\w+)?|collector_last_success_timestamp_seconds|_expiry_timestamp_seconds)$")
EMAIL = re.compile(r"[\w.]+@[\w.]+")


@dataclass(slots=True)
class Vendors:
    """The simulator, and who is refused there."""

    url: str
    app: web.Application
    clock: Any
    tenants: list[str]

    def settings(self, *names: str, **options: Any) -> Settings:
        """Return the settings of the sources called so, for all of the simulator unless *options* say less."""
        everybody = {"limits": {"requests_per_second": 1000, "concurrency": 16}, **options}
        auth = {**AUTH, "token_url": f"{self.url}/connect/token"}
        sources = {
            "elements": {"kind": "elements", "auth": auth},
            "cloudbackup": {
                "kind": "cloudbackup",
                "auth": {**auth, "client_id": self.tenants[0]},
                "tenant": {"id": "contoso"},
            },
            "veeam": {"kind": "veeam", "auth": {"username": "monitor", "password": "simulated"}},
        }
        chosen = {name: {**sources[name], "base_url": self.url, **everybody} for name in names or sources}
        return Settings.model_validate({"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": chosen})


@asynccontextmanager
async def vendors(
    clock: Any,
    *,
    tenants: int = 6,
    refuse: Callable[[web.Request], bool] = lambda _: False,
    slow: Callable[[web.Request], float] = lambda _: 0.0,
    **options: Any,
) -> AsyncIterator[Vendors]:
    """Serve a world of ten days while the context lasts; 403 for what is to be refused, late what is *slow*."""

    @web.middleware
    async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
        await clock.sleep(slow(request))
        return web.Response(status=403) if refuse(request) else await handler(request)

    world = World(seed=4, tenants=tenants, start=START - 10 * DAY)
    app = build_app(world, clock=clock, **options)
    app.middlewares.insert(0, door)
    server = await serve(app, "127.0.0.1", 0)
    try:
        microsoft = [each.id for each in world.customers(clock.now()) if each.has("Microsoft 365")]
        yield Vendors(server.base_url, app, clock, microsoft)
    finally:
        await server.close()


def asked(*names: str, as_json: bool = False, settings: Any = None, **options: Any) -> tuple[str, list[str]]:
    """Return what `once` prints on both ways out."""

    async def ask() -> tuple[str, list[str]]:
        clock = WarpClock()
        async with vendors(clock, **options) as there:
            pieces, failures = await ask_once(
                there.settings(*names, **(settings or {})), clock, outgoing_session, as_json=as_json
            )
            return b"".join(pieces).decode(), list(failures)

    return warped(ask)


def facts(samples: Samples) -> dict[str, set[tuple[str, float]]]:
    """Return all samples that are not of the process, and whose values are no matter of time."""
    return {
        name: {
            (str(sorted(labels.items())), 0.0 if OF_TIME.search(name) else value)
            for labels, value in those
            if labels.get("operation") != "logout"  # the daemon has not come to its end
        }
        for name, those in samples.items()
        if not OF_THE_PROCESS.match(name) and name != "scheduler_lag_seconds"
    }


def test_as_the_daemon() -> None:
    """What is printed is what the daemon shows after its first cycle, of all three vendors, but for times."""

    async def daemon() -> str:
        clock = WarpClock()
        async with vendors(clock) as there, running(there.settings(), clock) as started:
            await clock.sleep(60)
            return await exposition(started)

    printed, failures = asked()

    assert failures == []
    assert total(parsed(printed), "job_runs_total") == 0
    assert facts(parsed(printed)) == facts(parsed(warped(daemon)))


async def test_promtool(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The command's output passes `promtool check metrics`, its status is 0, and no state file is made."""
    async with vendors(SystemClock(), tenants=2) as there:
        parser = argparse.ArgumentParser()
        parser.add_argument("--config", type=Path)
        once.add_options(parser)
        options = parser.parse_args(["--config", str(await written(there, tmp_path))])
        done = await asyncio.to_thread(once.once, options, SystemClock(), outgoing_session)
        out, err = capsysbinary.readouterr()
        promtool = await asyncio.create_subprocess_exec(
            *("promtool", "check", "metrics"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await promtool.communicate(out)

    assert (done, err) == (0, b"")
    assert (said, promtool.returncode) == (b"", 0)
    assert os.listdir(tmp_path) == ["config.yaml"]  # noqa: PTH208 - a path would block, says the linter


def test_failures_are_told() -> None:
    """Each (source, tenant, collector) that failed is told with its reason, and the others are printed."""
    printed, failures = asked("elements", refuse=lambda request: "cloud-backup-m365" in request.path)

    assert failures
    assert all(
        re.match(r"elements: protection of [0-9a-f-]+: permission: protection: ", each) for each in failures[:-1]
    )
    assert {labels["collector"] for labels, value in parsed(printed)["collector_success"] if not value} == {
        "protection"
    }
    assert total(parsed(printed), "collector_success", collector="jobs") == 6


def test_what_keeps_failing_is_not_asked_for_ever() -> None:
    """Where a collector fails for everybody, the rest is not asked, and one line tells of how many."""
    _, failures = asked("elements", tenants=40, refuse=lambda request: request.path.endswith("/jobs/batch"))

    tenants = [each for each in failures if " of " in each]
    assert 5 <= len(tenants) < 40
    assert re.fullmatch(r"elements: jobs: \d+ more not asked, as the same kept failing", failures[-1])


def test_a_source_that_is_down() -> None:
    """A source that cannot be reached fails by itself: the others are printed, and it all ends."""
    down = {"base_url": "http://127.0.0.1:1"}

    printed, failures = asked("veeam", settings=down)

    assert failures[0].split(":")[:3] == ["veeam", " organizations", " connection"]
    assert total(parsed(printed), "source_up") == 0


@pytest.mark.parametrize("late", ["/customers/batch", "/customers/services/batch"])
def test_what_comes_first(late: str) -> None:
    """Whether customers or what they bought are told first, nobody's share is missing."""
    printed, failures = asked("elements", slow=lambda request: 30.0 if request.path.endswith(late) else 0.0)

    assert failures == []
    assert total(parsed(printed), "seats_purchased") > 0


def test_json() -> None:
    """Records are JSON, one object a line: type, source, collector, tenant and fields, times in ISO 8601."""
    printed, failures = asked(as_json=True)

    lines = [json.loads(each) for each in printed.splitlines()]
    assert failures == []
    assert {tuple(each) for each in lines} == {("type", "source", "collector", "tenant", "fields")}
    counts = Counter((each["source"], each["type"]) for each in lines)
    assert counts["elements", "tenant"] == 6
    assert counts["cloudbackup", "run"] > 0
    assert {"server_license", "repository", "proxy", "protected_entities"} <= {each["type"] for each in lines}
    run = next(each for each in lines if each["type"] == "run" and each["fields"]["ended_at"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", run["fields"]["ended_at"])
    assert run["fields"]["job"].keys() == {"product", "workload", "job_type", "name"}


@pytest.mark.parametrize("personal", [False, True])
def test_json_of_persons(personal: bool) -> None:  # noqa: FBT001 - parametrized
    """E-mail addresses are in the records only if the configuration asks for personal data."""
    printed, _ = asked("elements", as_json=True, settings={"personal_data": personal})

    assert bool(EMAIL.search(printed)) == personal


def test_json_of_strangers() -> None:
    """Tenants that are not watched are not in the records, although bulk answers tell of them."""
    everybody, _ = asked("elements", as_json=True)
    (wanted, *_) = {json.loads(each)["tenant"] for each in everybody.splitlines()}

    printed, _ = asked("elements", as_json=True, settings={"tenants": {"include": [wanted]}})

    assert {json.loads(each)["tenant"] for each in printed.splitlines()} == {wanted}


def test_every_record_is_a_line() -> None:
    """Each kind of record that a vendor's answer becomes can be told, and each of its times is one."""
    key = records.JobKey("Microsoft 365", "Exchange Online", "backup")
    run = records.Run(tenant="contoso", run_id="1", job=key, status="success", started_at=0.5)

    told = json.loads(line("s", "jobs", run))

    assert told["fields"]["started_at"] == "1970-01-01T00:00:00.500000Z"
    kinds = [getattr(records, name) for name in records.__all__ if isinstance(getattr(records, name), type)]
    names = {each.name for kind in kinds if issubclass(kind, records.Record) for each in fields(kind)}
    assert {name for name in names if name.endswith(TIMES)} >= {"expires_at", "under_way_since", "next_run_at"}


async def written(there: Vendors, folder: Path) -> Path:
    """Write a configuration of two sources."""
    config = folder / "config.yaml"
    limits = {"requests_per_second": 1000, "concurrency": 8}
    sources = {
        "elements": {"kind": "elements", "auth": {**AUTH, "token_url": f"{there.url}/connect/token"}},
        "veeam": {"kind": "veeam", "auth": {"username": "monitor", "password": "simulated"}},
    }
    content = {name: {**each, "base_url": there.url, "limits": limits} for name, each in sources.items()}
    await asyncio.to_thread(config.write_text, json.dumps({"sources": content}), encoding="utf-8")
    return config


async def begun(there: Vendors, folder: Path, stdout: Any = asyncio.subprocess.PIPE) -> asyncio.subprocess.Process:
    """Start the command in a process of its own."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "once", "--config", str(await written(there, folder))),
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "STATE_DIRECTORY": str(folder / "state")},
    )


async def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends it with status 130, without a traceback and without metrics, and Veeam's session is ended."""
    async with vendors(SystemClock(), latency=0.2) as there:
        requests = there.app[STATISTICS].requests
        started = await begun(there, tmp_path)
        await until(lambda: requests["veeam_v8_organizations"], "Veeam is asked")
        started.send_signal(signal.SIGINT)
        out, err = await started.communicate()

    assert (started.returncode, out, err) == (130, b"", b"")
    assert requests["veeam_v8_logout"] == 1


async def test_nobody_reads(tmp_path: Path) -> None:
    """A full disk costs a line and the status 74, not a traceback."""
    async with vendors(SystemClock(), tenants=2) as there:
        with Path("/dev/full").open("wb") as full:  # noqa: ASYNC230 - no disk is waited for
            started = await begun(there, tmp_path, full)
        _, err = await started.communicate()

    assert started.returncode == 74
    assert err == b"standard output: cannot be written: No space left on device\n"
