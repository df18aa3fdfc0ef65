"""Veeam's jobs and sessions, row by row, in our words.

Source: RESTJob, RESTCopyJob, RESTJobSession (the vendor reference, sections 8.9 and 8.10). v6 and v7 name organization
and job only by the links of a row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from exporter.client.fields import FaultObserver, Fields, objects
from exporter.client.values import count, flag, folded, identifier, text, timestamp
from exporter.records import COMPLETED, Status
from exporter.sources.veeam.chains import Session
from exporter.sources.veeam.schedules import FOLLOWS, Schedule, backup_schedule, copy_schedule
from exporter.sources.veeam.words import BACKUP_TYPE, BOTTLENECK, ITEM_TYPE, NO_BOTTLENECK, status

_LINKED: Final = {"organizationId": "organization", "jobId": "job"}
"""Field → the link that names the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A backup job or a backup copy job."""

    job_id: str
    name: str
    job_type: Literal["backup", "copy"]
    organization: str | None
    source_job: str | None
    """Of a copy job: the backup job that it copies."""
    status: Status | None
    enabled: bool | None
    started_at: float | None
    completed_at: float | None
    next_run_at: float | None
    schedule: Schedule | None
    backup_type: str | None


def jobs(rows: Iterable[Any], observer: FaultObserver) -> list[JobRow]:
    """Read backup jobs, each id once."""
    read = (_job(fields, "backup") for fields in objects(rows, observer, "jobs"))
    return list({row.job_id: row for row in read if row is not None}.values())


def copy_jobs(rows: Iterable[Any], observer: FaultObserver) -> list[JobRow]:
    """Read backup copy jobs, each id once."""
    read = (_job(fields, "copy") for fields in objects(rows, observer, "copy_jobs"))
    return list({row.job_id: row for row in read if row is not None}.values())


def _job(fields: Fields, job_type: Literal["backup", "copy"]) -> JobRow | None:
    job_id = fields.read(identifier, "id", needed=True)
    if job_id is None:
        return None
    word, known = status(fields.raw("lastStatus"))
    if not known:
        fields.unknown("lastStatus")
    started_at = fields.read(timestamp, "lastRun")
    completed_at = fields.read(timestamp, "lastBackup")
    if completed_at is None and word in COMPLETED:
        completed_at = started_at  # it was no earlier than that
    return JobRow(
        job_id=job_id,
        name=fields.read(text, "name") or job_id[:8],
        job_type=job_type,
        organization=_reference(fields, "organizationId"),
        source_job=fields.read(identifier, "backupJobId") if job_type == "copy" else None,
        status=word,
        enabled=fields.read(flag, "isEnabled"),
        started_at=started_at,
        completed_at=completed_at,
        next_run_at=fields.read(timestamp, "nextRun"),
        schedule=_schedule(fields, job_type),
        backup_type=_backup_type(fields),
    )


def completed(row: JobRow, copied: JobRow | None) -> JobRow:
    """Return a copy job with what it has from the job that it copies: its organization, and when there is work."""
    if copied is None:
        return row
    schedule = row.schedule
    if schedule == FOLLOWS and copied.schedule is not None and copied.enabled is not False:
        schedule = replace(copied.schedule, words=FOLLOWS.words, retries=0)
    return replace(row, organization=row.organization or copied.organization, schedule=schedule)


def _schedule(fields: Fields, job_type: str) -> Schedule | None:
    raw = fields.raw("schedulePolicy")
    if not isinstance(raw, Mapping):
        return None
    policy = Fields(raw, fields.observer)
    return backup_schedule(policy) if job_type == "backup" else copy_schedule(policy)


def _backup_type(fields: Fields) -> str | None:
    word = folded(fields.raw("backupType"))
    if word and word not in BACKUP_TYPE:
        fields.unknown("backupType")
    return BACKUP_TYPE.get(word)


def _reference(fields: Fields, name: str) -> str | None:
    """Return the id of another thing: the field itself, else the last part of the link to it."""
    found = fields.read(identifier, name)
    return found if found is not None else linked(fields, _LINKED[name])


def linked(fields: Fields, link: str) -> str | None:
    """Return the id at the end of one of a row's links; only that is believed of a link."""
    links = fields.raw("_links")
    target = links.get(link) if isinstance(links, Mapping) else None
    href = target.get("href") if isinstance(target, Mapping) else None
    if not isinstance(href, str):
        return None
    return fields.parsed(identifier, "_links", href.partition("?")[0].rstrip("/").rpartition("/")[2])


def sessions(rows: Iterable[Any], observer: FaultObserver) -> list[Session]:
    """Read sessions; one that names no job is of no use."""
    read = (_session(fields) for fields in objects(rows, observer, "sessions"))
    return [session for session in read if session is not None]


def _session(fields: Fields) -> Session | None:
    session_id = fields.read(identifier, "id", needed=True)
    job_id = _reference(fields, "jobId")
    if job_id is None:
        fields.observer.value_failed("jobId")
    if session_id is None or job_id is None:
        return None
    word, known = status(fields.raw("status"))
    if not known:
        fields.unknown("status")
    main_id = fields.read(identifier, "mainSessionId")
    raw = fields.raw("statistics")
    moved = Fields(raw if isinstance(raw, Mapping) else {}, fields.observer)
    return Session(
        session_id=session_id,
        job_id=job_id,
        main_id=None if main_id == session_id else main_id,
        status=word or "none",
        created_at=fields.read(timestamp, "creationTime"),
        ended_at=fields.read(timestamp, "endTime"),
        retry=fields.read(count, "retryCount") or 0,
        will_be_retried=fields.read(flag, "jobWillBeRetried"),
        transferred_bytes=moved.read(count, "transferredDataBytes"),
        objects=moved.read(count, "processedObjects"),
        bottleneck=_bottleneck(moved),
    )


def _bottleneck(moved: Fields) -> str | None:
    word = folded(moved.raw("bottleneck"))
    if word not in NO_BOTTLENECK and word not in BOTTLENECK:
        moved.unknown("bottleneck")
    return BOTTLENECK.get(word)


def items(rows: Iterable[Any], observer: FaultObserver) -> dict[str, int]:
    """Count the items that a job was told to back up, or to leave out, by type."""
    found: Counter[str] = Counter()
    for fields in objects(rows, observer, "items"):
        word = folded(fields.raw("type"))
        if word not in ITEM_TYPE:
            fields.unknown("items")
        found[ITEM_TYPE.get(word, "other")] += 1
    return dict(found)
