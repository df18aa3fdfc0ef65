"""Job rows: the latest run of each job, or the placeholder that stands for none (reference 5.3)."""

from typing import Any

from exporter.simulator.elements.codes import STATUSES, job_module, job_type
from exporter.simulator.elements.texts import NOT_APPLICABLE, elapsed, gigabytes, instant
from exporter.simulator.era import HOUR, Era
from exporter.simulator.jobs import Job, Run

Row = dict[str, Any]

GB = 1_000_000_000
"""Bytes in a GB here; which base the real API uses is unknown (reference 3.4)."""

SYNC_HOURS = 1.0
"""How often Elements copies the rows of a product; the rows of a product share this time."""

COUNTS = ("totalCount", "failedCount", "successfulCount", "skippedCount", "warningCount")


def v3_job(job: Job, now: float, era: Era) -> Row:
    """Return the row of *job* at *now* in v3's form."""
    run = _newest(job, now)
    return {
        "jobType": job_type(job.workload).number,
        "jobModule": job_module(job.workload).number,
        "status": STATUSES[job.status_with(run, now)].number,
        **_facts(job, run, now, era),
    }


def v1_job(job: Job, now: float, era: Era) -> Row:
    """Return the same in v1's words; whether counts are numbers and success is Finished, each row decides."""
    run = _newest(job, now)
    status = job.status_with(run, now)
    word = STATUSES[status].word
    if status == "success" and job.lot.chance(0.3, "v1 finished"):
        word = "Finished"
    row = {
        "jobType": job_type(job.workload).word,
        "jobModule": job_module(job.workload).word,
        "status": word,
        **_facts(job, run, now, era),
    }
    if job.kind != "scan" and job.lot.chance(0.5, "v1 numbers"):
        row |= {name: int(row[name]) for name in COUNTS}
    return pascal(row) if job.lot.chance(0.3, "v1 pascal") else row


def pascal(row: Row) -> Row:
    """Return *row* with the capital initials of v1's path tables, which forget expirationDate."""
    return {key if key == "expirationDate" else key[0].upper() + key[1:]: row[key] for key in row}


def _newest(job: Job, now: float) -> Run | None:
    """Return the newest run; the row of a job that is switched off tells of none."""
    return None if job.switched_off(now) else job.latest_run(now)


def _facts(job: Job, run: Run | None, now: float, era: Era) -> Row:
    if run is not None:
        return _run(job, run, now, era)
    known = job.kind != "scan"
    unknown_sync = job.status_with(None, now) == "not_started" or not known
    return {
        "jobId": NOT_APPLICABLE,
        "name": job.name or NOT_APPLICABLE,
        **dict.fromkeys(COUNTS, "0" if known else NOT_APPLICABLE),
        "backupSize": "0 GB" if known else NOT_APPLICABLE,
        "startTime": NOT_APPLICABLE,
        "endTime": NOT_APPLICABLE,
        "jobDuration": NOT_APPLICABLE,
        "lastModifyTime": NOT_APPLICABLE if unknown_sync else instant(_synced(job, now, era)),
    }


def _run(job: Job, run: Run, now: float, era: Era) -> Row:
    ended = run.end <= now
    objects = run.objects
    return {
        "jobId": run.id,
        "name": job.name or NOT_APPLICABLE,
        "totalCount": str(objects.total) if ended else "0",
        "failedCount": str(objects.failed) if ended else "0",
        "successfulCount": str(objects.success) if ended else "0",
        "skippedCount": str(objects.skipped) if ended else "0",
        "warningCount": str(objects.warning) if ended else "0",
        "backupSize": gigabytes(run.bytes / GB) if ended else "0 GB",
        "startTime": instant(run.start),
        "endTime": instant(run.end) if ended else NOT_APPLICABLE,
        "jobDuration": elapsed(int(run.end - run.start)) if ended else NOT_APPLICABLE,
        # A row shows its news at once, so it was copied when they came, if not with its product since.
        "lastModifyTime": instant(max(_synced(job, now, era), run.end if ended else run.start)),
    }


def _synced(job: Job, now: float, era: Era) -> float:
    period = era.seconds(SYNC_HOURS * HOUR)
    return now - (now + job_type(job.workload).number * period / 20) % period
