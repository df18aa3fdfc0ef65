"""A configuration that changes under a running daemon."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import Daemon, running
from exporter.errors import NotRunning, SettingsError
from exporter.fleet import Fleet
from exporter.metrics.snapshot import Snapshot
from exporter.settings import Settings
from exporter.simulator.world import World
from exporter.state import State
from tests.flows.test_restart import DAY, HOUR, scrape, simulated
from tests.support.warp import START, WarpClock, warped

Samples = dict[str, float]


def settings_for(url: str, state: Path | str, **sources: Any) -> Settings:
    """Return settings with sources that differ in the options given."""
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    common = {"kind": "elements", "base_url": url, "auth": auth}
    given = {name: {**common, **options} for name, options in sources.items()}
    web = {"listen": ["127.0.0.1:0"]}
    return Settings.model_validate({"web": web, "state": {"path": str(state)}, "sources": given})


def of(samples: Samples, name: str, source: str) -> Samples:
    """Return a family of one source."""
    return {key: value for key, value in samples.items() if key.startswith(f'm365backup_{name}{{source="{source}"')}


async def reload(daemon: Daemon, settings: Settings) -> bool:
    """Take over *settings*; tell whether they are."""
    return not await daemon.reload(lambda: settings)


def test_unchanged_sources_go_on(tmp_path: Path) -> None:
    """Adding and removing a source leaves the other's connections, data, counters and due times alone."""

    async def show() -> None:
        clock = WarpClock()
        world = World(seed=3, tenants=5, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, asked):
            one = settings_for(url, tmp_path / "s.db", one={})
            async with running(one, clock, tidy_every=10) as daemon:
                await clock.sleep(HOUR)
                watched, tokens = daemon.watched["one"], asked["token"]
                assert await reload(daemon, settings_for(url, tmp_path / "s.db", one={}, two={}))
                await clock.sleep(600)
                both = await scrape(daemon)
                assert daemon.watched["one"] is watched
                assert asked["token"] - tokens <= 2  # the old one did not begin anew
                assert len(of(both, "tenant_info", "one")) == len(of(both, "tenant_info", "two")) == 5
                assert await reload(daemon, one)
                again = await scrape(daemon)
                assert daemon.watched["one"] is watched
                assert not [key for key in again if 'source="two"' in key]
                assert of(again, "job_runs_total", "one") == of(both, "job_runs_total", "one")

    warped(show)


def test_a_changed_source_keeps_what_it_knows(tmp_path: Path) -> None:
    """A label, a mute, a threshold are shown at once, without a question to the vendor."""

    async def show() -> None:
        clock = WarpClock()
        world = World(seed=3, tenants=5, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, asked):
            plain = settings_for(url, tmp_path / "s.db", one={})
            async with running(plain, clock, tidy_every=10) as daemon:
                await clock.sleep(HOUR)
                before, requests = await scrape(daemon), asked["v3_jobs"]
                override = {"match": "*", "labels": {"tier": "gold"}, "muted": True, "overdue_after": "50h"}
                changed = settings_for(url, tmp_path / "s.db", one={"tenants": {"overrides": [override]}})
                assert await reload(daemon, changed)
                after = await scrape(daemon)
                assert asked["v3_jobs"] == requests
                assert all('tier="gold"' in key for key in of(after, "tenant_info", "one"))
                assert set(of(after, "tenant_muted", "one").values()) == {1}
                assert set(of(after, "job_overdue_after_seconds", "one").values()) == {50 * HOUR}
                for name in (
                    "job_runs_total",
                    "job_last_end_timestamp_seconds",
                    "collector_last_success_timestamp_seconds",
                ):
                    assert of(after, name, "one") == of(before, name, "one")
                await clock.sleep(1200)
                assert 0 < asked["v3_jobs"] - requests < 2 * 5

    warped(show)


def test_a_removed_source_returns_with_its_counters(tmp_path: Path) -> None:
    """A source that is taken out and put back within 30 days continues its counters; after that it is a new one."""

    async def show() -> list[tuple[float, float]]:
        clock = WarpClock()
        world = World(seed=3, tenants=4, start=START - 10 * DAY)
        found = []
        async with simulated(world, clock) as (url, _):
            state = tmp_path / "s.db"
            rarely = {name: {"interval": "10d"} for name in ("tenants", "subscriptions")}
            two = {"tenants": {"include": ["nobody"]}, "collectors": rarely}
            without = settings_for(url, state, two=two)
            with_it = settings_for(url, state, one={"collectors": {"jobs": {"interval": "2h"}}}, two=two)
            async with running(with_it, clock, tidy_every=3600) as daemon:
                await clock.sleep(DAY)
                for away in (20 * DAY, 31 * DAY):
                    before = sum(of(await scrape(daemon), "job_runs_total", "one").values())
                    assert await reload(daemon, without)
                    await clock.sleep(away)
                    assert await reload(daemon, with_it)
                    await clock.sleep(600)
                    found.append((before, sum(of(await scrape(daemon), "job_runs_total", "one").values())))
        return found

    (before, soon), (then, late) = warped(show)

    assert 0 < before <= soon
    assert then == soon
    assert late == 0


def faulty() -> Settings:
    """Fail as a file with a fault does."""
    raise SettingsError(["config.yaml: sources.one.kind: is required"])


