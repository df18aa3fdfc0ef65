"""The incidents of one job that keep it from running, or keep a run of it from ending."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from exporter.simulator.incidents import BackupIncident, Incident

IDLE: Final[tuple[BackupIncident, ...]] = ("backup_stops", "backup_disabled")
"""The kinds in which no run begins."""


@dataclass(frozen=True, slots=True)
class Strikes:
    """What strikes a job: nothing, as a rule."""

    incidents: tuple[Incident, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.incidents)

    @property
    def hangs(self) -> tuple[Incident, ...]:
        """The incidents in each of which one run does not end."""
        return tuple(each for each in self.incidents if each.kind == "backup_hangs")

    def going_on(self, kind: BackupIncident, now: float) -> bool:
        """Tell whether an incident of this kind is going on at *now*."""
        return any(each.kind == kind and each.strikes(now) for each in self.incidents)

    def idle(self, now: float) -> bool:
        """Tell whether no run begins at *now*."""
        return any(each.kind in IDLE and each.strikes(now) for each in self.incidents)


UNSTRUCK: Final = Strikes()


def hung(hangs: Iterable[Incident], now: float) -> float:
    """Return for how many seconds at most a run has been kept from ending by *now*."""
    return max((min(each.until, now) - each.since for each in hangs if each.since < now), default=0.0)
