"""The commands about what is remembered, on the files of real daemons."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter.app import running
from exporter.cli import main
from exporter.settings import load
from exporter.simulator.world import World
from tests.flows.test_restart import DAY, HOUR, scrape, simulated
from tests.support.warp import START, WarpClock, warped

CONFIG = """
web: {{listen: ["127.0.0.1:0"]}}
state: {{path: {state}}}
sources:
  {source}:
    kind: elements
    base_url: {url}
    auth: {{client_id: test, client_secret: simulated, token_url: "{url}/connect/token"}}
    tenants: {{include: [{include}]}}
    collectors: {{scan_profiles: {{interval: 1h}}}}
"""
NAMED = "Litware Labs"
Run = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command here: exit status, standard output and error."""

    def run(*arguments: object) -> tuple[int | str | None, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return exit_.value.code, *capsys.readouterr()

    return run


def configured(
    folder: Path, name: str, *, url: str = "http://127.0.0.1:1", source: str = "one", include: str = '"*"'
) -> Path:
    """Write a configuration with a state file of its own; return its path."""
    folder.mkdir(exist_ok=True)
    config = folder / f"{name}.yaml"
    text = CONFIG.format(state=folder / f"{name}.db", url=url, source=source, include=include)
    config.write_text(text, encoding="utf-8")
    return config


async def watch(config: Path, clock: WarpClock, seconds: float) -> dict[str, float]:
    """Run the exporter for so long; return what it showed at the end."""
    settings = await asyncio.to_thread(load, config)
    async with running(settings, clock, tidy_every=60) as daemon:
        await clock.sleep(seconds)
        return await scrape(daemon)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """Return a state file of some hours of a small world, and what was shown of it at last."""
    folder = tmp_path_factory.mktemp("watched")

    async def fill() -> dict[str, float]:
        clock = WarpClock()
        async with simulated(World(seed=3, tenants=8, start=START - 10 * DAY), clock) as (url, _):
            config = configured(folder, "first", url=url)
            await watch(config, clock, 6 * HOUR)
            await clock.sleep(20 * DAY)  # profiles are changed meanwhile
            return await watch(config, clock, HOUR)

    return folder / "first.db", warped(fill)


@pytest.fixture
def config(tmp_path: Path, watched: tuple[Path, dict[str, float]]) -> Path:
    """Return a configuration whose state file is a copy of the one that was filled."""
    shutil.copy(watched[0], tmp_path / "c.db")
    return configured(tmp_path, "c")


def counters(samples: dict[str, float]) -> dict[str, float]:
    """Return the counters of jobs."""
    return {key: value for key, value in samples.items() if "_total{" in key and key.startswith("m365backup_job_")}


def shown(config: Path, seconds: float = 0.0) -> dict[str, float]:
    """Return what an exporter shows at its start, or some time later."""
    return warped(lambda: watch(config, WarpClock(START + 30 * DAY), seconds))


def test_a_source_moves_to_another_machine(config: Path, tmp_path: Path, watched: Any, command: Run) -> None:
    """What is exported and imported elsewhere is shown there with the same counters, times and ages."""
    other = configured(tmp_path / "other", "o")

    exported = command("state", "export", "--config", config, "--source", "one", "--output", tmp_path / "one.db")
    imported = command("state", "import", "--config", other, tmp_path / "one.db")

    assert exported == (0, f"{tmp_path}/one.db: 8 tenant(s)\n", "")
    assert imported == (0, f"{tmp_path}/other/o.db: 8 tenant(s) imported\n", "")
    before = counters(watched[1])
    assert sum(before.values()) > 0
    assert counters(shown(other)) == before == counters(shown(config))


def test_a_tenant_moves_to_another_shard(config: Path, tmp_path: Path, watched: Any, command: Run) -> None:
    """One tenant can be moved by its name; where it was watched before and had left, the newer books win."""
    shutil.copy(watched[0], tmp_path / "here.db")
    shown(configured(tmp_path, "here", include="nobody"), 5.0)  # all of its tenants leave
    only = configured(tmp_path, "here", include=f'"{NAMED}"')

    exported = command("state", "export", "--config", config, "--tenant", NAMED, "--output", tmp_path / "t.db")
    imported = command("state", "import", "--config", only, tmp_path / "t.db")

    assert exported == (0, f"{tmp_path}/t.db: 1 tenant(s)\n", "")
    assert imported[0] == 0
    (tenant,) = (key.split('"')[3] for key in watched[1] if key.startswith("m365backup_tenant_info") and NAMED in key)
    there = {key: value for key, value in counters(watched[1]).items() if tenant in key}
    assert counters(shown(only)) == there != {}


def test_a_renamed_source_keeps_its_counters(config: Path, tmp_path: Path, watched: Any, command: Run) -> None:
    """--as gives the one source of a file the name that it has in the new configuration."""
    renamed = configured(tmp_path, "renamed", source="two")
    command("state", "export", "--config", config, "--output", tmp_path / "one.db")

    wrong = command("state", "import", "--config", renamed, tmp_path / "one.db", "--as", "tow")
    right = command("state", "import", "--config", renamed, tmp_path / "one.db", "--as", "two")

    assert wrong == (2, "", f"{renamed}: sources: there is no tow that it could be --as\n")
    assert right[0] == 0
    moved = {key.replace('source="two"', 'source="one"'): value for key, value in counters(shown(renamed)).items()}
    assert moved == counters(watched[1])


def test_what_is_watched_is_not_overwritten(config: Path, tmp_path: Path, command: Run) -> None:
    """An import over tenants that are watched here changes nothing and says so, unless it is told to replace them."""
    command("state", "export", "--config", config, "--output", tmp_path / "one.db")
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection, connection:
        connection.execute("UPDATE counters SET runs = runs + 1000")

    refused = command("state", "import", "--config", config, tmp_path / "one.db")
    still = runs(tmp_path / "c.db")
    replaced = command("state", "import", "--config", config, tmp_path / "one.db", "--replace")

    assert refused[:2] == (2, "")
    lines = refused[2].splitlines()
    assert len(lines) == 7
    assert "watched here and there; --replace lets the file win" in lines[0]
    assert lines[-2:] == ["and 3 more", "nothing was imported"]
    assert still > 1000
    assert replaced[0] == 0
    assert runs(tmp_path / "c.db") == runs(tmp_path / "one.db") < still


def runs(state: Path) -> int:
    """Return the sum of the runs counted in a file."""
    with closing(sqlite3.connect(state)) as connection:
        return int(connection.execute("SELECT sum(runs) FROM counters").fetchone()[0])


def test_what_left_there_does_not_win(config: Path, tmp_path: Path, watched: Any, command: Run) -> None:
    """An export of a shard that a tenant had left does not overwrite the tenant where it is watched now."""
    shutil.copy(watched[0], tmp_path / "old.db")
    old = configured(tmp_path, "old", include="nobody")
    shown(old, 5.0)
    command("state", "export", "--config", old, "--output", tmp_path / "old-export.db")

    status, out, _ = command("state", "import", "--config", config, tmp_path / "old-export.db")

    assert status == 0
    assert out.startswith(f"{tmp_path}/c.db: 0 tenant(s) imported\n")
    assert out.count("kept as it is here, for it had left there: source one, tenant ") == 8


def test_import_needs_the_daemon_stopped(config: Path, tmp_path: Path, command: Run) -> None:
    """While a daemon runs its state can be exported, but an import is refused with the holder's process."""

    async def during() -> tuple[Any, Any]:
        async with running(await asyncio.to_thread(load, config), WarpClock(START + 30 * DAY)):
            file = tmp_path / "one.db"
            exported = await asyncio.to_thread(command, "state", "export", "--config", config, "--output", file)
            return exported, await asyncio.to_thread(command, "state", "import", "--config", config, file)

    exported, imported = warped(during)

    assert exported[0] == 0
    assert imported[0] == 2
    assert f"state.path: {tmp_path}/c.db is in use by process " in imported[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["state", "export", "--source", "nine", "--output", "new.db"], "c.db: nothing is remembered of source nine"),
        (["state", "export", "--tenant", "Nobody", "--output", "new.db"], "nothing is remembered of tenant Nobody"),
        (["state", "export", "--output", "c.db"], "c.db: exists; choose another name or remove it"),
        (
            ["state", "export", "--output", "no/such/folder.db"],
            "folder.db: cannot be written: No such file or directory",
        ),
        (["state", "import", "none.db"], "none.db: there is no such file"),
        (["state", "import", "c.yaml"], "c.yaml: is not a state file that this version can read"),
        (["baseline", "accept", "--tenant", "Nobody"], "no scan profile fits"),
    ],
)
def test_what_goes_wrong_is_told(
    config: Path, tmp_path: Path, command: Run, arguments: list[str], message: str
) -> None:
    """Each mistake ends with exit status 2 and one line that names the place."""
    files = {"new.db", "c.db", "no/such/folder.db", "none.db", "c.yaml"}
    first, second, *rest = (str(tmp_path / word) if word in files else word for word in arguments)

    status, out, err = command(first, second, "--config", config, *rest)

    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("state", ["", "foreign", "newer", "garbage", "missing"])
