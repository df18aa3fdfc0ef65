"""The unit, as systemd itself judges it."""

import re
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Final

import pytest

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
