"""A retry chain is one run: what the attempts of a job become."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.veeam.chains import Chain, Session, chains
from exporter.sources.veeam.schedules import Schedule
from tests.sources.veeam.stage import BACKUP, CONTOSO, HOUR
from tests.support.avepoint import MORNING

TEN_MINUTES = 600.0
SCHEDULE = Schedule("daily", 24 * HOUR, 24 * HOUR, retries=3, retry_wait_seconds=TEN_MINUTES)


def attempt(session_id: str, began: float, status: str = "success", **more: Any) -> Session:
    """Return an attempt that took five minutes."""
    facts: dict[str, Any] = {
        "session_id": session_id,
        "job_id": "job",
        "main_id": None,
        "status": status,
        "created_at": MORNING + began,
        "ended_at": None if status == "running" else MORNING + began + 300,
        "retry": 0,
        "will_be_retried": False,
        "transferred_bytes": 100.0,
        "objects": 7,
        "bottleneck": None,
    }
    return Session(**facts | more)


def only(*sessions: Session) -> Chain:
    """Return the only chain of these sessions."""
    (chain,) = chains(sessions)
    return chain


THREE = (
    attempt("a", 0, "failed", will_be_retried=True),
    attempt("b", 900, "warning", main_id="a", retry=1, will_be_retried=True),
    attempt("c", 1800, main_id="a", retry=2),
)


def test_a_chain_is_one_run() -> None:
    """Its id and start are the first attempt's, its end and status the last one's, what it moved that of all."""
    run = only(*THREE).run(CONTOSO, BACKUP, "success")

    assert (run.run_id, run.status, run.retries) == ("a", "success", 2)
    assert (run.started_at, run.ended_at, run.duration_seconds) == (MORNING, MORNING + 2100, 2100)
    assert (run.size_bytes, run.objects) == (300.0, {"successful": 21})


def test_v6_tells_a_chain_by_the_order() -> None:
    """Without mainSessionId a retry belongs to the last first attempt of its job."""
    plain = [replace(each, main_id=None, will_be_retried=None) for each in THREE]
    before = attempt("z", -7200)

    found = chains([*plain, before])

    assert [[each.session_id for each in chain.sessions] for chain in found] == [["z"], ["a", "b", "c"]]


def test_a_retry_that_names_the_attempt_before() -> None:
    """A retry that points to the attempt before it, instead of the first one, is of the same chain."""
    chain = only(THREE[0], THREE[1], replace(THREE[2], main_id="b"))

    assert (chain.run_id, len(chain.sessions)) == ("a", 3)


def test_the_rest_of_a_chain() -> None:
    """Where the first attempt is not told any more, the run has its id, but no start and no duration."""
    run = only(*THREE[1:]).run(CONTOSO, BACKUP, "success")

    assert (run.run_id, run.started_at, run.duration_seconds, run.retries) == ("a", None, None, 2)


def test_a_retry_of_nothing() -> None:
    """On v6, a retry whose first attempt is not told is no run."""
    assert chains([attempt("b", 0, retry=1)]) == []


def test_between_two_attempts_the_run_is_under_way() -> None:
    """A failure that will be tried again is none yet, until the retry is an hour late."""
    chain = only(THREE[0])
    due = MORNING + 300 + TEN_MINUTES

    assert chain.status(SCHEDULE, due + HOUR - 1, busy=False) == "running"
    assert chain.status(SCHEDULE, due + HOUR, busy=False) == "failed"
    assert chain.status(SCHEDULE, due + 5 * HOUR, busy=True) == "running"


def test_the_last_attempt_decides() -> None:
    """A failure that will not be tried again is one at once."""
    assert only(replace(THREE[0], will_be_retried=False)).status(SCHEDULE, MORNING + 301, busy=True) == "failed"


def test_v6_does_not_announce_retries() -> None:
    """On v6 the schedule tells whether a retry may come; five minutes late it does not."""
    chain = only(replace(THREE[0], will_be_retried=None))
    due = MORNING + 300 + TEN_MINUTES

    assert chain.status(SCHEDULE, due + 299, busy=False) == "running"
    assert chain.status(SCHEDULE, due + 300, busy=False) == "failed"
    assert chain.status(SCHEDULE, due + HOUR, busy=True) == "running"
    assert chain.status(replace(SCHEDULE, retries=0), MORNING + 301, busy=False) == "failed"
    assert chain.status(None, MORNING + 301, busy=False) == "failed"


def test_what_succeeded_or_was_stopped_is_over() -> None:
    """Nothing follows a success, nor what somebody stopped."""
    for status in ("success", "stopped"):
        chain = only(attempt("a", 0, status, will_be_retried=None))
        assert chain.status(SCHEDULE, MORNING + 301, busy=False) == status


def test_a_retry_under_way() -> None:
    """While a retry works, the run is under way and counts nothing yet."""
    chain = only(THREE[0], attempt("b", 900, "running", main_id="a", retry=1))
    run = chain.run(CONTOSO, BACKUP, chain.status(SCHEDULE, MORNING + 1000, busy=True))

    assert (run.status, run.ended_at, run.size_bytes, run.objects, run.retries) == ("running", None, None, None, None)
    assert run.started_at == MORNING


def test_nulls_are_no_zeros() -> None:
    """What no attempt tells is not told of the run; a success without an end is still one."""
    bare = attempt("a", 0, ended_at=None, created_at=None, transferred_bytes=None, objects=None)
    run = only(bare).run(CONTOSO, BACKUP, "success")

    assert (run.started_at, run.ended_at, run.duration_seconds, run.size_bytes, run.objects) == (None,) * 5


def test_the_clock_of_the_server_went_back() -> None:
    """An end before the start gives no duration."""
    assert only(attempt("a", 0, ended_at=MORNING - 5)).run(CONTOSO, BACKUP, "success").duration_seconds is None


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans(), st.integers())
def test_any_order_of_answers(retries: list[int], named: bool, seed: int) -> None:  # noqa: FBT001 - drawn
    """In whatever order and however often sessions come, each run has all of its attempts, once."""
    sessions = []
    for number, count in enumerate(retries):
        first = f"run{number}"
        for retry in range(count + 1):
            main = first if named and retry else None
            began = number * 10_000.0 + retry * 1000
            sessions.append(attempt(first if not retry else f"{first}.{retry}", began, retry=retry, main_id=main))
    shuffled = [*sessions, *sessions[:3]]
    Random(seed).shuffle(shuffled)  # noqa: S311 - no secret

    found = chains(shuffled)

    assert [chain.run_id for chain in found] == [f"run{number}" for number in range(len(retries))]
    assert [chain.run(CONTOSO, BACKUP, "success").retries for chain in found] == retries
    assert sum(len(chain.sessions) for chain in found) == len(sessions)
