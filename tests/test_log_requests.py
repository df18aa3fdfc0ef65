"""What is said of requests, and of a vendor who asks for fewer."""

import logging

import structlog
from structlog.testing import capture_logs
from yarl import URL

from exporter.client.limiter import Limiter
from exporter.client.telling import Attempt, tell_request
from tests.support.clock import FakeClock

ADDRESS = URL("https://user:pass@api.example.com/v8/Jobs?limit=30&offset=0&secret=hunter2")


def told(level: int, attempt: Attempt, code: str = "200", request_id: str | None = None) -> list[dict[str, object]]:
    """Return what is said of an attempt at a level."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    with capture_logs() as logs:
        tell_request(attempt, code, 0.12345, request_id)
    return [dict(line) for line in logs]


def test_a_request_is_one_event() -> None:
    """At debug a request is told with its path, pages and times; whatever else stands in its query is left out."""
    attempt = Attempt("jobs", "GET", ADDRESS, {"since": "2026-03-01T00:00:00Z", "filter": "pat@contoso.example"}, 2)

    (event,) = told(logging.DEBUG, attempt, "503", "r-1")

    assert event == {
        "event": "request",
        "log_level": "debug",
        "operation": "jobs",
        "method": "GET",
        "path": "/v8/Jobs",
        "code": "503",
        "seconds": 0.123,
        "attempt": 2,
        "query": "limit=30&offset=0&secret=…&since=2026-03-01T00:00:00Z&filter=…",
        "request_id": "r-1",
    }


def test_no_more_than_there_is() -> None:
    """Without a query and a request id neither is mentioned; what is no address has no path."""
    (event,) = told(logging.DEBUG, Attempt("token", "POST", "http://["), "invalid_response")

    assert event.keys() & {"query", "request_id"} == set()
    assert event["path"] == ""


def test_silent_above_debug() -> None:
    """At info requests are not told."""
    assert told(logging.INFO, Attempt("jobs", "GET", ADDRESS)) == []


def test_throttling_is_told_once() -> None:
    """However often a vendor says 429, it is told at the first, and that it is over an hour after the last."""
    clock = FakeClock()
    limiter = Limiter(2.0, 4, clock)

    with capture_logs() as logs:
        for _ in range(100):
            limiter.throttled(3.0)
            clock.advance(600)
            limiter.succeeded()
        clock.advance(3600)
        for _ in range(2):
            limiter.succeeded()

    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("throttled", "warning"),
        ("throttling_over", "info"),
    ]
    assert logs[0]["retry_after"] == 3.0
