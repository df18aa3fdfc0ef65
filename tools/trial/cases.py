"""One incident and the alerts that it must raise."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.simulator.incidents import Incident
from tools.trial.truths import Truth, lasting


@dataclass(frozen=True, slots=True)
class Expected:
    """An alert that an incident must raise, once *collector* has asked after it showed.

    *truth* says when that is. Where the *collector* is "" the clock alone decides. *labels* are those beyond source
    and tenant. *within* allows so many seconds more, at both ends, where an alert foretells or a poll is tried again.
    """

    alert: str
    collector: str = ""
    truth: Truth = lasting
    labels: Mapping[str, str] = field(default_factory=dict)
    within: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is done to *source*, what that must raise, and the *others* that may belong to it.

    Without *expected* it must raise nothing.
    """

    title: str
    source: str
    incident: Incident
    expected: tuple[Expected, ...] = ()
    others: frozenset[str] = frozenset()
    lingers: float = 0.0
    """Seconds after the end of the incident in which the others may still begin."""
