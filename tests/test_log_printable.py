"""Text of others that would move a cursor, or pretend to be another line."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from exporter.doctor.finding import Finding
from exporter.doctor.table import show
from exporter.log import Format, configure
from exporter.log.printable import printable

NASTY = "Contoso\x1b[2J\x07\r\nfabrikam\x9b31m\u202egnp.exe\x7f"
SHOWN = r"Contoso\x1b[2J\x07\r\nfabrikam\x9b31m\u202egnp.exe\x7f"


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Leave the process' loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@given(st.text())
def test_every_text(text: str) -> None:
    """Whatever a text holds, it becomes one line that can be seen and encoded; what could be seen is unchanged."""
    assert printable(text).isprintable()
    assert len(printable(text).encode()) >= len(text)
    assert printable(printable(text)) == printable(text)


def test_what_is_written_out() -> None:
    """Letters of all languages stay; what a terminal obeys is written out."""
    assert printable("Grün & 株式会社 Ελλάς 🙂") == "Grün & 株式会社 Ελλάς 🙂"
    assert printable(NASTY) == SHOWN


def fail() -> None:
    """Fail with a text of somebody else."""
    raise ValueError(NASTY)


@pytest.mark.parametrize("form", ["console", "logfmt"])
def test_log(form: Format) -> None:
    """No event, no library's record and no error in a traceback brings a control character into the log."""
    stream = io.StringIO()
    configure(level="info", form=form, stream=stream)

    structlog.get_logger().info("tenants_joined", tenant=NASTY, examples=[NASTY])
    logging.getLogger("asyncio").warning(NASTY)
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("source_broken")

    lines = stream.getvalue().split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert len([line for line in lines if line.startswith("fabrikam")]) == (form == "console")  # of the traceback


@pytest.mark.parametrize("terminal", [True, False])
def test_doctor(terminal: bool) -> None:  # noqa: FBT001 - parametrized
    """Neither the table nor the sentences of doctor bring one to the terminal."""
    out = io.StringIO()
    finding = Finding(
        source="contoso", what="jobs", verdict="failed", missing=(NASTY,), trouble="bug", error=NASTY, step="wait"
    )

    show([finding], Console(file=out, force_terminal=terminal, color_system=None, width=500))

    assert [line for line in out.getvalue().split("\n") if not line.isprintable()] == []
    assert out.getvalue().count(SHOWN) == 2


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: BASIC czNjcjN0LW1hcmtlcg==\x00\r\n\r\n",
        b"GET /?token=s3cr3t-marker\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"s3cr3t-marker\r\n\r\n",
    ],
)
async def test_what_is_no_http(request_: bytes, level: str) -> None:
    """What somebody sends who speaks no HTTP is not quoted in the log: it is one event, at debug."""
    stream = io.StringIO()
    configure(level=level, form="json", stream=stream)
    runner = web.AppRunner(web.Application(), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reading, writing = await asyncio.open_connection(*runner.addresses[0])
    for part in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", request_):
        writing.write(part)
        await reading.readuntil(b"\r\n\r\n")
    writing.close()
    await runner.cleanup()

    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == (["request_unreadable"] if level == "debug" else [])
    assert "s3cr3t" not in stream.getvalue()
