"""The world's measure of time: when it begins and how fast it lives."""

from dataclasses import dataclass

HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Era:
    """*start* in Unix seconds; *pace* divides every period and duration of the world."""

    start: float
    pace: float

    def seconds(self, at_pace_one: float) -> float:
        """Return how many real seconds so many of the world's take."""
        return at_pace_one / self.pace

    def days(self, now: float) -> float:
        """Return the world's days from its start to *now*; negative before it."""
        return (now - self.start) * self.pace / DAY

    def after(self, days: float) -> float:
        """Return the Unix time when so many of the world's days have passed since its start."""
        return self.start + days * DAY / self.pace
