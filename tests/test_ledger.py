"""Counters: each run once, never back, visible to `increase()`."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import ABANDONED_AFTER, MOST_CODES, TenantLedger
from exporter.overdue import OVERDUE_AFTER
from exporter.plausible import DAY
from exporter.records import AbandonedJobs, Job, JobErrors, JobHistory, JobKey, JobTally, Record, Run

NOW = 1_772_400_000.0
BIRTH = 120.0
EXCHANGE = JobKey(product="Microsoft 365", workload="Exchange Online", job_type="backup")
TEAMS = JobKey(product="Microsoft 365", workload="Teams", job_type="backup")


def job(status: str = "success", key: JobKey = EXCHANGE, *, counts: bool = True) -> Job:
    """Return the present state of a job."""
    return Job(
        tenant="contoso",
        job=key,
        status=status,
        outcomes=("successful", "failed", "skipped", "warning") if counts else (),
        size_known=counts,
    )


def run(run_id: str, status: str = "success", *, at: float = NOW, key: JobKey = EXCHANGE, took: float = 60.0) -> Run:
    """Return a run that started at *at*."""
    over = status not in {"running", "queued"}
    return Run(
        tenant="contoso",
        run_id=run_id,
        job=key,
        status=status,
        started_at=at,
        ended_at=at + took if over else None,
        duration_seconds=took if over else None,
        objects={"successful": 8, "failed": 1, "skipped": 1, "warning": 0} if over else None,
        size_bytes=1000.0 if over else None,
    )


def tally(ledger: TenantLedger, now: float, key: JobKey = EXCHANGE) -> JobTally:
    """Return what is shown of a group at *now*."""
    facts, _ = ledger.facts("contoso", now, birth_delay=BIRTH)
    return next(fact for fact in facts if isinstance(fact, JobTally) and fact.workload == key.workload)


def history(ledger: TenantLedger, now: float, key: JobKey = EXCHANGE) -> JobHistory:
    """Return what is shown of a job at *now*."""
    facts, _ = ledger.facts("contoso", now, birth_delay=BIRTH)
    return next(fact for fact in facts if isinstance(fact, JobHistory) and fact.job == key)


def grown_up(*answers: Iterable[Record]) -> TenantLedger:
    """Return a ledger that took the answers an hour apart, the first long ago."""
    ledger = TenantLedger()
    for number, answer in enumerate(answers):
        ledger.observe(answer, NOW - DAY + 3600 * number)
    return ledger


def test_first_sight_counts_nothing() -> None:
    """A run that had ended when its tenant was first seen is remembered, not counted."""
    ledger = grown_up([job("failed"), run("a", "failed", at=NOW - 2 * DAY)])

    assert tally(ledger, NOW).failures == 0
    assert history(ledger, NOW).ended_at == NOW - 2 * DAY + 60


def test_first_failure_is_an_increase() -> None:
    """A known tenant's counters stand at 0 before its first failure makes them 1."""
    ledger = grown_up([job(), run("a")])
    before = tally(ledger, NOW)

    ledger.observe([job("failed"), run("b", "failed", at=NOW + 10)], NOW + 100)

    assert (before.runs, before.failures) == (0, 0)
    after = tally(ledger, NOW + 100)
    assert (after.runs, after.failures, after.successes, after.warnings) == (1, 1, 0, 0)
    assert after.objects == {"successful": 8, "failed": 1, "skipped": 1, "warning": 0}
    assert after.size_bytes == 1000.0
    assert (after.duration_seconds_sum, after.duration_count) == (60.0, 1)


def test_new_workload_is_born_at_zero() -> None:
    """A workload that appears with an ended run shows 0 for the birth delay, then 1."""
    ledger = grown_up([job()])

    ledger.observe([job(), job("failed", TEAMS), run("t", "failed", key=TEAMS)], NOW)

    assert tally(ledger, NOW, TEAMS).failures == 0
    assert tally(ledger, NOW, TEAMS).objects == {"successful": 0, "failed": 0, "skipped": 0, "warning": 0}
    assert tally(ledger, NOW + BIRTH, TEAMS).failures == 1


def test_ledger_says_when_it_would_say_something_else() -> None:
    """The end of a birth delay is announced, so that somebody renders again then."""
    ledger = TenantLedger()

    ledger.observe([job()], NOW)

    assert ledger.facts("contoso", NOW, birth_delay=BIRTH)[1] == NOW + BIRTH


