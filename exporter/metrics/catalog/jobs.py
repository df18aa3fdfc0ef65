"""Jobs: what is remembered of each, how it is set up, and what the vendor shows now."""

from collections.abc import Mapping
from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, by_both, gauge, info
from exporter.records import AbandonedJobs, JobHistory, JobSchedule, JobSettings

JOB: Final[Labels[Any]] = {
    "tenant": lambda record: record.tenant,
    "product": lambda record: record.job.product,
    "workload": lambda record: record.job.workload,
    "job_type": lambda record: record.job.job_type,
    "job_name": lambda record: record.job.name,
}
ABANDONED: Final[Labels[AbandonedJobs]] = {
    "tenant": lambda abandoned: abandoned.tenant,
    "product": lambda abandoned: abandoned.product,
}


def _items(settings: JobSettings) -> Mapping[tuple[str, str], float]:
    """Return how many items were chosen or left out, by type and selection."""
    return {
        **{(type_, "selected"): number for type_, number in settings.selected.items()},
        **{(type_, "excluded"): number for type_, number in settings.excluded.items()},
    }


FAMILIES: Final[tuple[Family[Any], ...]] = (
    by(
        "status",
        "job_last_status",
        "1 for the job's present status; running and queued do not hide how the last run ended."
        f" {CACHED} (Elements: status; Cloud Backup: state; Veeam: lastStatus, isEnabled)",
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
        " schedule, and 26 hours at least. Absent for disabled jobs, those that run only when somebody starts them, and"
        " those without a run in 30 days (see jobs_abandoned).",
        JobHistory,
        JOB,
        lambda history: history.overdue_after_seconds,
        kept=True,
    ),
    gauge(
        "job_expected_interval_seconds",
        "How often the job is meant to run, on average; absent where it runs only when somebody starts it."
        f" {CACHED} (Cloud Backup v2: frequency; Veeam: schedulePolicy)",
        JobSchedule,
        JOB,
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
        f"When the newest known run of the job started. {CACHED} (Elements, Cloud Backup: startTime; Veeam:"
        " creationTime, lastRun)",
        JobHistory,
        JOB,
        lambda history: history.started_at,
        kept=True,
    ),
    gauge(
        "job_last_end_timestamp_seconds",
        f"When the newest ended run of the job ended, whatever the result. {CACHED} (Elements, Veeam:"
        " endTime; Cloud Backup: finishTime)",
        JobHistory,
        JOB,
        lambda history: history.ended_at,
        kept=True,
    ),
    gauge(
        "job_last_success_timestamp_seconds",
        "When the job last ended with success, remembered even where the vendor shows only a later failure."
        f" {CACHED} (Elements, Veeam: endTime; Cloud Backup: finishTime)",
        JobHistory,
        JOB,
        lambda history: history.succeeded_at,
        kept=True,
    ),
    gauge(
        "job_last_completed_timestamp_seconds",
        "When the job last ended with success or warning, remembered even where the vendor shows only a later"
        f" failure. {CACHED} (Elements: endTime; Cloud Backup: finishTime; Veeam: endTime, lastBackup)",
        JobHistory,
        JOB,
        lambda history: history.completed_at,
        kept=True,
    ),
    gauge(
        "job_last_duration_seconds",
        "Duration of the newest ended run; with Veeam of a retry chain from its first start to its last end."
        f" {CACHED} (Elements: endTime minus startTime, else jobDuration; Cloud Backup: finishTime minus startTime,"
        " else duration; Veeam: endTime minus creationTime)",
        JobHistory,
        JOB,
        lambda history: history.duration_seconds,
    ),
    gauge(
        "job_last_bytes",
        "Bytes of the newest ended run: with Elements in steps of 0.01 GB, with Veeam before compression and"
        f" deduplication and over all attempts. {CACHED} (Elements: backupSize; Veeam:"
        " statistics.transferredDataBytes)",
        JobHistory,
        JOB,
        lambda history: history.size_bytes,
    ),
    by(
        "outcome",
        "job_last_objects",
        f"Objects of the newest ended run, by what became of them; with Veeam over all attempts. {CACHED}"
        " (Elements: successfulCount, failedCount, skippedCount, warningCount; Cloud Backup: backupDetails; Veeam:"
        " statistics.processedObjects, counted as successful)",
        JobHistory,
        JOB,
        lambda history: history.objects,
    ),
    gauge(
        "job_enabled",
        f"1 if the job is switched on. A job that is switched off neither runs nor fails. {CACHED} (Veeam: isEnabled)",
        JobSettings,
        JOB,
        lambda settings: settings.enabled,
    ),
    gauge(
        "job_next_run_timestamp_seconds",
        f"When the job is to run next; absent where nothing is planned. {CACHED} (Veeam: nextRun)",
        JobSettings,
        JOB,
        lambda settings: settings.next_run_at,
        kept=True,
    ),
    info(
        "job_info",
        "How the job is set up, and what slowed down its last run."
        f" {CACHED} (Veeam: schedulePolicy, backupType, statistics.bottleneck)",
        JobSettings,
        JOB,
        lambda settings: {
            "schedule": settings.schedule,
            "backup_type": settings.backup_type,
            "bottleneck": settings.bottleneck,
        },
        ("schedule", "backup_type", "bottleneck"),
    ),
    by_both(
        ("type", "selection"),
        "job_items",
        "Items that the job was told to back up (selected) or to leave out (excluded), by type: users, groups, sites,"
        " personal_sites, teams, organization, or other."
        f" {CACHED} (Veeam: type of SelectedItems, ExcludedItems)",
        JobSettings,
        JOB,
        _items,
    ),
)
