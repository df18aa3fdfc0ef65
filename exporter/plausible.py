"""Times that cannot be: as no time goes back, one that lies far ahead would stay for ever."""

from dataclasses import replace
from typing import Final

from exporter.records import Run

DAY: Final = 86400.0


def past(at: float | None, now: float) -> float | None:
    """Return the time unless it lies more than a day ahead."""
    return None if at is None or at > now + DAY else at


def plausible(run: Run, now: float) -> Run:
    """Return the run without times that lie far ahead."""
    if max(run.started_at or now, run.ended_at or now) <= now + DAY:
        return run
    return replace(run, started_at=past(run.started_at, now), ended_at=past(run.ended_at, now))


def order_of(run: Run, otherwise: float = float("-inf")) -> float:
    """Return where the run stands among those of its job: when it started."""
    return run.started_at if run.started_at is not None else otherwise