def test_objects_are_born_with_the_first_count() -> None:
    """A job without counts has no object series; the first run with counts brings them, from 0."""
    ledger = grown_up([job(counts=False)])
    assert tally(ledger, NOW).objects is None

    ledger.observe([job(counts=False), run("a")], NOW)

    assert tally(ledger, NOW).objects == {"successful": 0, "failed": 0, "skipped": 0, "warning": 0}
    assert tally(ledger, NOW + BIRTH).objects == {"successful": 8, "failed": 1, "skipped": 1, "warning": 0}
    assert tally(ledger, NOW + BIRTH).runs == 1


def test_disabled_jobs_have_no_counters() -> None:
    """A disabled row makes no series at 0 and is never overdue."""
    ledger = grown_up([job("disabled")])

    facts, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH)

    assert not [fact for fact in facts if isinstance(fact, JobTally)]
    assert history(ledger, NOW).overdue_after_seconds is None


def test_repeated_answers_count_once() -> None:
    """The same ended run in a hundred answers is one run."""
    ledger = grown_up([job(), run("a")])

    for number in range(100):
        ledger.observe([job(), run("b", at=NOW)], NOW + 60 * number)

    assert tally(ledger, NOW + 7200).runs == 1


def test_run_under_way_counts_when_it_ends() -> None:
    """A run seen in progress at first sight counts when it is seen ended."""
    ledger = grown_up([job("running"), run("a", "running")])
    assert tally(ledger, NOW).in_progress == 1

    ledger.observe([job(), run("a")], NOW)

    assert (tally(ledger, NOW).runs, tally(ledger, NOW).in_progress) == (1, 0)


def test_lost_end_is_unobserved() -> None:
    """A run under way that a newer one replaced counts as unobserved, once."""
    ledger = grown_up([job("running"), run("a", "running", at=NOW - DAY)])

    ledger.observe([job("running"), run("b", "running", at=NOW)], NOW)
    ledger.observe([job("running"), run("b", "running", at=NOW)], NOW + 60)

    assert (tally(ledger, NOW).unobserved, tally(ledger, NOW).runs) == (1, 0)


def test_late_answer_replaces_nothing() -> None:
    """An answer older than the last one does not make the newer run unobserved."""
    ledger = grown_up([job("running"), run("b", "running", at=NOW - 3600)])

    ledger.observe([job(), run("a", at=NOW - 7200)], NOW)
    ledger.observe([job(), run("b", at=NOW - 3600)], NOW + 60)

    assert (tally(ledger, NOW).unobserved, tally(ledger, NOW).runs) == (0, 2)
    assert history(ledger, NOW).ended_at == NOW - 3600 + 60


def test_lost_run_that_returns_ended_counts() -> None:
    """A run given up as unobserved counts if its end is shown after all; nothing ever falls."""
    ledger = grown_up([job("running"), run("a", "running", at=NOW - 7200)])
    ledger.observe([job("running"), run("b", "running", at=NOW)], NOW)

    ledger.observe([job("running"), run("a", "running", at=NOW - 7200)], NOW + 60)
    ledger.observe([job(), run("a", at=NOW - 7200)], NOW + 120)

    assert (tally(ledger, NOW).unobserved, tally(ledger, NOW).runs) == (1, 1)


def test_runs_without_a_start_count() -> None:
    """A run that failed before it could start, with an id and no time, counts once."""
    ledger = grown_up([job()])
    undated = Run(tenant="contoso", run_id="a", job=EXCHANGE, status="failed_to_start")

    ledger.observe([job("failed_to_start"), undated], NOW)
    ledger.observe([job("failed_to_start"), replace(undated)], NOW + 60)

    assert tally(ledger, NOW).failures == 1


def test_queued_is_in_progress() -> None:
    """A job that waits in the queue counts as in progress: its status is hidden by the last result."""
    ledger = grown_up([job(), run("a", at=NOW - 2 * DAY)])

    ledger.observe([job("queued"), run("b", "queued", at=NOW)], NOW)

    assert tally(ledger, NOW).in_progress == 1
    assert history(ledger, NOW).status == "success"


