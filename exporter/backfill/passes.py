"""Runs → what the exporter would have shown, had it been there: for each family, facts in the order of time.

The counting is the ledger's (`exporter.tally`, `exporter.job_memory`), the families are the catalog's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, inf
from typing import Any, Final, TypeAlias

from exporter.job_memory import JobMemory
from exporter.ledger import code_counted_as
from exporter.metrics.catalog import FAMILIES
from exporter.metrics.family import PREFIX, Family
from exporter.records import ENDED, JobErrors, JobHistory, JobKey, JobTally, Record, Run
from exporter.tally import ErrorTally, Group, Tally

Facts: TypeAlias = Iterator[tuple[int, Record]]
"""What became true when, in Unix milliseconds; never back in time."""

NAMES: Final = frozenset(
    PREFIX + name
    for name in (
        *("job_runs_total", "job_successes_total", "job_failures_total", "job_warnings_total", "job_objects_total"),
        *("job_bytes_total", "job_retries_total", "job_duration_seconds", "job_errors_total"),
        *("job_last_start_timestamp_seconds", "job_last_end_timestamp_seconds", "job_last_success_timestamp_seconds"),
        *("job_last_completed_timestamp_seconds", "job_last_duration_seconds"),
    )
)
"""The families that a history of runs can tell.

Bytes and objects of the last run are not among them: they go when a newer run does not tell any, and what is written
for the past can only change.
"""


def _millisecond(seconds: float) -> int:
    """Return the first millisecond at which an instant has come: nobody must see it earlier."""
    return ceil(round(seconds * 1000, 2))  # a float holds a time to a quarter of a microsecond


def _end(run: Run) -> int | None:
    """Return when the run ended; ``None`` if it did not, or nobody knows when."""
    return None if run.ended_at is None or run.status not in ENDED else _millisecond(run.ended_at)


def without_end(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that ended at an unknown time; they can stand nowhere."""
    return [run for run in runs if run.status in ENDED and run.ended_at is None]


def ended_within(runs: Iterable[Run], since: int, until: int) -> list[tuple[int, Run]]:
    """Return the runs that ended later than *since* and not later than *until*, in the order of their ends."""
    ends = [(at, run) for run in runs if (at := _end(run)) is not None and since < at <= until]
    return sorted(ends, key=lambda end: (end[0], end[1].run_id))


def tallies(tenant: str, runs: Sequence[Run], since: int, until: int) -> Facts:
    """Yield the counts of each group: 0 at *since*, and what they are after each run that ended."""
    ended = ended_within(runs, since, until)
    books: dict[Group, Tally] = {}
    for _, run in ended:
        _enter(books, run)
    for group, tally in books.items():
        yield since, tally.fact(tenant, group, 0, inf)
    for at, run in ended:
        group, tally = _enter(books, run)
        tally.count(run)
        yield at, tally.fact(tenant, group, 0, inf)


def _enter(books: dict[Group, Tally], run: Run) -> tuple[Group, Tally]:
    """Return the run's group and its book, which is opened and has all series that the run needs."""
    group = Group(run.job.product, run.job.workload, run.job.job_type)
    tally = books.setdefault(group, Tally(born=0.0))
    tally.bear(
        0.0,
        objects=run.objects or (),
        size=run.size_bytes is not None,
        retries=run.retries is not None,
    )
    return group, tally


def errors(tenant: str, runs: Sequence[Run], since: int, until: int) -> Facts:
    """Yield the errors of each code: 0 at *since*, and what they are after each run that had some."""
    books: dict[str, ErrorTally] = {}
    steps: list[tuple[int, str, int]] = []
    for at, run in ended_within(runs, since, until):
        for code, number in (run.errors or {}).items():
            shown = code_counted_as(code, books)
            books.setdefault(shown, ErrorTally(born=0.0))
            steps.append((at, shown, number))
    for code, tally in books.items():
        yield since, tally.fact(tenant, code, inf)
    for at, code, number in steps:
        books[code].errors += number
        yield at, books[code].fact(tenant, code, inf)


def histories(tenant: str, runs: Sequence[Run], since: int, until: int) -> Facts:
    """Yield what is remembered of each job from *since* on: after each start and each end, also of runs before."""
    memories: dict[JobKey, JobMemory] = {}
    for at, _, over, run in sorted(_moments(runs), key=lambda moment: moment[:3]):
        if at > until:
            return
        memory = memories.setdefault(run.job, JobMemory(first_seen=0.0))
        memory.start(run.started_at)
        if over:
            memory.end(run, run.started_at if run.started_at is not None else at / 1000)
        yield max(at, since), memory.fact(tenant, run.job, None, present=True)


def _moments(runs: Iterable[Run]) -> Iterator[tuple[int, str, bool, Run]]:
    """Yield when each run started and when it ended."""
    for run in runs:
        if run.started_at is not None:
            yield _millisecond(run.started_at), run.run_id, False, run
        if (at := _end(run)) is not None:
            yield at, run.run_id, True, run


_FACTS: Final[Mapping[type[Record], Callable[[str, Sequence[Run], int, int], Facts]]] = {
    JobTally: tallies,
    JobErrors: errors,
    JobHistory: histories,
}
PASSES: Final[tuple[tuple[Family[Any], Callable[[str, Sequence[Run], int, int], Facts]], ...]] = tuple(
    (family, _FACTS[family.record]) for family in FAMILIES if family.name in NAMES
)
"""The families in the catalog's order, each with how its facts come from runs."""

OWN_LABELS: Final = frozenset({"source"}).union(
    *((*family.labels, *family.further_labels) for family, _ in PASSES),
)
"""Labels that the series have already."""
