"""The container image: what its recipe says, and, in the long tests, that it can be built and run."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from exporter import __version__
from exporter.settings import WebSettings
from tests.deploy.conftest import found
from tests.support.image import BASE, BUILT, Image
from tests.support.process import free_port

ROOT: Final = Path(__file__).parent.parent.parent
RECIPE: Final = ROOT / "Dockerfile"
CONFIG: Final = "/etc/m365-backup-exporter/config.yaml"
STATE: Final = "/var/lib/m365-backup-exporter"
LARGEST: Final = 100.0
"""Megabytes that may be added to the base."""


@pytest.fixture
def steps() -> list[tuple[str, str]]:
    """Return the recipe's instructions and their arguments, in order."""
    text = re.sub(r"^#.*\n", "", RECIPE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_hadolint_has_nothing_to_say() -> None:
    """The linter for such recipes finds nothing, and no rule of it is switched off."""
    linter = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([linter, "--no-color", RECIPE], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert (said.returncode, said.stdout) == (0, "")
    assert "hadolint" not in RECIPE.read_text(encoding="utf-8")


def test_one_pinned_base(steps: list[tuple[str, str]]) -> None:
    """Both stages stand on the same base, which is an argument and has a version."""
    assert steps[0] == ("ARG", "BASE=python:3.13-slim-bookworm")
    assert [rest.split()[0] for word, rest in steps if word == "FROM"] == ["${BASE}", "${BASE}"]


def test_only_one_step_needs_a_network(steps: list[tuple[str, str]]) -> None:
    """Only `pip download` goes out, and takes only what is in the lock files, by hash, and compiled by others."""
    pips = [part for word, rest in steps if word == "RUN" for part in rest.split("&&") if "bin/pip " in part]
    downloads = [each for each in pips if " download " in each]

    assert len(downloads) == 1
    assert "--require-hashes --no-deps --only-binary :all:" in downloads[0]
    assert all("--no-index" in each for each in pips if each not in downloads)
    assert all("--no-cache-dir" in each for each in pips)


def test_context_holds_what_is_copied(steps: list[tuple[str, str]]) -> None:
    """What is copied into the image is all that leaves this folder."""
    copied = {name for word, rest in steps if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert "*" in lines
    assert all((ROOT / name).exists() for name in copied)


def test_it_fits_the_program(steps: list[tuple[str, str]]) -> None:
    """Port, state and user are those of the program and of the manifests; the check asks the same configuration."""
    recipe = dict(steps)
    last = recipe["HEALTHCHECK"].partition("CMD ")[2]

    assert recipe["EXPOSE"] == str(WebSettings().addresses()[0][1])
    assert recipe["USER"] == "65532:65532"
    assert recipe["VOLUME"] == recipe["WORKDIR"] == STATE
    assert f"STATE_DIRECTORY={STATE}" in recipe["ENV"]
    assert json.loads(recipe["ENTRYPOINT"]) == ["m365-backup-exporter"]
    assert json.loads(recipe["CMD"]) == ["run", "--config", CONFIG]
    assert json.loads(last) == ["m365-backup-exporter", "healthcheck", "--config", CONFIG]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the folder for the volume, the image's user's own."""
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 65532, 65532)
    return folder


def write_config(path: Path, port: int, api: str) -> Path:
    """Write a configuration that everybody may read."""
    auth = {"token_url": f"{api}/connect/token", "client_id": "test", "client_secret": "simulated"}
    source = {"kind": "elements", "base_url": api, "auth": auth, "limits": {"requests_per_second": 50}}
    config = {"web": {"listen": [f"127.0.0.1:{port}"]}, "sources": {"elements": source}}
    path.write_text(json.dumps(config), encoding="utf-8")
    path.chmod(0o644)
    return path


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the context lasts."""
    with subprocess.Popen(command) as process:  # noqa: S603 - our own command
        try:
            yield process
        finally:
            process.kill()


def stopped(process: subprocess.Popen[bytes]) -> tuple[str, float]:
    """Return what a process may do, and how many seconds it took to stop."""
    privileges = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    begun = time.monotonic()
    process.terminate()
    process.wait(30)
    return privileges, time.monotonic() - begun


def status_of(command: list[str]) -> int:
    """Return a command's exit status."""
    return subprocess.run(command, check=False, timeout=60).returncode  # noqa: S603 - our own command


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_runs_with_a_read_only_root(image: Image, api: str, state: Path, tmp_path: Path) -> None:
    """Nobody's process in a root that is read-only watches a fleet, is healthy, keeps its state and stops in time."""
    port = free_port()
    config = write_config(tmp_path / "config.yaml", port, api)
    check = image.command(image.config["Healthcheck"]["Test"][1:], config=config, state=state)
    start = image.command(image.config["Entrypoint"] + image.config["Cmd"], config=config, state=state)

    with running(start) as process:
        text = found(f"http://127.0.0.1:{port}/metrics", "\nm365backup_tenant_info{", times=3)
        healthy = status_of(check)
        privileges, took = stopped(process)
    dead = status_of(check)

    assert f'version="{__version__}"' in text
    assert (healthy, process.returncode, dead) == (0, 0, 1)
    assert took < 5
    assert re.search(r"^Uid:\t65532\t65532\t65532\t65532$", privileges, re.MULTILINE)
    assert re.search(r"^CapBnd:\t0+$", privileges, re.MULTILINE)
    assert (state / "state.db").stat().st_uid == 65532


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_holds_nothing_else(image: Image, state: Path, tmp_path: Path) -> None:
    """It has no pip and no leftovers of its making, bytecode for the read-only root, and says what it is."""
    labels = image.config["Labels"]
    config = write_config(tmp_path / "config.yaml", 1, "http://127.0.0.1:1")
    packages = next(image.root.glob("opt/m365-backup-exporter/lib/python3*/site-packages"))

    assert status_of(image.command(["m365-backup-exporter", "version"], config=config, state=state)) == 0
    assert status_of(image.command(["python3", "-m", "pip", "--version"], config=config, state=state)) == 1
    assert not list(image.root.glob("opt/m365-backup-exporter/bin/pip*"))
    assert not (image.root / "build").exists()
    assert not (image.root / "root" / ".cache").exists()
    assert list(packages.glob("exporter/__pycache__/*.pyc"))
    assert megabytes(image.sizes[BUILT]) - megabytes(image.sizes[BASE]) < LARGEST
    assert labels["org.opencontainers.image.version"] == "test"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def megabytes(size: str) -> float:
    """Return a size such as ``244 MB`` as a number."""
    number, unit = size.split()
    return float(number) * {"KB": 0.001, "MB": 1.0, "GB": 1000.0}[unit]


def test_recipe_is_all_there_is(steps: list[tuple[str, str]]) -> None:
    """No step installs what has no version, or takes anything from an address."""
    for word, rest in steps:
        assert word != "ADD"
        assert not re.search(r"apt-get|apk |curl|wget|https?://", rest)