def test_times_far_ahead_are_not_believed() -> None:
    """A time of the year 2099 is left out, or no later run could ever move it."""
    ledger = grown_up([job()])
    ahead = replace(run("a"), started_at=4e9, ended_at=4e9 + 60)

    ledger.observe([job(), ahead], NOW)
    ledger.observe([job(), run("b", at=NOW)], NOW + 120)

    assert history(ledger, NOW).succeeded_at == NOW + 60
    assert history(ledger, NOW).started_at == NOW
    assert tally(ledger, NOW).runs == 2


def test_success_without_an_end() -> None:
    """A success whose end the vendor does not give is remembered by its start, which it was no earlier than."""
    ledger = grown_up([job()])

    ledger.observe([job(), replace(run("a"), ended_at=None, duration_seconds=None)], NOW)

    assert history(ledger, NOW).succeeded_at == NOW
    assert history(ledger, NOW).ended_at is None


def test_runs_of_forgotten_jobs_go_too() -> None:
    """Jobs whose names come and go, such as virtual machines, leave no runs behind for ever."""
    ledger = grown_up([job()])
    for day in range(120):
        key = JobKey(product="IaaS + PaaS", workload="Disk", job_type="backup", name=f"disk {day}")
        ledger.observe([job(key=key), run(f"r{day}", key=key, at=NOW + day * DAY)], NOW + day * DAY + 60)

    assert len(ledger.jobs) < 40
    assert len(ledger.runs) < 200


def test_last_success_survives_a_failure() -> None:
    """After a failure the last success and the last completion are still known."""
    ledger = grown_up([job(), run("a", at=NOW - 3 * DAY)], [job("warning"), run("b", "warning", at=NOW - 2 * DAY)])

    ledger.observe([job("failed"), run("c", "failed", at=NOW - DAY)], NOW)

    shown = history(ledger, NOW)
    assert shown.succeeded_at == NOW - 3 * DAY + 60
    assert shown.completed_at == NOW - 2 * DAY + 60
    assert shown.ended_at == NOW - DAY + 60
    assert shown.status == "failed"


def test_running_does_not_hide_the_last_result() -> None:
    """While a job runs, its last status is that of the last ended run; one that never ended says running."""
    ledger = grown_up([job("failed"), run("a", "failed"), job("running", TEAMS), run("t", "running", key=TEAMS)])

    ledger.observe([job("running"), run("b", "running", at=NOW), job("running", TEAMS)], NOW)

    assert history(ledger, NOW).status == "failed"
    assert history(ledger, NOW, TEAMS).status == "running"


def test_placeholder_is_no_run() -> None:
    """A row that says Finished without a run counts nothing and is no success."""
    ledger = grown_up([job("success")], [job("success")])

    assert tally(ledger, NOW).runs == 0
    assert history(ledger, NOW).status == "success"
    assert history(ledger, NOW).succeeded_at is None
    assert history(ledger, NOW).overdue_after_seconds is None


def test_failed_to_start_is_a_failure_without_duration() -> None:
    """failed_to_start and rejected are failures but say nothing about durations."""
    ledger = grown_up([job()])

    ledger.observe([job("failed_to_start"), run("a", "failed_to_start"), run("b", "rejected", at=NOW + 1)], NOW)

    shown = tally(ledger, NOW)
    assert (shown.runs, shown.failures, shown.duration_count) == (2, 2, 0)


def test_skipped_runs_are_neither() -> None:
    """Skipped, canceled and stopped runs count as runs only."""
    ledger = grown_up([job()])

    ledger.observe(
        [job(), *(run(status, status, at=NOW + n) for n, status in enumerate(("skipped", "canceled", "stopped")))], NOW
    )

    shown = tally(ledger, NOW)
    assert (shown.runs, shown.successes, shown.failures, shown.warnings) == (3, 0, 0, 0)


def test_overdue_and_abandoned() -> None:
    """A job is overdue by the default or the override until it has not run for 30 days; then it is abandoned."""
    ledger = grown_up([job(), run("a", at=NOW)])
    later = NOW + ABANDONED_AFTER + 2

    assert history(ledger, NOW).overdue_after_seconds == OVERDUE_AFTER
    facts, changes_at = ledger.facts("contoso", NOW, overdue_after=3600.0, birth_delay=BIRTH)
    assert {fact.overdue_after_seconds for fact in facts if isinstance(fact, JobHistory)} == {3600.0}
    assert changes_at == NOW + ABANDONED_AFTER + 1
    assert history(ledger, later).overdue_after_seconds is None
    facts, _ = ledger.facts("contoso", later, birth_delay=BIRTH)
    assert AbandonedJobs(tenant="contoso", product="Microsoft 365", jobs=1) in facts


