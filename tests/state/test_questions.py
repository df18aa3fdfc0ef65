"""Whom a question about all tenants was about, and how far back it must go."""

import pytest

from exporter.job_memory import JobMemory
from exporter.progress import Progress
from exporter.records import Job, JobKey, JobSchedule, Run
from exporter.state import tables
from exporter.state.questions import BELIEVED_LATE, Questions
from exporter.state.restoring import restored
from exporter.state.source import SourceState
from tests.state.remembering import NOW, Noting, memory

DAY = 86400.0
WEEK = 7 * DAY
KEY = JobKey("Microsoft 365", "all", "backup", "Weekly")


def polled(state: SourceState, *tenants: str, at: float = NOW) -> None:
    """Enter an answer about these tenants, who have one job each."""
    for tenant in tenants:
        state.enter_jobs(tenant, [Job(tenant=tenant, job=KEY, status="success")], at)
    state.fares("", "jobs", Progress(success=True, succeeded_at=at))


def test_nobody_has_asked() -> None:
    """Without a question to go by, as after a restart, an answer is about everybody."""
    assert Questions().were_about("contoso", "jobs")


def test_who_was_asked_about() -> None:
    """An answer is about those who were asked about; each collector has a question of its own."""
    questions = Questions()

    assert questions.asked("jobs", ["contoso"], NOW, newcomers=False) == NOW

    assert questions.were_about("contoso", "jobs")
    assert not questions.were_about("fabrikam", "jobs")
    assert questions.were_about("fabrikam", "license")


@pytest.mark.parametrize(("answered_at", "newcomers"), [(None, False), (None, True), (NOW, True)])
def test_wide_questions(answered_at: float | None, *, newcomers: bool) -> None:
    """The first question, and one for newcomers, goes back far enough for anybody new, not for who comes back."""
    questions = Questions()

    assert questions.asked("jobs", ["contoso"], answered_at, newcomers=newcomers) == answered_at

    assert questions.were_about("fabrikam", "jobs")
    questions.came_back("fabrikam", NOW - DAY)
    assert not questions.were_about("fabrikam", "jobs")


def test_those_who_come_back() -> None:
    """Questions go back to when the first of those left who are back, until an answer has told of each."""
    questions = Questions()
    questions.came_back("contoso", NOW - 2 * DAY)
    questions.came_back("fabrikam", NOW - DAY)

    since = []
    for tenant in ("contoso", "fabrikam", "nobody"):
        since.append(questions.asked("jobs", ["contoso", "fabrikam"], NOW, newcomers=False))
        questions.told_of(tenant)

    assert since == [NOW - 2 * DAY - BELIEVED_LATE, NOW - DAY - BELIEVED_LATE, NOW]


def test_a_tenant_that_leaves_and_returns() -> None:
    """The next question after a return goes back to when the tenant left, and the one after it does not."""
    state = memory()
    for tenant in ("contoso", "fabrikam"):
        state.resume(tenant)
    assert state.known("", "jobs").answered_at is None
    polled(state, "contoso", "fabrikam")
    state.leave("fabrikam", NOW + 60)
    polled(state, "contoso", at=NOW + DAY)
    assert state.known("", "jobs").answered_at == NOW + DAY

    state.resume("fabrikam")

    known = state.known("", "jobs")
    assert (known.answered_at, known.newcomers) == (NOW + 60 - BELIEVED_LATE, False)
    polled(state, "contoso", "fabrikam", at=NOW + DAY + 300)
    assert state.known("", "jobs").answered_at == NOW + DAY + 300


def test_a_tenant_that_left_before_it_was_told_of() -> None:
    """Who leaves before any answer about it, and returns, is a newcomer like any other."""
    state = memory()
    state.resume("contoso")
    polled(state, "contoso")
    state.resume("fabrikam")
    state.leave("fabrikam", NOW + 60)
    state.resume("fabrikam")

    known = state.known("", "jobs")

    assert (known.answered_at, known.newcomers) == (NOW, True)


def test_a_question_about_one_tenant() -> None:
    """A question about one tenant says nothing of whom the one about all is about."""
    state = memory()
    state.resume("contoso")
    polled(state, "contoso")
    state.known("", "jobs")

    state.known("fabrikam", "jobs")

    assert not state.questions.were_about("fabrikam", "jobs")


@pytest.mark.parametrize(("longest", "gap"), [(WEEK, WEEK), (None, 0.0)])
def test_schedules_are_written_down(longest: float | None, gap: float) -> None:
    """The schedule of a job is remembered with the job: its row says so, and what is read of it is the same."""
    writer = Noting()
    state = SourceState("s", writer)
    run = Run(tenant="contoso", run_id="r", job=KEY, status="success", started_at=NOW - 60, ended_at=NOW)
    state.enter_jobs("contoso", [Job(tenant="contoso", job=KEY, status="success"), run], NOW)
    state.answered(
        "contoso", "jobs", (JobSchedule(tenant="contoso", job=KEY, interval_seconds=1, longest_gap_seconds=longest),)
    )
    state.enter_jobs("contoso", [], NOW + 300)
    state.answered("contoso", "jobs", ())

    rows = [(*key, *row) for key, row in writer.batch.of(tables.JOBS).items() if row is not None]
    again = restored({tables.JOBS: rows}, Noting(), NOW)["s"].books("contoso").jobs.jobs

    assert again == state.books("contoso").jobs.jobs
    assert again[KEY].gap == gap


def test_a_schedule_that_is_not_known() -> None:
    """A job whose schedule was never told has none remembered."""
    assert JobMemory(first_seen=NOW).gap is None
