import os
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.errors import SettingsError
from exporter.settings import load

BAD = Path(__file__).parent / "config" / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))
MARKER = "s3cr3t-marker"
HOST_NAMES = {"hostname-with-ordinal-too-high": "exporter-7"}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the files are, as an operator would, so that the lines show short paths."""
    monkeypatch.chdir(BAD)
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a bad configuration's name; its environment is set."""
    chosen = str(request.param)
    variables = BAD / f"{chosen}.env"
    for line in variables.read_text(encoding="utf-8").splitlines() if variables.exists() else ():
        monkeypatch.setenv(*line.split("=", 1))
    monkeypatch.setattr(socket, "gethostname", lambda: HOST_NAMES.get(chosen, "laptop"))
    return chosen


def test_faults_are_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault of a file is told in one line with its place, all of them at once, and the exit status is 2."""
    expected = (BAD / f"{name}.txt").read_text(encoding="utf-8")

    with pytest.raises(SystemExit) as exit_:
        main(["check-config", "--config", f"{name}.yaml"])

    assert exit_.value.code == 2
    assert capsys.readouterr() == ("", expected)


def test_no_value_is_told(name: str) -> None:
    """Neither the error nor its traceback nor any error behind it holds a value from the file or the environment."""
    with pytest.raises(SettingsError) as caught:
        load(Path(f"{name}.yaml"))

    told = [text for error in chain(caught.value) for text in (str(error), repr(error), repr(vars(error)))]
    told += traceback.format_exception(caught.value)
    assert not [text for text in told if MARKER in text]
    assert "4711471147114711" not in "".join(told)


def test_most_files_hold_the_marker() -> None:
    """The proof above is not empty: nearly every bad configuration holds a marked value that could leak."""
    holding = [name for name in NAMES if MARKER.encode() in (BAD / f"{name}.yaml").read_bytes()]

    assert set(NAMES) - set(holding) == {"cyclic", "empty", "empty-sources", "no-sources"}


def test_no_expectation_is_left_over() -> None:
    """Every list of expected lines and every environment belongs to a file."""
    companions = {path.stem for suffix in ("txt", "env") for path in BAD.glob(f"*.{suffix}")}

    assert companions <= set(NAMES)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, its cause and its context, and theirs."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)