def test_job_waiting_for_its_first_run_can_be_overdue() -> None:
    """A job that is queued but never ran can be alerted on; one that rests by its status cannot."""
    ledger = grown_up([job("queued"), job("not_started", TEAMS)])

    assert history(ledger, NOW).overdue_after_seconds == OVERDUE_AFTER
    assert history(ledger, NOW, TEAMS).overdue_after_seconds is None


def test_only_backups_are_expected_daily() -> None:
    """A retention job or a scan is overdue only by an override: nothing says how often it should run."""
    retention = JobKey(product="Microsoft 365", workload="Retention", job_type="retention")
    ledger = grown_up([job("success", retention), run("a", key=retention)])

    facts, _ = ledger.facts("contoso", NOW, overdue_after=3600.0, birth_delay=BIRTH)

    assert history(ledger, NOW, retention).overdue_after_seconds is None
    assert [fact.overdue_after_seconds for fact in facts if isinstance(fact, JobHistory)] == [3600.0]


def test_vanished_job_keeps_its_times() -> None:
    """A job that is no longer shown keeps its times and its allowed age, but no present state, for 30 days."""
    ledger = grown_up([job(), job("success", TEAMS), run("t", key=TEAMS, at=NOW - DAY)])

    ledger.observe([job()], NOW)

    shown = history(ledger, NOW, TEAMS)
    assert (shown.status, shown.duration_seconds, shown.size_bytes, shown.objects) == (None, None, None, None)
    assert shown.succeeded_at == NOW - DAY + 60
    assert shown.overdue_after_seconds == OVERDUE_AFTER
    ledger.observe([job()], NOW + ABANDONED_AFTER + 1)
    assert TEAMS not in ledger.jobs


def test_unchanged_facts_are_the_same_objects() -> None:
    """What an answer does not change comes as the very same record, which need not be rendered again."""
    answer = [job(), run("a"), job("success", TEAMS), run("t", key=TEAMS)]
    ledger = grown_up(answer)
    before, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH)

    ledger.observe([*answer[:2], answer[2], run("u", key=TEAMS, at=NOW + 1)], NOW)
    after, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH)

    same = [fact for fact in after if any(fact is other for other in before)]
    assert {type(fact) for fact in same} == {JobTally, JobHistory}
    assert len(same) == 2


def test_memory_of_runs_is_bounded() -> None:
    """A year of hourly runs leaves a few in memory, and none of the forgotten ones counts again."""
    ledger = grown_up([job()])
    hours = 24 * 365
    for hour in range(hours):
        ledger.observe([job(), run(f"r{hour}", at=NOW + 3600 * hour)], NOW + 3600 * hour + 120)
    end = NOW + 3600 * hours

    ledger.observe([job(), run("r5", at=NOW + 3600 * 5)], end)

    assert tally(ledger, end).runs == hours
    assert len(ledger.runs) < 100


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from(["success", "failed", "warning"])), max_size=60
    ),
    st.lists(st.integers(0, 3), max_size=60),
)
def test_counts_equal_what_was_shown_ended(steps: list[tuple[int, bool, str]], echoes: list[int]) -> None:
    """Whatever order and repetition answers come in, runs equal those ever shown ended, and nothing falls."""
    ledger = TenantLedger()
    ledger.observe([job()], NOW - DAY)
    answers: list[list[Record]] = []
    number = 0
    for advance, ended, status in steps:
        number += advance
        shown = run(f"r{number}", status if ended else "running", at=NOW + number)
        answers.append([job(shown.status), shown])
    for place, echo in enumerate(echoes):
        if answers:
            answers.insert(place % len(answers), answers[(place * 7 + echo) % len(answers)])
    seen: dict[str, str] = {}
    last = (0.0, 0.0, 0.0)

    for step, answer in enumerate(answers):
        ledger.observe([replace(record) for record in answer], NOW + step)
        shown_run = answer[1]
        assert isinstance(shown_run, Run)
        if shown_run.status != "running":
            seen.setdefault(shown_run.run_id, shown_run.status)
        now = tally(ledger, NOW + step)
        assert all(new >= old for new, old in zip((now.runs, now.failures, now.unobserved), last, strict=True))
        last = (now.runs, now.failures, now.unobserved)

    assert tally(ledger, NOW + 10_000).runs == len(seen)
    assert tally(ledger, NOW + 10_000).failures == sum(status == "failed" for status in seen.values())


