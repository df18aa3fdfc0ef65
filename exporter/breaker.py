"""When to stop asking: after repeated failure only a probe a minute goes out."""

from dataclasses import dataclass
from typing import Final

THRESHOLD: Final = 5
"""Failures in a row, none of them excused by a success in between."""
PROBE_EVERY: Final = 60.0


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row of a source, or of one of its collectors."""

    failures: int = 0
    next_probe: float = 0.0

    @property
    def open(self) -> bool:
        """Tell whether only probes go out."""
        return self.failures >= THRESHOLD

    def admits(self, now: float) -> bool:
        """Tell whether a collection may start."""
        return not self.open or now >= self.next_probe

    def begin(self, now: float) -> None:
        """Take note that a collection starts; while open, it is the probe of this minute."""
        if self.open:
            self.next_probe = now + PROBE_EVERY

    def give_back(self, now: float) -> None:
        """Let another collection be the probe: the one admitted asked nobody."""
        if self.open:
            self.next_probe = now

    def succeeded(self) -> None:
        """Close."""
        self.failures = 0

    def failed(self, now: float) -> None:
        """Count a failure; the one that opens the breaker starts the minute."""
        self.failures += 1
        if self.failures == THRESHOLD:
            self.next_probe = now + PROBE_EVERY
