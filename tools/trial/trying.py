"""One fleet from its first scrape to the verdict."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.simulator.era import DAY
from tools.trial import rules
from tools.trial.cases import Case
from tools.trial.evaluation import fired
from tools.trial.fleet import Fleet
from tools.trial.playing import STEP, Course, played
from tools.trial.verdict import Trial, Verdict, judged

MEMORY: Final = Path("/dev/shm")  # noqa: S108 only a folder within it is used
"""Where writing costs no time: a disk would have to be waited for at each of many commits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial came to, and its size."""

    verdict: Verdict
    tenants: int
    series: int
    evaluations: int
    seconds: float

    @property
    def days(self) -> float:
        """How many days it lasted for the fleet."""
        return self.evaluations * STEP / DAY


def tried(fleet: Fleet, cases: Sequence[Case], course: Course) -> Outcome:
    """Let the *cases* happen to *fleet* and return what the shipped rules made of it."""
    began = time.monotonic()
    struck = fleet.struck((case.source, case.incident) for case in cases)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        recording = played(struck, course, rules.words(), Path(folder))
        known = rules.alerts()
        episodes = fired(recording, rules.shipped(), Path(folder))
    verdict = judged(Trial(struck, recording, episodes), cases, known)
    seconds = time.monotonic() - began
    return Outcome(verdict, fleet.tenants, len(recording.series), recording.scrapes, seconds)
