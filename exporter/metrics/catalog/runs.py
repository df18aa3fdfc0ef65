"""Runs: what the ledger counted of them."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, counter, gauge, summary
from exporter.records import JobErrors, JobTally

TALLY: Final[Labels[JobTally]] = {
    "tenant": lambda tally: tally.tenant,
    "product": lambda tally: tally.product,
    "workload": lambda tally: tally.workload,
    "job_type": lambda tally: tally.job_type,
}
ERRORS: Final[Labels[JobErrors]] = {
    "tenant": lambda errors: errors.tenant,
    "code": lambda errors: errors.code,
}

LOWER_BOUND: Final = (
    "Elements shows only the latest job of a module: a run that another replaced between two polls was never"
    " shown, so its count is a lower bound."
)

FAMILIES: Final[tuple[Family[Any], ...]] = (
    counter(
        "job_runs_total",
        f"Runs seen ended, whatever the result, skipped, canceled and stopped ones included. {LOWER_BOUND} {CACHED}"
        " (Elements: status, jobId; Cloud Backup: state, id; Veeam: status, id of JobSessions, a retry chain counting"
        " as one run)",
        JobTally,
        TALLY,
        lambda tally: tally.runs,
    ),
    counter(
        "job_successes_total",
        f"Runs seen ended with status success. {CACHED} (Elements: status 2 Finished; Cloud Backup: state Finished;"
        " Veeam: status Success)",
        JobTally,
        TALLY,
        lambda tally: tally.successes,
    ),
    counter(
        "job_failures_total",
        f"Runs seen ended as failed, failed_to_start or rejected. {CACHED} (Elements: status 3, 7, 9; Cloud"
        " Backup: state Failed; Veeam: status Failed of the last attempt)",
        JobTally,
        TALLY,
        lambda tally: tally.failures,
    ),
    counter(
        "job_warnings_total",
        "Runs seen ended with a warning: finished, but some objects were not backed up."
        f" {CACHED} (Elements: status 4 Finished with exception; Cloud Backup: also Partially Finished;"
        " Veeam: status Warning)",
        JobTally,
        TALLY,
        lambda tally: tally.warnings,
    ),
    counter(
        "job_runs_unobserved_total",
        "Runs seen in progress whose end was never shown: a newer run had taken their place, or they were not shown for"
        " two days."
        f" {CACHED} (Elements: jobId; Cloud Backup, Veeam: id)",
        JobTally,
        TALLY,
        lambda tally: tally.unobserved,
    ),
    counter(
        "job_retries_total",
        "Attempts beyond the first of the runs seen ended; absent where the vendor does not try again by itself. A run"
        f" that succeeds in the end may have failed before. {CACHED} (Veeam: mainSessionId, retryCount)",
        JobTally,
        TALLY,
        lambda tally: tally.retries,
    ),
    by(
        "outcome",
        "job_objects_total",
        f"Objects of the runs seen ended, by what became of them; with Veeam over all attempts. {CACHED}"
        " (Elements: successfulCount, failedCount, skippedCount, warningCount; Cloud Backup: backupDetails; Veeam:"
        " statistics.processedObjects, counted as successful)",
        JobTally,
        TALLY,
        lambda tally: tally.objects,
        kind="counter",
    ),
    counter(
        "job_bytes_total",
        "Bytes of the runs seen ended, as far as known: with Elements in steps of 0.01 GB, with Veeam before"
        f" compression and deduplication and over all attempts. {CACHED} (Elements: backupSize; Veeam:"
        " statistics.transferredDataBytes)",
        JobTally,
        TALLY,
        lambda tally: tally.size_bytes,
    ),
    summary(
        "job_duration_seconds",
        "Duration of the runs seen ended with success, warning or failed; with Veeam of a retry chain from its first"
        f" start to its last end. {CACHED} (Elements: endTime minus startTime, else jobDuration; Cloud Backup:"
        " finishTime minus startTime, else duration; Veeam: endTime minus creationTime)",
        JobTally,
        TALLY,
        lambda tally: tally.duration_seconds_sum,
        lambda tally: tally.duration_count,
    ),
    counter(
        "job_errors_total",
        "Errors of the runs seen ended, by code: 20 codes a tenant. Messages, which may name people, and further codes"
        f" count as other. {CACHED} (Cloud Backup: jobErrors, isErrorCode, value, number)",
        JobErrors,
        ERRORS,
        lambda errors: errors.errors,
    ),
    gauge(
        "jobs_in_progress",
        "Jobs whose latest run is under way, queued, or waiting for its next attempt."
        f" {CACHED} (Elements: status 1 Running, 6 Pending; Cloud Backup: state In Progress; Veeam: status Running,"
        " Queued, jobWillBeRetried)",
        JobTally,
        TALLY,
        lambda tally: tally.in_progress,
    ),
)