def test_files_that_cannot_be_read(config: Path, tmp_path: Path, command: Run, state: str) -> None:
    """No file, memory only, another program's, a newer version's, a broken one: told in one line, nothing changed."""
    file = tmp_path / "c.db"
    if state == "":
        config.write_text(config.read_text(encoding="utf-8").replace(str(file), '""'), encoding="utf-8")
    elif state == "missing":
        file.unlink()
    elif state == "garbage":
        file.write_bytes(b"garbage" * 1000)
    else:
        pragma = "application_id = 7" if state == "foreign" else "user_version = 99"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"PRAGMA {pragma}")
    words = {
        "": "state.path: is empty",
        "foreign": "another program's database",
        "newer": "cannot be used by this version: it is version-99",
        "garbage": "cannot be used by this version: it is corrupt",
        "missing": "there is no state file",
    }

    for arguments in (["state", "export", "--output", tmp_path / "new.db"], ["baseline", "accept"]):
        status, out, err = command(*arguments[:2], "--config", config, *arguments[2:])
        assert (status, out) == (2, "")
        assert words[state] in err
    assert not (tmp_path / "new.db").exists()


def drift(samples: dict[str, float]) -> float:
    """Return how many settings have drifted."""
    return sum(value for key, value in samples.items() if key.startswith("m365backup_scan_profile_drift{"))


