"""The unit, as systemd itself judges it."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.conftest import found
from tests.support.image import Image
from tests.support.machine import Machine, booted, install
from tests.support.process import free_port

ROOT: Final = Path(__file__).parent.parent.parent
UNIT: Final = ROOT / "deploy" / "systemd" / "m365-backup-exporter.service"
PROGRAM: Final = "/opt/m365-backup-exporter/bin/m365-backup-exporter"
MOST_EXPOSED: Final = 1.5


@pytest.fixture(scope="module")
def unit() -> str:
    """Return the unit's text."""
    return UNIT.read_text(encoding="utf-8")


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what systemd-analyze says."""
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607


def test_systemd_understands_it(unit: str, tmp_path: Path) -> None:
    """Systemd finds no fault with it, once the program is where it should be."""
    here = tmp_path / UNIT.name
    here.write_text(unit.replace(PROGRAM, "/bin/true"), encoding="utf-8")

    judged = analyzed("verify", "--man=no", "--recursive-errors=no", str(here))

    assert (judged.returncode, judged.stderr) == (0, "")


def test_hardly_exposed() -> None:
    """By systemd's own measure it is exposed by less than 1.5 of 10."""
    judged = analyzed("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED * 10:.0f}", str(UNIT))
    level = re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)

    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert level is not None
    assert float(level[1]) <= MOST_EXPOSED


def test_options_that_matter(unit: str) -> None:
    """What the daemon's own behaviour relies on is there."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit)
    service = dict(parser["Service"])

    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["Restart"] == "on-failure"
    assert service["ExecStart"].split()[:2] == [PROGRAM, "run"]
    assert {"WatchdogSec", "DynamicUser", "StateDirectory", "LoadCredential"} <= service.keys()
    assert service["LimitCORE"] == "0"  # the watchdog's SIGABRT would write secrets to disk


def test_guide_names_what_the_unit_has(unit: str) -> None:
    """The folders and files of the unit are those that the guide tells to make."""
    guide = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")

    for path in (
        "/opt/m365-backup-exporter",
        "/etc/m365-backup-exporter/config.yaml",
        "/etc/m365-backup-exporter/secrets",
    ):
        assert path in unit
        assert path in guide
    assert "/run/credentials/m365-backup-exporter.service/secrets_" in guide


@pytest.fixture(scope="module")
def root(image: Image) -> Iterator[Path]:
    """Return a Debian with the program and the unit where the guide puts them."""
    with tempfile.TemporaryDirectory(prefix="m365-backup-machine-") as folder:
        root = Path(folder)
        install(root)
        root.chmod(0o755)  # nobody in particular has to get in
        shutil.copytree(image.root / "opt/m365-backup-exporter", root / "opt/m365-backup-exporter", symlinks=True)
        shutil.copy(UNIT, root / "etc/systemd/system")
        secrets = root / "etc/m365-backup-exporter/secrets"
        secrets.mkdir(parents=True, mode=0o700)
        (secrets / "elements").write_text("simulated\n", encoding="utf-8")
        (secrets / "elements").chmod(0o600)
        yield root


def configure(root: Path, port: int, api: str) -> None:
    """Write a configuration as the guide has it, which names hosts and secrets."""
    api = api.replace("127.0.0.1", "localhost")
    secret = "/run/credentials/m365-backup-exporter.service/secrets_elements"
    auth = {"token_url": f"{api}/connect/token", "client_id": "test", "client_secret_file": secret}
    source = {"kind": "elements", "base_url": api, "auth": auth, "limits": {"requests_per_second": 50}}
    config = {"web": {"listen": [f"127.0.0.1:{port}"]}, "sources": {"elements": source}}
    (root / "etc/m365-backup-exporter/config.yaml").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_runs_as_it_is_shipped(root: Path, api: str) -> None:
    """Under a real systemd, with all that is forbidden to it, it has its secrets, its state, and is reloaded."""
    port = free_port()
    configure(root, port, api)

    with booted(root) as machine:
        machine.run("systemctl", "start", UNIT.stem)
        machine.until("1 source, 3 tenants", "systemctl", "show", "--property=StatusText", UNIT.stem)
        text = found(f"http://127.0.0.1:{port}/metrics", "\nm365backup_tenant_info{", times=3)
        machine.run("systemctl", "reload", UNIT.stem)
        machine.until('"event": "reloaded"', "journalctl", "--unit", UNIT.stem, "--output=cat", "--no-pager")
        machine.run("systemctl", "stop", UNIT.stem)
        ended = shown(machine, "Result", "ExecMainStatus", "NRestarts")
        logged = machine.run("journalctl", "--unit", UNIT.stem, "--output=cat", "--no-pager")

    assert ended == {"Result": "success", "ExecMainStatus": "0", "NRestarts": "0"}
    assert '"level": "error"' not in logged
    assert "process_resident_memory_bytes" in text
    state = root / "var/lib/private/m365-backup-exporter/state.db"
    assert state.stat().st_uid >= 61184  # where systemd's invented users begin


@pytest.mark.full
@pytest.mark.timeout(2400)
def test_hanging_process_is_replaced(root: Path, api: str) -> None:
    """One that does not tell any more that it works is killed by systemd and started again, and goes on."""
    port = free_port()
    configure(root, port, api)
    sooner = root / "etc/systemd/system" / f"{UNIT.name}.d"
    sooner.mkdir(exist_ok=True)
    (sooner / "sooner.conf").write_text("[Service]\nWatchdogSec=4s\nRestartSec=1s\n", encoding="utf-8")

    with booted(root) as machine:
        machine.run("systemctl", "start", UNIT.stem)
        machine.until("3 tenants", "systemctl", "show", "--property=StatusText", UNIT.stem)
        before = shown(machine, "MainPID", "NRestarts")
        machine.run("kill", "-STOP", before["MainPID"])
        machine.until("NRestarts=1", "systemctl", "show", "--property=NRestarts", UNIT.stem)
        machine.until("active", "systemctl", "is-active", UNIT.stem)
        logged = machine.run("journalctl", "--unit", UNIT.stem, "--output=cat", "--no-pager")
        machine.run("systemctl", "stop", UNIT.stem)
    shutil.rmtree(sooner)

    assert before["NRestarts"] == "0"
    assert "Watchdog timeout" in logged
    assert "state_restored" in logged


def shown(machine: Machine, *properties: str) -> dict[str, str]:
    """Return what systemd knows of the unit."""
    said = machine.run("systemctl", "show", f"--property={','.join(properties)}", UNIT.stem)
    return dict(line.split("=", 1) for line in said.splitlines())
