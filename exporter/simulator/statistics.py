"""What a simulator was asked, for tests and for the curious."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Statistics:
    """Requests by operation, and how many were at most answered at the same time."""

    requests: Counter[str] = field(default_factory=Counter)
    peak_concurrency: int = 0
    concurrency: int = 0

    def begin(self, operation: str) -> None:
        """Count a request that arrived."""
        self.requests[operation] += 1
        self.concurrency += 1
        self.peak_concurrency = max(self.peak_concurrency, self.concurrency)

    def end(self) -> None:
        """Note that a request was answered or given up."""
        self.concurrency -= 1