@given(st.permutations([("a", "success"), ("b", "failed"), ("c", "warning"), ("d", "success")]))
def test_times_never_go_back(order: list[tuple[str, str]]) -> None:
    """In whatever order ended runs are shown, the last end, success and completion come out the same."""
    starts = {"a": NOW, "b": NOW + 100, "c": NOW + 200, "d": NOW - 100}
    ledger = grown_up([job()])

    for number, (run_id, status) in enumerate(order):
        ledger.observe([job(status), run(run_id, status, at=starts[run_id])], NOW + 1000 + number)

    shown = history(ledger, NOW + 2000)
    assert shown.ended_at == NOW + 260
    assert shown.succeeded_at == NOW + 60
    assert shown.completed_at == NOW + 260
    assert shown.started_at == NOW + 200


def failing(run_id: str, errors: dict[str, int] | None, *, at: float = NOW) -> Run:
    """Return a failed run with these errors."""
    return replace(run(run_id, "failed", at=at), errors=errors)


def errors_of(ledger: TenantLedger, now: float) -> dict[str, float]:
    """Return what is shown of errors by code."""
    facts, _ = ledger.facts("contoso", now, birth_delay=BIRTH)
    return {fact.code: fact.errors for fact in facts if isinstance(fact, JobErrors)}


def test_errors_count_with_their_run() -> None:
    """Errors add up by code, once with each run, from a 0 that is shown for the birth delay."""
    ledger = grown_up([job(), failing("a", {"CB-1": 9})])
    assert errors_of(ledger, NOW) == {}

    ledger.observe([job("failed"), failing("b", {"CB-1": 2, "other": 1})], NOW)
    ledger.observe([job("failed"), failing("b", {"CB-1": 2, "other": 1}), failing("c", None)], NOW + 60)
    assert errors_of(ledger, NOW + 60) == {"CB-1": 0, "other": 0}
    assert ledger.facts("contoso", NOW + 60, birth_delay=BIRTH)[1] == NOW + BIRTH
    changes = ledger.observe([job("failed"), failing("d", {"CB-1": 1}, at=NOW + 90)], NOW + 100)

    assert errors_of(ledger, NOW + BIRTH) == {"CB-1": 3, "other": 1}
    assert changes.errors == {"CB-1"}


def test_codes_are_bounded() -> None:
    """Of more codes than a tenant may have the first keep their own series, all later ones are `other`."""
    ledger = grown_up([job()])

    for number in range(3 * MOST_CODES):
        ledger.observe([failing(f"r{number}", {f"CB-{number}": 1, "CB-0": 1}, at=NOW + number)], NOW + number)
    shown = errors_of(ledger, NOW + DAY)

    assert len(shown) == MOST_CODES + 1
    assert shown["CB-0"] == 3 * MOST_CODES
    assert shown["other"] == 2 * MOST_CODES
    assert sum(shown.values()) == 6 * MOST_CODES - 1


def test_a_history_keeps_regular_jobs() -> None:
    """In a history a backup that did not run in the window has not gone: it keeps its status, what is done once not."""
    restore = JobKey(product="Microsoft 365", workload="Teams", job_type="restore")
    ledger = TenantLedger()
    ledger.observe(
        [job("failed"), run("a", "failed"), job("success", restore), run("r", key=restore)], NOW, history=True
    )

    changes = ledger.observe([], NOW + 3 * DAY, history=True)

    later = NOW + 3 * DAY
    assert (history(ledger, later).status, history(ledger, later, restore).status) == ("failed", None)
    assert history(ledger, later).overdue_after_seconds == OVERDUE_AFTER
    assert history(ledger, later, restore).succeeded_at == NOW + 60
    assert changes.jobs == {restore}


def test_without_a_history_what_is_not_shown_has_gone() -> None:
    """Where an answer tells how all jobs stand, one that is not in it has no present state."""
    ledger = TenantLedger()
    ledger.observe([job("failed"), run("a", "failed")], NOW)

    ledger.observe([], NOW + 60)

    assert history(ledger, NOW + 60).status is None


