"""One daemon a state file, until it ends in whatever way."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.state.database import Database
from exporter.state.lock import InUse, Lock
from tests.state.storage import Disk, mount, names, tenants

HOLDER = """
import sys
from pathlib import Path
from exporter.state.database import Database
database = Database(Path(sys.argv[1]))
database.open()
print("open", flush=True)
sys.stdin.readline()
database.close()
"""


@contextmanager
def another_daemon(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the state file."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def test_second_of_one_process(path: Path) -> None:
    """A second daemon on one file is refused and told the process that has it; after that one's end it may start."""
    first, second = Database(path), Database(path)
    first.open()
    first.write(tenants("contoso"))

    with pytest.raises(SettingsError, match=f"state.db is in use by process {os.getpid()} on .* since "):
        second.open()

    first.close()
    assert names(second.open()) == {"contoso"}
    second.close()


def test_second_process(path: Path) -> None:
    """A daemon in another process holds the file too, until SIGKILL ends it."""
    ours = Database(path)
    with another_daemon(path) as process:
        with pytest.raises(SettingsError, match=f"in use by process {process.pid} "):
            ours.open()

        process.send_signal(signal.SIGKILL)
        process.wait()

        ours.open()
        ours.close()


def test_taken_twice(path: Path) -> None:
    """Whoever has the lock may take it again; to release it once lets another have it."""
    lock, other = Lock(path), Lock(path)
    lock.acquire()
    lock.acquire()
    with pytest.raises(InUse):
        other.acquire()

    lock.release()

    other.acquire()
    other.release()


def test_release_without_holding(path: Path) -> None:
    """To release a lock that is not held does nothing, twice as well."""
    lock, other = Lock(path), Lock(path)
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()

    other.acquire()
    assert (lock.in_place(), other.in_place()) == (False, True)
    other.release()

    lock.acquire()
    lock.release()


def test_file_of_the_lock_stays(path: Path) -> None:
    """The lock file stays, for its owner's eyes only, and names who held it last."""
    lock = Lock(path)
    lock.acquire()
    lock.release()

    file = path.with_name("state.db.lock")
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"process {os.getpid()} on" in file.read_text()


def test_longer_name_before(path: Path) -> None:
    """Of a holder whose name was longer nothing is left in the file."""
    file = path.with_name("state.db.lock")
    file.write_text("x" * 500)
    lock = Lock(path)
    lock.acquire()
    lock.release()

    assert "x" not in file.read_text().replace(os.uname().nodename, "")


def test_full_disk(disk: Disk) -> None:
    """On a full disk the lock holds all the same; only its holder's name may be missing."""
    file = disk.place / "state.db"
    Path(f"{file}.lock").touch()
    disk.fill()
    first, second = Lock(file), Lock(file)

    first.acquire()

    with pytest.raises(InUse, match="another process"):
        second.acquire()
    first.release()


def test_place_without_locks(tmp_path: Path) -> None:
    """Where no lock file can be made, that is a fault of the place, not somebody else's lock."""
    with pytest.raises(OSError, match="No such file"):
        Lock(tmp_path / "nowhere" / "state.db").acquire()


def test_read_only_place(disk: Disk) -> None:
    """On a disk that is read-only no lock can be had."""
    disk.read_only(on=True)

    with pytest.raises(OSError, match="Read-only"):
        Lock(disk.place / "state.db").acquire()

    assert mount("-o", "remount,rw", str(disk.place))