def test_a_baseline_is_accepted(config: Path, command: Run) -> None:
    """The present settings become the baseline, each change told; a daemon that starts then shows no drift."""
    drifted = drift(shown(config))

    status, out, _ = command("baseline", "accept", "--config", config)

    assert status == 0
    lines = out.splitlines()
    assert len(lines) - 1 == drifted > 0
    assert all(line.startswith("one, ") and " -> " in line for line in lines[:-1])
    assert "profile(s) accepted" in lines[-1]
    assert drift(shown(config)) == 0
    assert command("baseline", "accept", "--config", config)[1] == "nothing has drifted from what was agreed\n"


def test_a_running_daemon_takes_over_a_baseline(config: Path, command: Run) -> None:
    """A daemon that runs shows the accepted baseline within seconds, and keeps it."""

    async def during() -> tuple[dict[str, float], dict[str, float]]:
        clock = WarpClock(START + 30 * DAY)
        async with running(await asyncio.to_thread(load, config), clock) as daemon:
            before = await scrape(daemon)
            await asyncio.to_thread(command, "baseline", "accept", "--config", config)
            await clock.sleep(10)
            return before, await scrape(daemon)

    before, after = warped(during)

    assert drift(before) > 0
    assert drift(after) == drift(shown(config)) == 0


def test_only_one_profile_is_accepted(config: Path, watched: Any, command: Run) -> None:
    """--tenant, --profile and --source narrow what is accepted, by id or by name."""
    drifting = {
        key.split('"')[5]: key.split('"')[3]
        for key, value in watched[1].items()
        if key.startswith("m365backup_scan_profile_drift{") and value
    }
    assert len(drifting) > 1
    profile, tenant = next(iter(drifting.items()))
    before = drift(watched[1])

    status, out, _ = command(
        "baseline", "accept", "--config", config, "--source", "one", "--tenant", tenant, "--profile", profile
    )

    assert status == 0
    accepted = len(out.splitlines()) - 1
    assert 0 < accepted < before
    assert drift(shown(config)) == before - accepted


def test_the_configured_baseline_has_the_last_word(config: Path, command: Run) -> None:
    """Accepting a setting that the configuration wants otherwise is told to be in vain."""
    text = config.read_text(encoding="utf-8")
    wanted = text.replace("interval: 1h", "interval: 1h, baseline: {daily_scan_time: '03:03'}")
    config.write_text(wanted, encoding="utf-8")

    _, out, _ = command("baseline", "accept", "--config", config)

    in_vain = [line for line in out.splitlines() if ": daily_scan_time: " in line]
    assert in_vain
    assert all("(drifts all the same: the configured baseline wants 03:03)" in line for line in in_vain)