def test_runs_under_way_and_since_when() -> None:
    """The books say which runs have not ended, and when each began."""
    ledger = TenantLedger()
    assert ledger.under_way() == {}

    ledger.observe([run("a", "running", at=NOW), run("b", "running", at=NOW - DAY, key=TEAMS), run("c")], NOW + 60)
    assert ledger.under_way() == {"a": NOW, "b": NOW - DAY}
    ledger.observe([run("a", "running", at=NOW), run("b", at=NOW - DAY, key=TEAMS)], NOW + 120)
    assert ledger.under_way() == {"a": NOW}
    ledger.observe([run("a", at=NOW)], NOW + 180)
    assert ledger.under_way() == {}


def test_the_schedule_decides_what_is_overdue() -> None:
    """A job may be as old as twice the longest pause of its schedule, but never less than where none is known."""
    ledger = grown_up([job(), run("a"), job("success", TEAMS), run("t", key=TEAMS)])

    facts, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH, gaps={EXCHANGE: 6 * 3600.0, TEAMS: DAY})

    allowed = {fact.job: fact.overdue_after_seconds for fact in facts if isinstance(fact, JobHistory)}
    assert allowed == {EXCHANGE: OVERDUE_AFTER, TEAMS: 2 * DAY}


def test_a_run_that_is_never_shown_again() -> None:
    """A run under way that a history has not shown for days is lost: nothing asks for its time or calls it running."""
    ledger = TenantLedger()
    ledger.observe([job("running"), run("a", "running", at=NOW)], NOW, history=True)
    ledger.observe([], NOW + DAY, history=True)
    soon = tally(ledger, NOW + DAY).in_progress

    ledger.observe([], NOW + 3 * DAY, history=True)

    assert (soon, tally(ledger, NOW + 3 * DAY).in_progress) == (1, 0)
    assert ledger.under_way() == {}
    assert tally(ledger, NOW + 3 * DAY).unobserved == 1
    assert history(ledger, NOW + 3 * DAY).status == "none"


def test_what_the_vendor_says_of_a_run_it_does_not_show() -> None:
    """A job's own word on its last start and completion counts where it is newer, and never takes a time back."""
    ledger = TenantLedger()
    told = replace(job(), started_at=NOW - DAY, completed_at=NOW - DAY + 60)
    ledger.observe([told], NOW)

    assert history(ledger, NOW).started_at == NOW - DAY
    assert (history(ledger, NOW).completed_at, history(ledger, NOW).succeeded_at) == (NOW - DAY + 60, None)
    ledger.observe([run("a"), replace(told, started_at=NOW - 2 * DAY, completed_at=None)], NOW + 60)
    assert history(ledger, NOW + 60).started_at == NOW
    ahead = replace(told, started_at=NOW + 9 * DAY, completed_at=NOW + 9 * DAY)
    changes = ledger.observe([ahead], NOW + 120)
    assert history(ledger, NOW + 120).completed_at == NOW + 60
    assert changes.jobs == set()


def test_no_schedule_is_never_overdue() -> None:
    """A job that only somebody's hand starts has no allowed age, not even the operator's."""
    ledger = grown_up([job(), run("a")])

    facts, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH, overdue_after=60.0, gaps={EXCHANGE: 0.0})

    assert [fact.overdue_after_seconds for fact in facts if isinstance(fact, JobHistory)] == [None]


@pytest.mark.parametrize(("gap", "allowed"), [(DAY, 2 * DAY), (0.0, None)])
def test_a_job_that_never_ran(gap: float, allowed: float | None) -> None:
    """A job that has a schedule and never ran is to be missed; one without a schedule is not."""
    ledger = TenantLedger()
    ledger.observe([job("not_started")], NOW)

    facts, _ = ledger.facts("contoso", NOW, birth_delay=BIRTH, gaps={EXCHANGE: gap})

    (fact,) = (fact for fact in facts if isinstance(fact, JobHistory))
    assert (fact.overdue_after_seconds, fact.first_seen_at) == (allowed, NOW)


def test_retries_are_counted() -> None:
    """Attempts beyond the first add up, from 0 where a job is known to be tried again."""
    ledger = grown_up([replace(job(), retries_known=True)])
    before = tally(ledger, NOW).retries

    ledger.observe([replace(job(), retries_known=True), replace(run("a"), retries=2)], NOW + 60)

    assert (before, tally(ledger, NOW + 60).retries) == (0, 2)
