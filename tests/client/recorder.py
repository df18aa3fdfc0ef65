"""An observer that remembers."""

from exporter.client.observer import RetryReason


class Recorder:
    """Keeps all it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.throttles = 0
        self.retries: list[RetryReason] = []
        self.rates: list[float] = []
        self.expiries: list[float] = []

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Keep operation and code."""
        assert seconds >= 0
        self.requests.append((operation, code))

    def throttled(self) -> None:
        """Count it."""
        self.throttles += 1

    def retried(self, reason: RetryReason) -> None:
        """Keep the reason."""
        self.retries.append(reason)

    def allowed_rate(self, per_second: float) -> None:
        """Keep the rate."""
        self.rates.append(per_second)

    def token_expires(self, at: float) -> None:
        """Keep the time."""
        self.expiries.append(at)
