"""What Elements sends, row by row, in our words.

The same facts come in both generations: v3 with integers and camelCase, v1 with words, often
PascalCase and older spellings. A row that cannot be placed is dropped and counted by field;
a value that cannot be read is left out and counted. Field names are those of the vendor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.client.fields import Fields
from exporter.client.values import count, duration_seconds, fold, size_bytes, text, timestamp
from exporter.records import (
    ENDED,
    UNDERWAY,
    Job,
    JobKey,
    Outcome,
    Protection,
    Record,
    Run,
    Tenant,
)
from exporter.sources.elements.words import (
    JOB_STATUS,
    JOB_STATUS_WORDS,
    TENANT_STATUS,
    TENANT_STATUS_WORDS,
    WORKLOAD_WORDS,
    job_words,
    known,
)

_OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    "successful": ("successfulCount", "successfulNumber"),
    "failed": ("failedCount", "failedNumber"),
    "skipped": ("skippedCount", "skippedNumber"),
    "warning": ("warningCount", "warningNumber"),
}
ALL_OUTCOMES: Final = tuple(_OUTCOMES)


def customer(fields: Fields, *, personal_data: bool) -> Tenant | None:
    """Read a row of customers (v3 5.1, v1 /Customers)."""
    tenant = fields.read(text, "id", needed=True)
    if tenant is None:
        return None
    return Tenant(
        tenant=tenant,
        name=fields.read(text, "organization") or tenant,
        country=fields.read(text, "countryOrRegion"),
        owner_email=fields.read(text, "ownerEmail") if personal_data else None,
        status=known(fields, "jobStatus", TENANT_STATUS, TENANT_STATUS_WORDS),
    )


@dataclass(frozen=True, slots=True)
class JobRow:
    """The latest job of a module: its status, and the run if there is one."""

    job: Job
    run: Run | None

    @property
    def order(self) -> float:
        """When the run started: which of two rows for the same job is the later."""
        return self.run.started_at or 0.0 if self.run else -1.0


def fingerprint(row: Any) -> int | None:
    """Return what tells a job row from others, or ``None`` if it is no plain object.

    ``lastModifyTime`` is taken out of the row: Elements renews it with every synchronisation, and it is no
    time of the job.
    """
    if not isinstance(row, dict):
        return None
    row.pop("lastModifyTime", None)
    row.pop("LastModifyTime", None)
    try:
        return hash((tuple(row), tuple(row.values())))
    except TypeError:  # a value that is a list or an object
        return None


def job(tenant: str, fields: Fields) -> JobRow | None:
    """Read a row of jobs (v3 5.3, v1 /Customers/{Id}/Jobs).

    A placeholder has a status but neither job id nor times: it is no run, whatever it says.
    """
    words = job_words(fields)
    if words is None:
        return None
    product, workload, job_type = words
    key = JobKey(product=product, workload=workload, job_type=job_type, name=fields.read(text, "name") or "")
    started_at = fields.read(timestamp, "startTime")
    run_id = fields.read(text, "jobId") or _id_by_start(key, started_at)
    status = _status(fields, placeholder=run_id is None)
    counts = _counts(fields)
    size = fields.read(size_bytes, "backupSize")
    present = Job(
        tenant=tenant, job=key, status=status, outcomes=ALL_OUTCOMES if counts else (), size_known=size is not None
    )
    if run_id is None or status not in ENDED | UNDERWAY:
        return JobRow(present, None)
    return JobRow(present, _run(present, run_id, started_at, counts, size, fields))


def _id_by_start(key: JobKey, started_at: float | None) -> str | None:
    """Return what tells a run without job id from all others of its tenant."""
    return None if started_at is None else f"{' / '.join(key)} at {started_at:.0f}"


def latest(rows: Iterable[JobRow]) -> list[Record]:
    """Return one `Job` for each key, the one whose run is the newest, and every run."""
    rows = list(rows)
    newest: dict[JobKey, JobRow] = {}
    for row in rows:
        if row.job.job not in newest or row.order > newest[row.job.job].order:
            newest[row.job.job] = row
    return [*(row.job for row in newest.values()), *(row.run for row in rows if row.run is not None)]


def _status(fields: Fields, *, placeholder: bool) -> str:
    """Return the job's status; v1's "Not Finished" is a run under way, or none yet."""
    raw = fields.raw("status")
    if isinstance(raw, str) and fold(raw) == "notfinished":
        return "not_started" if placeholder else "running"
    return known(fields, "status", JOB_STATUS, JOB_STATUS_WORDS) or "none"


def _counts(fields: Fields) -> dict[Outcome, int]:
    counts = {outcome: fields.read(count, *names) for outcome, names in _OUTCOMES.items()}
    return {outcome: number for outcome, number in counts.items() if number is not None}


def _run(
    job: Job,
    run_id: str,
    started_at: float | None,
    counts: dict[Outcome, int],
    size: float | None,
    fields: Fields,
) -> Run:
    over = job.status in ENDED
    ended_at, duration = _end(fields, started_at) if over else (None, None)
    return Run(
        tenant=job.tenant,
        run_id=run_id,
        job=job.job,
        status=job.status,
        started_at=started_at,
        ended_at=ended_at,
        duration_seconds=duration,
        objects=counts if over and counts else None,
        size_bytes=size if over else None,
    )


def _end(fields: Fields, started_at: float | None) -> tuple[float | None, float | None]:
    """Return when a run ended and how long it took, each reckoned from the other where the vendor gives one."""
    ended_at = fields.read(timestamp, "endTime")
    if started_at is not None and ended_at is not None and ended_at >= started_at:
        return ended_at, ended_at - started_at
    duration = fields.read(duration_seconds, "jobDuration")
    if started_at is not None and ended_at is None and duration is not None:
        ended_at = started_at + duration
    return ended_at, duration


def protection(tenant: str, fields: Fields) -> Protection | None:
    """Read the coverage of one workload (v3 5.4, v1 /Customers/{id}/Protected)."""
    module = fields.read(text, "serviceModule", needed=True)
    if module is None:
        return None
    stored = {
        "avepoint": fields.read(size_bytes, "dataSizeStoredInAvePoint"),
        "byos": fields.read(size_bytes, "dataSizeStoredInBYOS"),
    }
    return Protection(
        tenant=tenant,
        product="Microsoft 365",
        workload=WORKLOAD_WORDS.get(fold(module), module),
        scanned=fields.read(count, "totalScannedObjects"),
        protected=fields.read(count, "totalProtectedObjects"),
        stored_bytes={location: size for location, size in stored.items() if size is not None},
    )
