import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from exporter.log import Format, configure


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Leave the process' loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(form: Format, *, level: str = "info", stream: io.StringIO | None = None) -> io.StringIO:
    """Log to a stream that is returned."""
    stream = stream or io.StringIO()
    configure(level=level, form=form, stream=stream)
    return stream


def fail_with_a_secret() -> None:
    """Fail in a function that holds a secret."""
    password = "s3cr3t" + "-marker"
    raise RuntimeError(f"failed after {len(password)} letters")


def test_json() -> None:
    """For machines each event is one JSON object with its time, level, name and facts."""
    stream = written("json")

    structlog.get_logger().info("source_failed", source="contoso", failures=3, reason=None, text='a "b"\n€')

    event = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event.pop("timestamp"))
    assert event == {
        "event": "source_failed",
        "level": "info",
        "source": "contoso",
        "failures": 3,
        "reason": None,
        "text": 'a "b"\n€',
    }
    assert stream.getvalue().count("\n") == 1


def test_logfmt() -> None:
    """In logfmt each event is one line that begins with time, level and name."""
    stream = written("logfmt")

    structlog.get_logger().warning("source_failed", source="contoso", late=True, text="two\nlong lines")

    line = stream.getvalue()
    assert re.match(
        r'timestamp=\S+Z level=warning event=source_failed source=contoso late=true text="two\\nlong lines"\n$', line
    )


@pytest.mark.parametrize("form", ["console", "auto"])
def test_terminal(form: Format) -> None:
    """A person at a terminal reads coloured lines."""
    stream = written(form, stream=Terminal())

    structlog.get_logger().info("started", sources=2)

    assert "\x1b[" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("form", ["console", "auto", "json", "logfmt"])
def test_no_colours_in_a_file(form: Format) -> None:
    """What is not a terminal gets no colour codes, from our events or from others' records."""
    stream = written(form)

    structlog.get_logger().info("started", sources=2)
    logging.getLogger("aiohttp.client").warning("Unclosed connection")

    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 2


def test_auto_in_a_file() -> None:
    """Where nobody watches, auto is JSON."""
    stream = written("auto")

    structlog.get_logger().info("started")

    assert json.loads(stream.getvalue())["event"] == "started"


def test_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stream the log goes to standard error as it is at that time."""
    configure(level="info", form="json")

    structlog.get_logger().info("started")

    assert json.loads(capsys.readouterr().err)["event"] == "started"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(level: str, expected: list[str]) -> None:
    """Events below the level are not written; of libraries' records those from warning on."""
    stream = written("json", level=level)
    log, library = structlog.get_logger(), logging.getLogger("aiohttp.server")

    for each in ("debug", "info", "warning", "error"):
        log.log(logging.getLevelNamesMapping()[each.upper()], "ours")
        library.log(logging.getLevelNamesMapping()[each.upper()], "theirs")

    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["level"] for event in events if event["event"] == "ours"] == expected
    theirs = [event["level"] for event in events if event["event"] == "theirs"]
    assert theirs == [each for each in expected if each in {"warning", "error"}]


@pytest.mark.parametrize("form", ["console", "json", "logfmt"])
def test_records_of_libraries(form: Format) -> None:
    """A library's record looks like our own events, and says who wrote it."""
    stream = written(form)

    logging.getLogger("aiohttp.client").warning("Unclosed %s", "connection")

    line = stream.getvalue()
    assert "Unclosed connection" in line
    assert "aiohttp.client" in line
    assert "warning" in line
    if form == "json":
        assert set(json.loads(line)) == {"event", "level", "timestamp", "logger"}


@pytest.mark.parametrize("form", ["console", "json", "logfmt"])
def test_exceptions_without_locals(form: Format) -> None:
    """A traceback shows where, never the values of variables: one of them may be a secret."""
    stream = written(form)

    try:
        fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger().exception("source_broken", source="contoso")
        logging.getLogger("asyncio").exception("Task exception was never retrieved")

    text = stream.getvalue()
    assert "s3cr3t-marker" not in text
    assert text.count("RuntimeError: failed after 13 letters") == 2
    assert text.count("in fail_with_a_secret") == 2
    assert form == "console" or text.count("\n") == 2


async def test_asyncio_complaints() -> None:
    """What the event loop complains about comes in the same form."""
    stream = written("json")

    asyncio.get_running_loop().call_exception_handler({"message": "Task was destroyed", "exception": ValueError("x")})

    event = json.loads(stream.getvalue())
    assert (event["level"], event["logger"]) == ("error", "asyncio")
    assert event["event"].startswith("Task was destroyed")
    assert event["exception"].endswith("ValueError: x")


def test_facts_that_json_does_not_know() -> None:
    """An odd fact is written as its representation; logging never raises because of it."""
    stream = written("json")

    structlog.get_logger().info("odd", value={1, 2}, error=ValueError("x"), raw=b"\xff")

    assert json.loads(stream.getvalue())["error"] == "ValueError('x')"


def test_configured_twice() -> None:
    """Configuring again replaces the first: nothing is written twice."""
    first, second = written("json"), written("json")

    logging.getLogger("aiohttp").warning("once")

    assert (first.getvalue(), second.getvalue().count("once")) == ("", 1)
