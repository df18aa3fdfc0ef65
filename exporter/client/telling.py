"""What the log is told of each request, at level debug: never a body, a header or a value that could be secret."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from yarl import URL

LOG: Final = structlog.get_logger("exporter.client")
_PLAIN: Final = re.compile(r"\d{1,9}|true|false|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,7})?Z?)?", re.IGNORECASE)
"""Pages, switches and times: what cannot be secret or personal."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, as it was sent."""

    operation: str
    method: str
    url: URL | str
    params: Mapping[str, str] | None = None
    number: int = 1


def tell_request(attempt: Attempt, code: str, seconds: float, request_id: str | None) -> None:
    """Log how an attempt ended; *code* is the HTTP status or the reason of the failure."""
    if not LOG.is_enabled_for(logging.DEBUG):
        return
    url = _address(attempt.url)
    LOG.debug(
        "request",
        operation=attempt.operation,
        method=attempt.method,
        path=url.path,
        code=code,
        seconds=round(seconds, 3),
        attempt=attempt.number,
        **_given(query=_query(url, attempt.params), request_id=request_id),
    )


def _given(**facts: str | None) -> dict[str, str]:
    return {key: value for key, value in facts.items() if value}


def _address(url: URL | str) -> URL:
    try:
        return URL(url)
    except ValueError:  # no address at all; the request has failed for that reason
        return URL()


def _query(url: URL, params: Mapping[str, str] | None) -> str:
    pairs = [*url.query.items(), *(params or {}).items()]
    return "&".join(f"{key}={value if _PLAIN.fullmatch(value) else '…'}" for key, value in pairs)