@pytest.mark.parametrize(
    "read", [faulty, lambda: settings_for("http://127.0.0.1:1", "", one={"tls": {"ca_file": "none"}})]
)
def test_a_bad_configuration_changes_nothing(read: Callable[[], Settings]) -> None:
    """A file with a fault, or a source that cannot be built, leaves all as it was, and a metric and the log tell."""

    async def show() -> Samples:
        clock = WarpClock()
        settings = settings_for("http://127.0.0.1:1", "", one={}, two={})
        async with running(settings, clock, tidy_every=10) as daemon:
            watched = dict(daemon.watched)
            await clock.sleep(60)
            assert await daemon.reload(read)
            assert daemon.watched == watched
            await clock.sleep(60)
            bad = await scrape(daemon)
            assert bad["m365backup_exporter_config_last_reload_success_timestamp_seconds"] == START
            assert await reload(daemon, settings)
            await clock.sleep(60)
            good = await scrape(daemon)
            assert good["m365backup_exporter_config_last_reload_success_timestamp_seconds"] > START
            assert good["m365backup_exporter_config_last_reload_successful"] == 1
            return bad

    with capture_logs() as logs:
        samples = warped(show)

    assert samples["m365backup_exporter_config_last_reload_successful"] == 0
    (failed,) = [line for line in logs if line["event"] == "reload_failed"]
    assert "sources.one" in failed["faults"][0]


def test_what_needs_a_restart_is_said() -> None:
    """New addresses and a new state file are not taken over silently wrong: the log names their section."""

    async def show() -> None:
        clock = WarpClock()
        settings = settings_for("http://127.0.0.1:1", "", one={})
        async with running(settings, clock, tidy_every=10) as daemon:
            other = settings.model_copy(update={"web": settings.web.model_copy(update={"listen": ("127.0.0.1:1",)})})
            assert await reload(daemon, other)

    with capture_logs() as logs:
        warped(show)

    assert [line["section"] for line in logs if line["event"] == "reload_needs_restart"] == ["web"]


def test_ready_stays_ready() -> None:
    """A source that is added does not take a daemon that was ready out of service."""

    async def show() -> list[str | None]:
        clock = WarpClock()
        async with running(settings_for("http://127.0.0.1:1", "", one={}), clock, tidy_every=10) as daemon:
            await clock.sleep(60)
            before = daemon.ready()
            await reload(daemon, settings_for("http://127.0.0.1:1", "", one={}, two={}))
            return [before, daemon.ready()]

    assert warped(show) == [None, None]


class Holding:
    """A source whose vendor never answers that we leave; all else is as it was."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.left = asyncio.Event()
        """Set as we begin to leave."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def close(self) -> None:
        """Wait for ever."""
        self.left.set()
        await asyncio.Event().wait()


def hold(daemon: Daemon) -> list[Holding]:
    """Let no vendor answer that we leave; return the sources."""
    sources = [Holding(each.source) for each in daemon.watched.values()]
    for each, source in zip(daemon.watched.values(), sources, strict=True):
        each.source = source
    return sources


def runners() -> set[str]:
    """Return which sources are polled."""
    return {name for task in asyncio.all_tasks() if (name := task.get_name()).startswith("runner ")}


def many(**options: Any) -> Settings:
    """Return settings of ten sources that nobody answers for."""
    return settings_for("http://127.0.0.1:1", "", **{f"s{number}": options for number in range(10)})


def test_sources_are_changed_together() -> None:
    """Ten sources whose vendors hang as they are left are replaced in the time of one."""

    async def show() -> float:
        clock = WarpClock()
        async with running(many(), clock, tidy_every=10) as daemon:
            hold(daemon)
            began, before = clock.now(), dict(daemon.watched)
            assert await reload(daemon, many(collectors={"jobs": {"interval": "2h"}}))
            took = clock.now() - began
            assert len(runners()) == 10
            assert not [name for name, each in daemon.watched.items() if before[name] is each]
            return took

    assert warped(show) < 2


def test_a_stop_ends_a_reload() -> None:
    """A reload that a stop overtakes starts no source again, and does not say that it is in force."""

    async def show() -> set[str]:
        async with running(many(), WarpClock(), tidy_every=10) as daemon:
            one, *_ = hold(daemon)
            reloading = asyncio.create_task(reload(daemon, many(collectors={"jobs": {"interval": "2h"}})))
            await one.left.wait()
            await daemon.fleet.stop()
            with pytest.raises(NotRunning):
                await reloading
            return runners()

    with capture_logs() as logs:
        polled = warped(show)

    assert polled == set()
    assert "reloaded" not in {line["event"] for line in logs}


def test_no_reload_before_the_start() -> None:
    """While the sources are not started yet, nothing is reloaded: they would be started twice."""

    async def show() -> int:
        async with running(many(), WarpClock(), tidy_every=10) as daemon:
            now = daemon.fleet
            state = State(None, now.clock)
            early = Fleet(settings=many(), session=now.session, clock=now.clock, snapshot=Snapshot(), state=state)
            await early.open()
            with pytest.raises(NotRunning):
                await early.change(many(collectors={"jobs": {"interval": "2h"}}))
            return len(runners())

    assert warped(show) == 10
