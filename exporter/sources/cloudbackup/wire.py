"""What Cloud Backup sends, row by row, in our words.

The three generations spell the same facts differently; property names are found without regard to case, and
times, counts and durations in every form that the reference knows (sections 7 to 9).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.client.fields import FaultObserver, Fields, objects
from exporter.client.values import count, flag, size_bytes, text, timestamp
from exporter.errors import ValueFault
from exporter.records import ENDED, UNDERWAY, JobKey, JobSchedule, Outcome, Run, Status, Subscription, UnusualActivity
from exporter.sources.cloudbackup.words import PRODUCT, SUBSCRIPTION, service, state

DAY: Final = 86400.0
TICKS_PER_SECOND: Final = 10_000_000
HOUR: Final = 3600.0
CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What an error code looks like. All else may be a message that names somebody, and becomes ``other``."""
OTHER: Final = "other"

_OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    "successful": ("successfulCount", "successfulNumber"),
    "failed": ("failedCount", "failedNumber"),
    "skipped": ("skippedCount", "skippedNumber"),
}
OUTCOMES: Final = tuple(_OUTCOMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job of the history; what it is about must be found out otherwise."""

    run_id: str
    status: Status
    started_at: float | None
    ended_at: float | None
    duration_seconds: float | None
    objects: Mapping[Outcome, int] | None
    errors: Mapping[str, int] | None

    def run(self, tenant: str, job: JobKey) -> Run:
        """Return the run of *job* that this is."""
        return Run(
            tenant=tenant,
            run_id=self.run_id,
            job=job,
            status=self.status,
            started_at=self.started_at,
            ended_at=self.ended_at,
            duration_seconds=self.duration_seconds,
            objects=self.objects,
            errors=self.errors,
        )


def jobs(rows: Iterable[Any], observer: FaultObserver) -> list[JobRow]:
    """Read rows of jobs, each id once: pages may overlap, and the same page may come twice."""
    read = (_job(fields) for fields in objects(rows, observer, "jobs"))
    return list({row.run_id: row for row in read if row is not None}.values())


def ids(rows: Iterable[Any]) -> list[str]:
    """Return the ids of rows whose faults were told of when all jobs were asked for."""
    found = (fields.read(text, "id", "jobId") for fields in objects(rows, _Deaf(), "jobs"))
    return [run_id for run_id in found if run_id is not None]


class _Deaf:
    """An observer who has heard it before."""

    def value_failed(self, field: str) -> None:
        """Ignore it."""

    def value_unknown(self, field: str) -> None:
        """Ignore it."""


def _job(fields: Fields) -> JobRow | None:
    run_id = fields.read(text, "id", "jobId", needed=True)
    status, known = state(fields.raw("state"))
    if not known:
        fields.unknown("state")
    if run_id is None or status not in ENDED | UNDERWAY:
        return None
    over = status in ENDED
    started_at = fields.read(timestamp, "startTime")
    ended_at, duration = _end(fields, started_at) if over else (None, None)
    return JobRow(
        run_id=run_id,
        status=status,
        started_at=started_at,
        ended_at=ended_at,
        duration_seconds=duration,
        objects=_counts(fields) if over else None,
        errors=_errors(fields) if over else None,
    )


def _end(fields: Fields, started_at: float | None) -> tuple[float | None, float | None]:
    """Return when a job ended and how long it took: from its times, as the hours are rounded."""
    ended_at = fields.read(timestamp, "finishTime", "endTime")
    if started_at is not None and ended_at is not None and ended_at >= started_at:
        return ended_at, ended_at - started_at
    duration = fields.read(_duration, "duration")
    if started_at is not None and ended_at is None and duration is not None:
        ended_at = started_at + duration
    return ended_at, duration


def _duration(raw: Any) -> float | None:
    """Return seconds: of a whole number of ticks (legacy), or of a text of hours (v1 and v2)."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw / TICKS_PER_SECOND if raw >= 0 else None
    written = text(raw)
    if written is None:
        return None
    try:
        hours = float(written)
    except ValueError:
        raise ValueFault("expected a number of hours") from None
    if not 0 <= hours < 24 * 366:  # also refuses nan
        raise ValueFault("expected a number of hours")
    return hours * HOUR


def _counts(fields: Fields) -> Mapping[Outcome, int] | None:
    raw = fields.raw("backupDetails")
    if not isinstance(raw, dict):
        return None
    details = Fields(raw, fields.observer)
    counts = {outcome: details.read(count, *names) for outcome, names in _OUTCOMES.items()}
    return {outcome: number for outcome, number in counts.items() if number is not None} or None


def _errors(fields: Fields) -> Mapping[str, int] | None:
    """Return occurrences by code; whatever does not look like a code is ``other``."""
    raw = fields.raw("jobErrors")
    found: Counter[str] = Counter()
    for error in objects(raw if isinstance(raw, list) else (), fields.observer, "jobErrors"):
        code = error.read(text, "value") if error.read(flag, "isErrorCode") else None
        number = error.read(count, "number")
        found[code if code is not None and CODE.fullmatch(code) else OTHER] += 1 if number is None else number
    return found or None


def license_consumption(tenant: str, fields: Fields, retention: str | None) -> Subscription:
    """Read what was bought and is used; a size of 0 or less says that there is no such limit."""
    gigabytes = {name: fields.read(size_bytes, name) for name in ("purchasedStorageSize", "protectedSize")}
    return Subscription(
        tenant=tenant,
        subscription=SUBSCRIPTION,
        retention=retention,
        seats_purchased=fields.read(count, "purchasedUserSeats"),
        seats_used=fields.read(count, "assignedUserSeats"),
        capacity_purchased_bytes=gigabytes["purchasedStorageSize"] or None,
        storage_consumed_bytes=gigabytes["protectedSize"],
        out_of_policy_at=fields.read(timestamp, "outOfPolicyTime"),
    )


def unusual_activities(tenant: str, rows: Iterable[Any], observer: FaultObserver) -> list[UnusualActivity]:
    """Read the numbers of sites with unusual activity, added up by workload."""
    unusual: Counter[str] = Counter()
    attacks: Counter[str] = Counter()
    for fields in objects(rows, observer, "unusual_activities"):
        workload = _workload(fields)
        found = [fields.read(count, name) for name in ("unusualActivitiesCount", "potentialRansomwareAttackCount")]
        if workload is None or found == [None, None]:
            continue
        unusual[workload] += found[0] or 0
        attacks[workload] += found[1] or 0
    return [
        UnusualActivity(
            tenant=tenant,
            workload=workload,
            unusual_activities=unusual[workload],
            potential_ransomware_attacks=attacks[workload],
        )
        for workload in unusual
    ]


def schedules(tenant: str, rows: Iterable[Any], observer: FaultObserver) -> list[JobSchedule]:
    """Read how often each workload is backed up, and the longest time between two of the day's backups."""
    found: dict[JobKey, JobSchedule] = {}
    for fields in objects(rows, observer, "frequency"):
        workload = _workload(fields)
        frequency = fields.read(count, "frequency", needed=True)
        if workload is None or not frequency:
            continue
        starts = [fields.parsed(timestamp, "backupStartTime", each) for each in _listed(fields.raw("backupStartTime"))]
        job = JobKey(PRODUCT, workload, "backup")
        found[job] = JobSchedule(
            tenant=tenant,
            job=job,
            interval_seconds=DAY / frequency,
            longest_gap_seconds=_longest_gap([start for start in starts if start is not None], DAY / frequency),
        )
    return list(found.values())


def _workload(fields: Fields) -> str | None:
    """Return the workload of a row's ``serviceType``; one that is not documented is told of."""
    workload = service(fields.read(count, "serviceType", needed=True))
    if workload is not None and workload.startswith("unknown_"):
        fields.unknown("serviceType")
    return workload


def _listed(raw: Any) -> Sequence[Any]:
    return raw if isinstance(raw, list) else ()


def _longest_gap(starts: Sequence[float], otherwise: float) -> float:
    """Return the longest time from one start of the day to the next, over midnight as well."""
    times = sorted({start % DAY for start in starts})
    if not times:
        return otherwise
    return max(after - before for before, after in zip(times, [*times[1:], times[0] + DAY], strict=True))


def retention(fields: Fields) -> str | None:
    """Return how long backups are kept, in the vendor's words."""
    return fields.read(text, "retentionPeriod")
