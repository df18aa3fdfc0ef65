import asyncio
import json
import logging
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import enable_created_metrics

from exporter import __version__
from exporter.cli import main

GOOD = """
web: {listen: ["127.0.0.1:0"]}
sources:
  contoso:
    kind: elements
    base_url: http://127.0.0.1:1
    auth: {client_id: contoso, client_secret: s3cr3t-marker, token_url: "http://127.0.0.1:1/connect/token"}
"""
DEADLINE = 30.0


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Let no variable of this machine matter, and leave loggers and Prometheus' library as they were."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    enable_created_metrics()  # type: ignore[no-untyped-call]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Return a configuration that polls where nobody listens."""
    path = tmp_path / "config.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that someone else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def status(*arguments: str) -> int | str | None:
    """Return the exit status of a command run here."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return exit_.value.code


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "exporter", *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False
    )


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is one line that scripts can read."""
    assert status("version") == 0
    assert capsys.readouterr().out == f"m365-backup-exporter {__version__}\n"


def test_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """The catalog of metrics is printed as Markdown."""
    assert status("metrics") == 0
    assert "m365backup_tenant_info" in capsys.readouterr().out


def test_config_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON Schema is printed as JSON."""
    assert status("config-schema") == 0
    assert json.loads(capsys.readouterr().out)["required"] == ["sources"]


def test_check_config(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A good configuration is called so, with the names of its sources and without a value."""
    assert status("check-config", "--config", str(good)) == 0
    assert capsys.readouterr() == (f"{good}: good; 1 source(s): contoso\n", "")


