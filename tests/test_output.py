"""Standard output of commands: all of it arrives, or the exit status says that it did not."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.output import OutputLost, standard_output

CONFIG = """
state: {path: ""}
sources:
  contoso:
    kind: elements
    base_url: http://127.0.0.1:1
    auth: {client_id: contoso, client_secret: simulated, token_url: "http://127.0.0.1:1/connect/token"}
"""
LOST = "standard output: cannot be written: "


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a configuration whose vendor is down."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)


def run(script: str, *arguments: str, kept: int = 2, **variables: str) -> tuple[int, str]:
    """Run a command in the place of "$@" of a shell's *script*; return status and standard error."""
    done = subprocess.run(  # noqa: S603 - our own command
        ["/bin/bash", "-c", script, "bash", sys.executable, "-m", "exporter", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        pass_fds=(kept,),
        env={**os.environ, **variables},
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", [["version"], ["check-config"], ["doctor"], ["once"], ["--help"]])
def test_a_full_disk(command: list[str], config: str) -> None:
    """Where nothing can be written, a command ends with a line and the status 74, not with a traceback."""
    options = ["--config", config] if command[0] in {"check-config", "doctor", "once"} else []

    status, said = run('exec "$@" > /dev/full', *command, *options)

    assert status == 74
    assert said.splitlines()[-1:] == [f"{LOST}No space left on device"]
    assert "Traceback" not in said


def test_a_closed_output() -> None:
    """Where standard output is closed, a command says so."""
    assert run('exec "$@" >&-', "version") == (74, f"{LOST}Bad file descriptor\n")


def test_a_reader_that_has_gone() -> None:
    """A reader that has enough, as `head` does, is no reason for a line; the status tells of it."""
    reading, writing = os.pipe()
    os.close(reading)

    status = run(f'exec "$@" >&{writing}', "version", kept=writing)
    os.close(writing)

    assert status == (74, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["metrics"], ["once"]])
def test_half_of_it(command: list[str], unbuffered: str, config: str, tmp_path: Path) -> None:
    """Where only a part can be written, the status says so, also if Python is told not to buffer, as in the image."""
    out = tmp_path / "out"
    options = ["--config", config] if command == ["once"] else []

    script = f'ulimit -f 1; trap "" XFSZ; exec "$@" > {out}'
    status, said = run(script, *command, *options, PYTHONUNBUFFERED=unbuffered, PYTHONDONTWRITEBYTECODE="1")

    assert (status, said.splitlines()[-1]) == (74, f"{LOST}File too large")
    assert out.stat().st_size == 1024


class Part(io.RawIOBase):
    """Takes three bytes at a time, then no more."""

    def __init__(self, most: int) -> None:
        self.taken = b""
        self._most = most

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        """Take a part; ``None`` says: not now."""
        if len(self.taken) >= self._most:
            return None
        self.taken += bytes(data[:3])
        return min(3, len(data))


def test_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a part at a time gets all of it in the end; letters that it does not know are escaped."""
    out = Part(1000)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii", write_through=True))  # type: ignore[type-var]

    with standard_output():
        sys.stdout.write("Contoso → Fabrikam\n")
        assert out.taken == b"Contoso \\u2192 Fabrikam\n"
        sys.stdout.buffer.write(b"bytes\n")

    assert out.taken.endswith(b"bytes\n")


def test_what_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes no more is given nothing else, and the failure is told once."""
    out = Part(3)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, write_through=True))  # type: ignore[type-var]

    with pytest.raises(OutputLost, match="temporarily unavailable") as lost, standard_output():
        sys.stdout.write("Contoso\n")

    assert (out.taken, lost.value.unread) == (b"Con", False)


def test_a_tenant_that_moves_the_cursor(config: str) -> None:
    """A line about a failure names the tenant without what a terminal would obey."""
    path = Path(config)
    text = path.read_text(encoding="utf-8").replace("elements", "cloudbackup")
    path.write_text(text + '    tenant: {id: "fabrikam\\e[2J"}\n', encoding="utf-8")

    status, said = run('exec "$@" > /dev/null', "once", "--config", config)

    assert status == 1
    assert r"contoso: jobs of fabrikam\x1b[2J: connection: " in said
    assert "\x1b" not in said
