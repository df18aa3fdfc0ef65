"""The jobs of a tenant: how they are now, and how they went."""

from collections.abc import Iterator

from grafana.src import look
from grafana.src.page import Section
from grafana.src.panels import Panel, Query, Words, counts_panel, lines_panel, states_panel
from grafana.src.promql import (
    ALLOWED_AGE,
    BACKUPS,
    IN_TROUBLE,
    OF_JOB,
    OF_RUNS,
    OVERDUE,
    RECENT,
    age,
    grown,
    newest,
    series,
    total,
    until,
)
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel


def section(these: tuple[str, ...]) -> Section:
    """Return the panels about the jobs that the matchers choose."""
    return Section("Jobs", (_table(these), *_history(these)))


def _with_job_name(expression: str) -> str:
    """Give jobs without a name one, so that those of all vendors have the same labels and merge into one table."""
    return f'label_replace({expression}, "job_name", "-", "job_name", "")'


def _values(these: tuple[str, ...]) -> Iterator[Value]:
    job = "m365backup_job_"
    yield Value(expr=_with_job_name(newest(f"{job}last_status", (*OF_JOB, "status"), *these)))
    yield Value(
        title="Last success",
        expr=_with_job_name(age(f"{job}last_success_timestamp_seconds", OF_JOB, *these)),
        unit=look.SECONDS,
        steps=look.BACKUP_AGE,
    )
    yield Value(title="Allowed age", expr=_with_job_name(newest(ALLOWED_AGE, OF_JOB, *these)), unit=look.SECONDS)
    yield Value(
        title="Overdue by",
        expr=_with_job_name(newest(OVERDUE, OF_JOB, *these)),
        unit=look.SECONDS,
        steps=look.OVERDUE_BY,
    )
    yield Value(
        title="Last duration",
        expr=_with_job_name(newest(f"{job}last_duration_seconds", OF_JOB, *these)),
        unit=look.SECONDS,
    )
    yield Value(title="Last size", expr=_with_job_name(newest(f"{job}last_bytes", OF_JOB, *these)), unit=look.BYTES)
    yield Value(
        title="Next run in",
        expr=_with_job_name(until(f"{job}next_run_timestamp_seconds", OF_JOB, *these)),
        unit=look.SECONDS,
        may_be_empty="only Veeam says when a job runs next",
    )


def _table(these: tuple[str, ...]) -> Panel:
    labels = (
        Label(name="product", title="Product"),
        Label(name="workload", title="Workload"),
        Label(name="job_type", title="Type", width=90),
        Label(name="job_name", title="Job"),
        SOURCE_COLUMN,
        Label(name="status", title="Status", mapped=look.STATUS, width=120),
        Label(name="tenant"),
    )
    words = Words(
        "Jobs",
        "Every job, the most overdue first. Allowed age: how old the last completed run may become. Overdue by:"
        " negative while there is time, empty for jobs that need not run.",
    )
    return table_panel(words, labels, tuple(_values(these)), sort="Overdue by")


def _history(these: tuple[str, ...]) -> Iterator[Panel]:
    yield states_panel(
        Words("How backups ended", "The last result of each backup and copy over the shown time."),
        Query(_state(these), "{{source}} {{workload}} {{job_name}}"),
        look.STATE,
    )
    yield counts_panel(
        Words("Ended runs", "Runs that were seen to end, by result; an hour a bar at least."),
        Query(total(_runs(these, "successes", RECENT)), "success", colour=look.GREEN),
        Query(total(_runs(these, "warnings", RECENT)), "warning", colour=look.YELLOW),
        Query(total(_runs(these, "failures", RECENT)), "failed", colour=look.RED),
    )
    yield counts_panel(
        Words("Backed up", "Bytes of the runs that were seen to end, by workload."),
        Query(total(_runs(these, "bytes", RECENT), "workload"), "{{workload}}"),
        unit=look.BYTES,
    )
    yield lines_panel(
        Words("Duration of the last run", "How long the newest ended run of each backup and copy took."),
        Query(
            newest("m365backup_job_last_duration_seconds", ("source", "workload", "job_name"), *these, BACKUPS),
            "{{source}} {{workload}} {{job_name}}",
        ),
        unit=look.SECONDS,
    )
    objects = grown("m365backup_job_objects_total", (*OF_RUNS, "outcome"), RECENT, *these, 'outcome!="successful"')
    yield counts_panel(
        Words(
            "Objects that were not backed up", "Objects of the ended runs that failed, were skipped or had a warning."
        ),
        Query(total(objects, "outcome"), "{{outcome}}"),
    )


def _runs(these: tuple[str, ...], result: str, over: str) -> str:
    return grown(f"m365backup_job_{result}_total", OF_RUNS, over, *these)


def _state(these: tuple[str, ...]) -> str:
    """Return each backup's last status as a number of `look.STATE`."""
    status, backups = "m365backup_job_last_status", (*these, BACKUPS)
    failed, any_other = series(status, *backups, IN_TROUBLE), series(status, *backups)
    warned, done = series(status, *backups, 'status="warning"'), series(status, *backups, 'status="success"')
    return f"max by (source, workload, job_name) (3 * {failed} or 2 * {warned} or 0 * {done} or {any_other})"