def test_check_config_misses_files(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret's file that cannot be read is a fault before the daemon needs it."""
    text = good.read_text(encoding="utf-8").replace("client_secret:", "client_secret_file:")
    good.write_text(text, encoding="utf-8")

    assert status("check-config", "--config", str(good)) == 2
    assert capsys.readouterr().err == (
        f"{good}: sources.contoso.auth.client_secret_file: the file cannot be read; "
        "check the path and its permissions\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [[], ["backup"], ["run"], ["check-config"], ["version", "--all"]],
)
def test_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command that is wrong or incomplete shows its usage and exits with 2."""
    assert status(*arguments) == 2
    assert capsys.readouterr().err.startswith("usage: m365-backup-exporter")


@pytest.mark.parametrize("tenants", ["0", "-1", "many", "1.5", "9" * 5000])
@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_number_of_tenants(command: str, tenants: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A world without customers cannot be asked for."""
    assert status(command, f"--tenants={tenants}") == 2
    assert "argument --tenants: should be a whole number from 1 to 1000000" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1:", ":80", "127.0.0.1:65536", "::1:80", "http://a:1"])
@pytest.mark.parametrize("command", ["demo", "simulate"])
def test_bad_addresses(command: str, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that cannot be listened on is a fault of the command line."""
    assert status(command, f"--listen={address}") == 2
    assert "argument --listen: should be host:port, such as" in capsys.readouterr().err


def test_demo_port_taken(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A demo whose port is taken says so in one line."""
    assert status("demo", "--tenants=1", f"--listen=127.0.0.1:{taken}") == 2
    assert one_line(capsys, f"127.0.0.1:{taken} cannot be opened: ", "address already in use")


def test_simulate_port_taken(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A simulator whose port is taken says so in one line."""
    assert status("simulate", f"--listen=127.0.0.1:{taken}") == 2
    assert one_line(capsys, f"--listen: 127.0.0.1:{taken} cannot be opened: ", "address already in use")


def test_run_port_taken(good: Path, taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon whose port is taken says so in one line."""
    good.write_text(GOOD.replace("127.0.0.1:0", f"127.0.0.1:{taken}"), encoding="utf-8")

    assert status("run", "--config", str(good)) == 2
    assert one_line(capsys, f"web.listen: 127.0.0.1:{taken} cannot be opened: ", "address already in use")


def test_run_without_its_authority(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A daemon whose certificate authority cannot be read does not start."""
    good.write_text(GOOD + "    tls: {ca_file: /nonexistent.pem}\n", encoding="utf-8")

    assert status("run", "--config", str(good)) == 2
    assert one_line(capsys, "sources.contoso.tls.ca_file: cannot be used: No such file or directory")


def test_run_until_terminated(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM ends the daemon with exit status 0."""
    assert terminated(lambda: status("run", "--config", str(good))) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events[-1] == "stopping"


def test_simulate_until_terminated(capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM ends the simulator with exit status 0; before, it says where it is and what the secret is."""
    result = terminated(lambda: status("simulate", "--tenants=3", "--listen=127.0.0.1:0", "--faults=429=1"))

    assert result == 0
    assert re.fullmatch(
        r"simulating 3 customers on http://127\.0\.0\.1:\d+; client secret: simulated\n", capsys.readouterr().out
    )


def test_demo_until_terminated(capsys: pytest.CaptureFixture[str]) -> None:
    """SIGTERM ends the demo with exit status 0; before, it says where to look."""
    result = terminated(lambda: status("demo", "--tenants=2", "--listen=127.0.0.1:0"))

    assert result == 0
    assert re.search(r"metrics +http://127\.0\.0\.1:[1-9]\d+/metrics\n", capsys.readouterr().out)


def test_interrupted_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the loop listens for signals ends without a traceback, with the usual status."""

    def interrupted(work: Coroutine[None, None, None]) -> None:
        work.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run", interrupted)

    assert status("demo") == 130


def test_version_in_a_process() -> None:
    """`python -m exporter` is the command too."""
    done = process("version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"m365-backup-exporter {__version__}\n", "")


def test_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The package itself can be run, in the same way as the installed command."""
    monkeypatch.setattr(sys, "argv", ["exporter", "version"])

    with pytest.raises(SystemExit) as exit_:
        runpy.run_module("exporter", run_name="__main__")

    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"m365-backup-exporter {__version__}\n"


def test_check_config_in_a_process(good: Path) -> None:
    """The exit status of check-config is 0 for a good file and 2 for a bad one, for use in scripts."""
    before = process("check-config", "--config", str(good))
    good.write_text(GOOD.replace("kind: elements", "kind: s3cr3t-marker"), encoding="utf-8")
    after = process("check-config", "--config", str(good))

    assert (before.returncode, before.stderr) == (0, "")
    assert (after.returncode, after.stdout) == (2, "")
    assert after.stderr == f"{good}: sources.contoso.kind: should be 'elements', 'cloudbackup' or 'veeam'\n"


def test_run_with_a_bad_file_in_a_process(good: Path) -> None:
    """A daemon with a bad file prints its faults and nothing else: no traceback, no value."""
    good.write_text(GOOD + "    limits: {timeout: s3cr3t-marker}\n", encoding="utf-8")

    done = process("run", "--config", str(good))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{good}: sources.contoso.limits.timeout: should be a duration such as 30s, 15m, 1h30m or 1d\n"
    )


@pytest.fixture
def daemon(good: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a daemon whose vendor is down, in a process of its own."""
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "exporter", "run", "--config", str(good)], stderr=subprocess.PIPE, text=True
    ) as process:
        watchdog = threading.Timer(DEADLINE, process.kill)
        watchdog.start()
        yield process
        process.kill()
        watchdog.cancel()


def event(daemon: subprocess.Popen[str], name: str) -> dict[str, Any]:
    """Return the next event of that name that the daemon logs."""
    assert daemon.stderr is not None
    return next(told for line in daemon.stderr if (told := json.loads(line))["event"] == name)


def test_run_in_a_process(daemon: subprocess.Popen[str], tmp_path: Path) -> None:
    """A daemon whose vendor is down stays alive, is healthy, and stops within five seconds of SIGTERM."""
    (url,) = event(daemon, "started")["listen"]
    event(daemon, "source_failed")

    with urllib.request.urlopen(f"{url.rstrip('/')}/-/healthy", timeout=DEADLINE) as answer:  # noqa: S310 - ours
        healthy = answer.status
    begun = time.monotonic()
    daemon.terminate()
    assert daemon.stderr is not None
    rest = daemon.stderr.read()
    stopped = daemon.wait(DEADLINE)

    assert time.monotonic() - begun < 5
    assert (healthy, stopped) == (200, 0)
    assert (tmp_path / "state" / "state.db").is_file()
    assert "s3cr3t-marker" not in rest
    assert "Traceback" not in rest


def test_hang_up_reads_the_file_again(daemon: subprocess.Popen[str], good: Path) -> None:
    """SIGHUP takes over a changed file; one with a fault changes nothing, and the fault is logged with its place."""
    event(daemon, "started")

    good.write_text(GOOD.replace("elements", "typo"), encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    refused = event(daemon, "reload_failed")
    good.write_text(GOOD.replace("  contoso:", "  fabrikam:"), encoding="utf-8")
    daemon.send_signal(signal.SIGHUP)
    reloaded = event(daemon, "reloaded")

    assert refused["level"] == "error"
    assert "sources.contoso.kind" in refused["faults"][0]
    assert (reloaded["added"], reloaded["removed"], reloaded["changed"]) == (["fabrikam"], ["contoso"], [])


def one_line(capsys: pytest.CaptureFixture[str], *parts: str) -> bool:
    """Tell whether exactly one line was written to standard error, with these parts."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return all(part in lines[0] for part in parts)


def terminated(command: Callable[[], object]) -> object:
    """Run *command*, and send ourselves SIGTERM once, as soon as its loop handles that."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.02):
            if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        return command()
    finally:
        ended.set()
        sender.join()
