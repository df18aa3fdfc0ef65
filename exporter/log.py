"""Structured log events, written for whoever reads them: a person at a terminal or a machine."""

import logging
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import Processor

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
Format = Literal["auto", "console", "json", "logfmt"]


def configure(*, level: str, form: Format, stream: TextIO | None = None) -> None:
    """Send events of at least *level* to *stream*, by default standard error.

    Libraries' own records go the same way, from warning on. Colours are for terminals only.

    Tracebacks are written without local variables, which may hold secrets.
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
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.WARNING))


def _rendering(form: Literal["console", "json", "logfmt"], *, colors: bool) -> list[Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    renderer: Processor = structlog.processors.JSONRenderer()
    if form == "logfmt":
        renderer = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    return [structlog.processors.format_exc_info, renderer]
