"""Structured log events, written for whoever reads them: a person at a terminal or a machine."""

import logging
import sys
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import Processor

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
Format = Literal["auto", "console", "json", "logfmt"]


def configure(*, level: str, form: Format, stream: TextIO = sys.stderr) -> None:
    """Send events of at least *level* to *stream*; libraries' own records go the same way, from warning on.

    Tracebacks are written without local variables, which may hold secrets.
    """
    if form == "auto":
        form = "console" if stream.isatty() else "json"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendering(form)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _rendering(form: Format) -> list[Processor]:
    plain: Any = structlog.dev.plain_traceback
    match form:
        case "console" | "auto":
            return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
        case "json":
            return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        case "logfmt":
            return [
                structlog.processors.format_exc_info,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
            ]
