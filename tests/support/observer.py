"""An observer for tests that do not look."""

from exporter.client.observer import RetryReason


class SilentObserver:
    """Listens to nothing."""

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Ignore it."""

    def throttled(self) -> None:
        """Ignore it."""

    def retried(self, reason: RetryReason) -> None:
        """Ignore it."""

    def allowed_rate(self, per_second: float) -> None:
        """Ignore it."""

    def token_expires(self, at: float) -> None:
        """Ignore it."""
