"""Where the state is kept, as far as the settings decide it."""

from pathlib import Path

import pytest

from exporter.settings import StateSettings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the user's folder for states; systemd names none."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("folders", ["/var/lib/first", "/var/lib/first:/var/lib/second"])
def test_state_of_a_service(folders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path the state is in the folder that systemd made for it, in the first if there are several."""
    monkeypatch.setenv("STATE_DIRECTORY", folders)

    assert StateSettings().file() == Path("/var/lib/first/state.db")


def test_state_of_a_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path and without systemd the state is in the user's folder for states; an empty variable is none."""
    absent = StateSettings().file()
    monkeypatch.setenv("STATE_DIRECTORY", "")

    assert absent == StateSettings().file() == home / "m365-backup-exporter" / "state.db"


def test_state_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path is no file, whatever systemd offers."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/first")

    assert StateSettings(path="").file() is None


def test_state_where_the_operator_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path counts more than what systemd offers, and means the same file wherever the process goes later."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/first")
    monkeypatch.chdir(tmp_path)

    assert StateSettings(path="/srv/state.db").file() == Path("/srv/state.db")
    assert StateSettings(path="folder/state.db").file() == tmp_path / "folder" / "state.db"
