"""What an HTTP status means to us: one table, for every vendor.

Source: AvePoint's reference, section 3.7; Veeam's, section 4. A body that explains an error may hold personal data, so
that nothing but its error code is ever repeated.
"""

import re
from http import HTTPStatus
from typing import Any, Final

import orjson

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

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CODE_KEYS: Final = ("code", "errorcode", "error")
_LONGEST_EXPLANATION_BYTES: Final = 64 * 1024

_BY_STATUS: Final[dict[int, tuple[type[SourceError], str]]] = {
    HTTPStatus.UNAUTHORIZED: (CredentialsRefused, "even with a fresh token"),
    HTTPStatus.FORBIDDEN: (PermissionMissing, "a role or a scope is missing"),
    HTTPStatus.NOT_FOUND: (
        NotFound,
        "base_url may be of another data centre or product, or a licence or a permission is missing",
    ),
    HTTPStatus.BAD_REQUEST: (RequestRefused, "the request was not accepted"),
    HTTPStatus.REQUEST_TIMEOUT: (TimedOut, "the server gave up waiting"),
    HTTPStatus.TOO_MANY_REQUESTS: (Throttled, "too many requests"),
}
_BY_CLASS: Final[dict[int, tuple[type[SourceError], str]]] = {
    3: (AnswerUnreadable, "a redirect that leads nowhere"),
    4: (AnswerUnreadable, "the request was not accepted"),
    5: (ServerFailed, "the server failed"),
}


def fault_of(answer: Answer, *, operation: str, host: str) -> SourceError | None:
    """Return the error that the status of *answer* stands for, None for success."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    unknown = (AnswerUnreadable, "which no one documents")
    kind, meaning = _BY_STATUS.get(answer.status) or _BY_CLASS.get(answer.status // 100, unknown)
    code = error_code(answer.body)
    said = f" {code}" if code else ""
    fault = kind(f"{operation}: {host} answered {answer.status}{said}: {meaning}", request_id=answer.request_id)
    fault.code = code
    return fault


def error_code(body: bytes) -> str | None:
    """Return the vendor's error code if the body has one of a harmless form.

    Looked for in {code}, {error: code}, {error: {code}} and {errors: [{code}]}, in any case.
    """
    if len(body) > _LONGEST_EXPLANATION_BYTES:
        return None
    try:
        outer = _lower_keys(orjson.loads(body))
    except orjson.JSONDecodeError:
        return None
    errors = outer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    named = (
        node.get(key) for node in (outer, _lower_keys(outer.get("error")), _lower_keys(first)) for key in _CODE_KEYS
    )
    return next((value for value in named if isinstance(value, str) and _is_harmless(value)), None)


def _is_harmless(code: str) -> bool:
    """Tell whether this is a word, and none of our secrets that came back."""
    return _CODE.fullmatch(code) is not None and SECRETS.conceal(code) == code


def _lower_keys(node: Any) -> dict[str, Any]:
    return {key.lower(): value for key, value in node.items()} if isinstance(node, dict) else {}
