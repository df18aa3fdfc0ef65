"""What can go wrong, drawn once.

SourceError              a collection failed; nothing of it is published
├── CredentialsRefused   auth              the token endpoint said no; a person must act
├── PermissionMissing    permission        a fresh token was refused; a role or scope is missing
├── NotFound             not_found         404: wrong data centre, missing licence or missing scope
├── Throttled            throttled         the vendor asked us to wait, and for how long
├── TimedOut             timeout           no complete answer in time
├── Unreachable          connection        DNS or TCP failed, or the connection broke
├── TlsFailed            tls               the certificate is not one we may trust
├── ServerFailed         server            5xx after every retry
├── AnswerUnreadable     invalid_response  an answer came, but not in the documented shape
│   ├── RequestRefused   invalid_response  400: the vendor did not take our question
│   └── ForeignPage      invalid_response  a page for people: a proxy or a login stands in between
└── AnswerTooLarge       too_large         the body passed the size limit; reading stopped there
NotApplicable            the tenant does not have what was asked for; no failure
ValueFault               one value of an answer is not of a documented form
SettingsError            the configuration cannot be used; exit code 2
"""

from typing import ClassVar, Final, Literal, get_args

Reason = Literal[
    "auth",
    "permission",
    "not_found",
    "throttled",
    "timeout",
    "connection",
    "tls",
    "server",
    "invalid_response",
    "too_large",
    "bug",
]
"""Why a collection failed: the closed set behind the label ``reason``."""

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

SOURCE_WIDE: Final[frozenset[Reason]] = frozenset({"auth", "throttled", "timeout", "connection", "tls", "server"})
"""Reasons that usually tell of the source as a whole; each error says whether it does."""


class SourceError(Exception):
    """A collection failed; *reason* is for labels, the message for the log."""

    reason: ClassVar[Reason] = "bug"

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id
        """The vendor's correlation id of the refused request, if it sent one."""
        self.source_wide = self.reason in SOURCE_WIDE
        """Whether it tells of the source as a whole rather than of one tenant or one endpoint."""
        self.code: str | None = None
        """The vendor's own error code, if it sent one of a harmless form."""


class CredentialsRefused(SourceError):
    """The token endpoint did not accept who we are."""

    reason = "auth"


class PermissionMissing(SourceError):
    """A fresh token was refused: a role or a scope is missing."""

    reason = "permission"


class NotFound(SourceError):
    """The vendor does not know the path: wrong data centre, missing licence or missing scope."""

    reason = "not_found"


class Throttled(SourceError):
    """The vendor asked us to wait longer than one collection may."""

    reason = "throttled"


class TimedOut(SourceError):
    """No complete answer arrived within the configured timeout."""

    reason = "timeout"


class Unreachable(SourceError):
    """The name did not resolve, nothing listened, or the connection broke."""

    reason = "connection"


class TlsFailed(SourceError):
    """The peer's certificate could not be verified, or the handshake failed."""

    reason = "tls"


class ServerFailed(SourceError):
    """The vendor answered 5xx to every attempt."""

    reason = "server"


class AnswerUnreadable(SourceError):
    """An answer came, but it is not what the vendor documents."""

    reason = "invalid_response"


class RequestRefused(AnswerUnreadable):
    """The vendor refused the question itself (400)."""


class ForeignPage(AnswerUnreadable):
    """A page for people came instead of the API's answer: a proxy or a login stands in between."""

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message, request_id=request_id)
        self.source_wide = True


class AnswerTooLarge(SourceError):
    """The body is larger than we are willing to hold in memory."""

    reason = "too_large"


class NotApplicable(Exception):
    """The tenant does not have what was asked for, which is no failure.

    *asked* tells whether it cost a request: then it is tried again once a day only.
    """

    def __init__(self, message: str, *, asked: bool) -> None:
        super().__init__(message)
        self.asked = asked


class ValueFault(ValueError):
    """One value of an answer is not of a documented form; the message never repeats the value."""


class NotRunning(Exception):
    """The exporter starts or stops: what is asked of it cannot be done now."""


class SettingsError(Exception):
    """The configuration cannot be used; *faults* are lines fit for a terminal, without values."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults
