from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.faults import error_code, fault_of
from exporter.client.transport import Answer
from exporter.errors import (
    AnswerUnreadable,
    CredentialsRefused,
    NotFound,
    PermissionMissing,
    RequestRefused,
    ServerFailed,
    SourceError,
    Throttled,
    TimedOut,
)
from exporter.log.secrets import SECRETS
from tests.client.vendor import everything_said


def answer(status: int, body: bytes = b"") -> Answer:
    """Return an answer of that status."""
    return Answer(status, {}, body, "r-1", 0.0)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success(status: int) -> None:
    """Success is no fault."""
    assert fault_of(answer(status), operation="jobs", host="vendor") is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, AnswerUnreadable),
        (400, RequestRefused),
        (401, CredentialsRefused),
        (403, PermissionMissing),
        (404, NotFound),
        (408, TimedOut),
        (418, AnswerUnreadable),
        (429, Throttled),
        (500, ServerFailed),
        (599, ServerFailed),
        (101, AnswerUnreadable),
        (777, AnswerUnreadable),
    ],
)
def test_failures(status: int, expected: type[SourceError]) -> None:
    """Every other status has one meaning, and its error carries the vendor's request id."""
    fault = fault_of(answer(status), operation="jobs", host="vendor")

    assert fault is not None
    assert type(fault) is expected
    assert str(fault).startswith(f"jobs: vendor answered {status}: ")
    assert fault.request_id == "r-1"


def test_not_found_names_the_causes() -> None:
    """A 404 names the three things it may mean, since the vendor does not."""
    message = str(fault_of(answer(404), operation="jobs", host="vendor"))

    assert "data centre" in message
    assert "licence" in message
    assert "permission" in message


@pytest.mark.parametrize(
    "body",
    [
        {"code": "Invalid.Parameter"},
        {"Error": {"Code": "Invalid.Parameter", "message": "someone@example.com"}},
        {"errors": [{"code": "Invalid.Parameter", "field": "x"}], "message": "Bad Request"},
        {"error": "Invalid.Parameter", "traceId": "1"},
        {"errorCode": "Invalid.Parameter"},
    ],
)
def test_error_code(body: Any) -> None:
    """The vendor's error code is told, in whatever place it puts it."""
    fault = fault_of(answer(400, orjson.dumps(body)), operation="jobs", host="vendor")

    assert str(fault) == "jobs: vendor answered 400 Invalid.Parameter: the request was not accepted"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"7",
        b'{"code": "someone@example.com"}',
        b'{"code": 7}',
        b'{"error": {"code": "two words"}}',
        b'{"errors": []}',
        b'{"errors": ["x"]}',
        b'{"errors": {"code": "x"}}',
        b'{"code": "' + b"x" * 65 + b'"}',
        b'{"code": "x", "y": "' + b"y" * 70_000 + b'"}',
        b'{"error":' * 900 + b"1" + b"}" * 900,
        b"[" * 100_000,
    ],
)
def test_no_error_code(body: bytes) -> None:
    """What is not plainly a code is not told."""
    assert error_code(body) is None


@pytest.mark.parametrize("status", [400, 500])
def test_code_for_the_caller(status: int) -> None:
    """A caller learns the vendor's code, and neither its message nor its stack trace."""
    body = {"message": "someone@example.com", "errorCode": "ProxyOffline", "stackTrace": "at someone@example.com"}

    fault = fault_of(answer(status, orjson.dumps(body)), operation="jobs", host="vendor")

    assert fault is not None
    assert fault.code == "ProxyOffline"
    assert "example.com" not in everything_said(fault)


def test_no_code_for_the_caller() -> None:
    """An answer without a code, and a failure without an answer, have none."""
    fault = fault_of(answer(500, b'{"message": "x", "errorCode": null}'), operation="jobs", host="vendor")

    assert fault is not None
    assert fault.code is None
    assert TimedOut("no answer").code is None


@given(st.binary())
def test_error_code_never_fails(body: bytes) -> None:
    """No body can hide the failure it comes with: there is a short code in it, or none."""
    code = error_code(body)

    assert code is None or 0 < len(code) <= 64


def test_a_secret_is_no_error_code() -> None:
    """A server that sends a secret back where its error code should be is not repeated."""
    SECRETS.learn("secret-sent-back")

    assert error_code(b'{"code": "secret-sent-back"}') is None
