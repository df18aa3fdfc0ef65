"""What the client tells whoever counts it; the metrics behind are none of its business."""

from typing import Literal, Protocol

RetryReason = Literal["throttled", "timeout", "connection", "server", "auth"]
"""Why a request was sent again: the closed set behind a label."""


class Observer(Protocol):
    """Is told of each request of one source as it happens."""

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Take note of one attempt; *code* is the HTTP status or the reason of the failure."""
        ...

    def throttled(self) -> None:
        """Take note of a 429."""
        ...

    def retried(self, reason: RetryReason) -> None:
        """Take note of a further attempt at the same question."""
        ...

    def allowed_rate(self, per_second: float) -> None:
        """Take note of the request rate we now permit ourselves."""
        ...

    def token_expires(self, at: float) -> None:
        """Take note of the end of the present access token, in Unix seconds."""
        ...
