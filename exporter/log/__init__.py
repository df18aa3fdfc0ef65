"""Structured log events, written for whoever reads them: a person at a terminal or a machine."""

import logging
import sys
import threading
from collections.abc import Mapping
from io import StringIO
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, ExcInfo, Processor

from exporter.log.printable import printable
from exporter.log.secrets import SECRETS

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
LOG: Final = structlog.get_logger("exporter.log")
Format = Literal["auto", "console", "json", "logfmt"]


def configure(*, level: str, form: Format, stream: TextIO | None = None) -> None:
    """Send events of at least *level* to *stream*, by default standard error.

    Libraries' own records go the same way, from warning on. Colours are for terminals only.

    Tracebacks are written without local variables, which may hold secrets; secrets that are known are masked.
    """
    stream = sys.stderr if stream is None else stream
    if form == "auto":
        form = "console" if stream.isatty() else "json"
    rendering = _rendering(form, colors=stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(_is_no_stranger)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.WARNING))


def _is_no_stranger(record: logging.LogRecord) -> bool:
    """Tell a request that is no HTTP in a word of our own: the library's error, and its traceback, quote it."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name != "aiohttp.server" or not isinstance(error, HttpProcessingError):
        return True
    LOG.debug("request_unreadable", error=type(error).__name__)
    return False


def log_crashes() -> None:
    """Let what nobody caught, and warnings, be events like all others: Python's own text has passed no mask."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _crashed
    threading.excepthook = lambda crash: _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)
    sys.unraisablehook = lambda crash: _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)


def _crashed(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    LOG.error("crashed", exc_info=(kind, error, trace))


def _rendering(form: Literal["console", "json", "logfmt"], *, colors: bool) -> list[Processor]:
    if form == "console":
        console = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_masked_traceback)
        return [_masked, _written_out, console]
    renderer: Processor = structlog.processors.JSONRenderer() if form == "json" else _logfmt
    return [structlog.processors.format_exc_info, _masked, renderer]


_LOGFMT: Final = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)


def _logfmt(logger: Any, method: str, event: EventDict) -> str:
    return printable(_LOGFMT(logger, method, event))


def _written_out(_: Any, __: str, event: EventDict) -> EventDict:
    """Write out in all texts what a terminal would obey; those within lists are written with Python's escapes."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}


def _masked(_: Any, __: str, event: EventDict) -> EventDict:
    """Mask the secrets in all values; what else an event holds is written as it is."""
    return {key: value if key in _HARMLESS else _concealed(value) for key, value in event.items()}


_HARMLESS: Final = frozenset({"timestamp", "level", "exc_info"})
"""Ours, and what `_masked_traceback` masks when it is text."""


def _concealed(value: Any) -> Any:
    match value:
        case str():
            return SECRETS.conceal(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_concealed(key): _concealed(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_concealed(each) for each in value]
        case _:
            return SECRETS.conceal(repr(value))


def _masked_traceback(stream: TextIO, failure: ExcInfo) -> None:
    plain = StringIO()
    structlog.dev.plain_traceback(plain, failure)
    stream.write("\n".join(map(printable, SECRETS.conceal(plain.getvalue()).split("\n"))))
