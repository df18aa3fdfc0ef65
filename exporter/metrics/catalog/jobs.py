"""Jobs: what the ledger counted, what it remembers, what the vendor shows now."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, counter, gauge, summary
from exporter.records import AbandonedJobs, JobErrors, JobHistory, JobSchedule, JobTally

TALLY: Final[Labels[JobTally]] = {
    "tenant": lambda tally: tally.tenant,
    "product": lambda tally: tally.product,
    "workload": lambda tally: tally.workload,
    "job_type": lambda tally: tally.job_type,
}
JOB: Final[Labels[JobHistory]] = {
    "tenant": lambda history: history.tenant,
    "product": lambda history: history.job.product,
    "workload": lambda history: history.job.workload,
    "job_type": lambda history: history.job.job_type,
    "job_name": lambda history: history.job.name,
}
SCHEDULE: Final[Labels[JobSchedule]] = {
    "tenant": lambda schedule: schedule.tenant,
    "product": lambda schedule: schedule.job.product,
    "workload": lambda schedule: schedule.job.workload,
    "job_type": lambda schedule: schedule.job.job_type,
    "job_name": lambda schedule: schedule.job.name,
}
ERRORS: Final[Labels[JobErrors]] = {
    "tenant": lambda errors: errors.tenant,
    "code": lambda errors: errors.code,
}
ABANDONED: Final[Labels[AbandonedJobs]] = {
    "tenant": lambda abandoned: abandoned.tenant,
    "product": lambda abandoned: abandoned.product,
}

LOWER_BOUND: Final = (
    "Elements shows only the latest job of a module: a run that another replaced between two polls was never"
    " shown, so its count is a lower bound."
)

FAMILIES: Final[tuple[Family[Any], ...]] = (
    counter(
        "job_runs_total",
        f"Runs seen ended, whatever the result, skipped, canceled and stopped ones included. {LOWER_BOUND} {CACHED}"
        " (Elements: status, jobId; Cloud Backup: state, id)",
        JobTally,
        TALLY,
        lambda tally: tally.runs,
    ),
    counter(
        "job_successes_total",
        f"Runs seen ended with status success. {CACHED} (Elements: status 2 Finished; Cloud Backup: state Finished)",
        JobTally,
        TALLY,
        lambda tally: tally.successes,
    ),
    counter(
        "job_failures_total",
        f"Runs seen ended as failed, failed_to_start or rejected. {CACHED} (Elements: status 3, 7, 9; Cloud"
        " Backup: state Failed)",
        JobTally,
        TALLY,
        lambda tally: tally.failures,
    ),
    counter(
        "job_warnings_total",
        "Runs seen ended with a warning: finished, but some objects were not backed up."
        f" {CACHED} (Elements: status 4 Finished with exception; Cloud Backup: also Partially Finished)",
        JobTally,
        TALLY,
        lambda tally: tally.warnings,
    ),
    counter(
        "job_runs_unobserved_total",
        "Runs seen in progress whose end was never shown, because a newer run had taken their place."
        f" {CACHED} (Elements: jobId)",
        JobTally,
        TALLY,
        lambda tally: tally.unobserved,
    ),
    by(
        "outcome",
        "job_objects_total",
        f"Objects of the runs seen ended, by what became of them. {CACHED}"
        " (Elements: successfulCount, failedCount, skippedCount, warningCount; Cloud Backup: backupDetails)",
        JobTally,
        TALLY,
        lambda tally: tally.objects,
        kind="counter",
    ),
    counter(
        "job_bytes_total",
        f"Bytes of the runs seen ended, as far as known, in steps of 0.01 GB. {CACHED} (Elements: backupSize)",
        JobTally,
        TALLY,
        lambda tally: tally.size_bytes,
    ),
    summary(
        "job_duration_seconds",
        f"Duration of the runs seen ended with success, warning or failed. {CACHED}"
        " (Elements: endTime minus startTime, else jobDuration)",
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
        f"Jobs whose latest run is under way or queued. {CACHED} (Elements: status 1 Running, 6 Pending;"
        " Cloud Backup: state In Progress)",
        JobTally,
        TALLY,
        lambda tally: tally.in_progress,
    ),
    by(
        "status",
        "job_last_status",
        "1 for the job's present status; running and queued do not hide how the last run ended."
        f" {CACHED} (Elements: status)",
        JobHistory,
        JOB,
        lambda history: {history.status: 1.0} if history.status else None,
    ),
    gauge(
        "job_first_seen_timestamp_seconds",
        "When the exporter first saw this job, so that one that never succeeded can be alerted on."
        " Remembered by the exporter's ledger.",
        JobHistory,
        JOB,
        lambda history: history.first_seen_at,
        kept=True,
    ),
    gauge(
        "job_overdue_after_seconds",
        "Allowed age of the last completed run: the operator's override, else twice the longest gap of a known"
        " schedule, and 26 hours at least. Absent for disabled jobs and those without a run in 30 days (see"
        " jobs_abandoned).",
        JobHistory,
        JOB,
        lambda history: history.overdue_after_seconds,
        kept=True,
    ),
    gauge(
        "job_expected_interval_seconds",
        f"How often the job is meant to run, on average. {CACHED} (Cloud Backup v2: frequency)",
        JobSchedule,
        SCHEDULE,
        lambda schedule: schedule.interval_seconds,
    ),
    gauge(
        "jobs_abandoned",
        "Jobs whose newest run is older than 30 days; a vendor keeps showing such rows for years."
        " Remembered by the exporter's ledger.",
        AbandonedJobs,
        ABANDONED,
        lambda abandoned: abandoned.jobs,
        kept=True,
    ),
    gauge(
        "job_last_start_timestamp_seconds",
        f"When the newest known run of the job started. {CACHED} (Elements, Cloud Backup: startTime)",
        JobHistory,
        JOB,
        lambda history: history.started_at,
        kept=True,
    ),
    gauge(
        "job_last_end_timestamp_seconds",
        f"When the newest ended run of the job ended, whatever the result. {CACHED} (Elements: endTime; Cloud"
        " Backup: finishTime)",
        JobHistory,
        JOB,
        lambda history: history.ended_at,
        kept=True,
    ),
    gauge(
        "job_last_success_timestamp_seconds",
        "When the job last ended with success, remembered even where the vendor shows only a later failure."
        f" {CACHED} (Elements: endTime; Cloud Backup: finishTime)",
        JobHistory,
        JOB,
        lambda history: history.succeeded_at,
        kept=True,
    ),
    gauge(
        "job_last_completed_timestamp_seconds",
        "When the job last ended with success or warning, remembered even where the vendor shows only a later"
        f" failure. {CACHED} (Elements: endTime; Cloud Backup: finishTime)",
        JobHistory,
        JOB,
        lambda history: history.completed_at,
        kept=True,
    ),
    gauge(
        "job_last_duration_seconds",
        f"Duration of the newest ended run. {CACHED} (Elements: endTime minus startTime, else jobDuration)",
        JobHistory,
        JOB,
        lambda history: history.duration_seconds,
    ),
    gauge(
        "job_last_bytes",
        f"Bytes of the newest ended run, in steps of 0.01 GB. {CACHED} (Elements: backupSize)",
        JobHistory,
        JOB,
        lambda history: history.size_bytes,
    ),
    by(
        "outcome",
        "job_last_objects",
        f"Objects of the newest ended run, by what became of them. {CACHED}"
        " (Elements: successfulCount, failedCount, skippedCount, warningCount; Cloud Backup: backupDetails)",
        JobHistory,
        JOB,
        lambda history: history.objects,
    ),
)
