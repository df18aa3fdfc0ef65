"""Jobs that change their names: what is remembered goes with them, and nothing is counted twice."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ledger import TenantLedger
from exporter.plausible import DAY
from exporter.records import Job, JobHistory, JobKey, JobTally, Record, Run

NOW = 1_772_400_000.0
HOUR = 3600.0
NAMES = ("Weekly", "Weekly #1", "Weekly #2", "Daily", "Mail")


def key(name: str) -> JobKey:
    """Return the key of a backup job."""
    return JobKey("Microsoft 365", "all", "backup", name)


def job(name: str, formerly: str | None = None, status: str = "success") -> Job:
    """Return a job, and what its name was before."""
    return Job(tenant="t", job=key(name), status=status, formerly=None if formerly is None else key(formerly))


def run(run_id: str, name: str, at: float, *, took: float | None = 60.0, status: str = "success") -> Run:
    """Return a run of a job; *took* None: it is under way."""
    return Run(
        tenant="t",
        run_id=run_id,
        job=key(name),
        status="running" if took is None else status,
        started_at=at,
        ended_at=None if took is None else at + took,
        duration_seconds=took,
    )


def tally(ledger: TenantLedger, now: float) -> JobTally:
    """Return the only counters."""
    facts, _ = ledger.facts("t", now, birth_delay=0.0)
    (found,) = (each for each in facts if isinstance(each, JobTally))
    return found


def shown(ledger: TenantLedger, now: float) -> dict[str, JobHistory]:
    """Return what is shown of each job, by name."""
    facts, _ = ledger.facts("t", now, birth_delay=0.0)
    return {each.job.name: each for each in facts if isinstance(each, JobHistory)}


def known_as(*names: str) -> TenantLedger:
    """Return a ledger of jobs that each ran once since they are known; the facts were shown."""
    ledger = TenantLedger()
    ledger.observe([job(name) for name in names], NOW)
    runs = [run(f"of {name}", name, NOW + 100 * place) for place, name in enumerate(names, 1)]
    ledger.observe([*(job(name) for name in names), *runs], NOW + HOUR)
    shown(ledger, NOW + HOUR)
    return ledger


def test_a_new_name() -> None:
    """All that is remembered of a job is shown under its new name, nothing under the old one."""
    ledger = known_as("Weekly", "Mail")
    before = shown(ledger, NOW + HOUR)["Weekly"]

    changes = ledger.observe([job("Daily", "Weekly"), job("Mail")], NOW + 2 * HOUR)

    assert shown(ledger, NOW + 2 * HOUR).keys() == {"Daily", "Mail"}
    assert shown(ledger, NOW + 2 * HOUR)["Daily"] == replace(before, job=key("Daily"))
    assert {key("Weekly"), key("Daily")} <= changes.jobs
    assert changes.runs == {"of Weekly"}
    assert ledger.runs["of Weekly"].job == key("Daily")


def test_swapped_names() -> None:
    """Two jobs, or three in a circle, that swap names in one answer swap what is remembered."""
    ledger = known_as("Weekly", "Mail", "Daily")
    before = shown(ledger, NOW + HOUR)

    ledger.observe([job("Mail", "Weekly"), job("Daily", "Mail"), job("Weekly", "Daily")], NOW + 2 * HOUR)

    after = shown(ledger, NOW + 2 * HOUR)
    assert {name: each.ended_at for name, each in after.items()} == {
        "Mail": before["Weekly"].ended_at,
        "Daily": before["Mail"].ended_at,
        "Weekly": before["Daily"].ended_at,
    }
    assert tally(ledger, NOW + 2 * HOUR).runs == 3


def test_the_name_of_another_that_is_gone() -> None:
    """A job that takes the name of one that was deleted keeps its own memory."""
    ledger = known_as("Weekly", "Mail")
    before = shown(ledger, NOW + HOUR)

    ledger.observe([job("Mail", "Weekly")], NOW + 2 * HOUR)

    after = shown(ledger, NOW + 2 * HOUR)
    assert {name: each.ended_at for name, each in after.items()} == {"Mail": before["Weekly"].ended_at}


def test_a_name_that_another_gave_up() -> None:
    """A new job under the name that another one had begins without a memory."""
    ledger = known_as("Weekly")

    ledger.observe([job("Weekly #1", "Weekly"), job("Weekly", status="none")], NOW + 2 * HOUR)

    after = shown(ledger, NOW + 2 * HOUR)
    assert after["Weekly #1"].succeeded_at is not None
    assert (after["Weekly"].succeeded_at, after["Weekly"].first_seen_at) == (None, NOW + 2 * HOUR)


@pytest.mark.parametrize("formerly", ["Daily", "Mail"])
def test_names_that_nobody_had(formerly: str) -> None:
    """A former name that is not known, or is the present one, changes nothing."""
    ledger = known_as("Mail")
    before = shown(ledger, NOW + HOUR)

    ledger.observe([job("Mail", formerly)], NOW + 2 * HOUR)

    assert shown(ledger, NOW + 2 * HOUR) == before


@pytest.mark.parametrize("late", [False, True])
def test_renamed_under_way(*, late: bool) -> None:
    """A run that is under way while its job is renamed counts once when it ends, and is not given up before."""
    ledger = known_as("Weekly")
    ledger.observe([job("Weekly"), run("open", "Weekly", NOW + 2 * HOUR, took=None)], NOW + 2 * HOUR)
    ledger.observe([job("Mail", "Weekly")], NOW + 3 * HOUR)
    if late:
        ledger.observe([job("Mail")], NOW + 4 * HOUR)

    ledger.observe([job("Mail"), run("open", "Mail", NOW + 2 * HOUR, took=9000)], NOW + 5 * HOUR)

    found = tally(ledger, NOW + 5 * HOUR)
    assert (found.runs, found.unobserved) == (2, 0)
    assert shown(ledger, NOW + 5 * HOUR)["Mail"].ended_at == NOW + 2 * HOUR + 9000


def ends(ledger: TenantLedger, status: str, took: float, at: float) -> JobHistory:
    """Enter how a run ended, and return what is shown."""
    ledger.observe([job("Mail", status=status), run("late", "Mail", NOW + 2 * HOUR, took=took, status=status)], at)
    return shown(ledger, at)["Mail"]


def test_an_end_that_was_none() -> None:
    """A run that ends again, later, counts as it did first, and its last end, success and duration are the later's."""
    ledger = known_as("Mail")
    first = ends(ledger, "failed", 300, NOW + 3 * HOUR)
    counted = tally(ledger, NOW + 3 * HOUR)

    second = ends(ledger, "success", 5000, NOW + 4 * HOUR)
    third = ends(ledger, "failed", 300, NOW + 5 * HOUR)

    assert (first.ended_at, first.succeeded_at) == (NOW + 2 * HOUR + 300, NOW + 160)
    end = NOW + 2 * HOUR + 5000
    assert (second.ended_at, second.succeeded_at, second.completed_at, second.duration_seconds) == (end, end, end, 5000)
    assert (third.ended_at, third.succeeded_at) == (end, end)
    assert tally(ledger, NOW + 5 * HOUR) == counted
    assert (counted.runs, counted.failures) == (2, 1)


def test_an_older_run_that_ends_again() -> None:
    """Of a run that is not the newest any more, a later end is not shown as the last one."""
    ledger = known_as("Mail")
    ends(ledger, "failed", 300, NOW + 3 * HOUR)
    ledger.observe([job("Mail"), run("new", "Mail", NOW + 3 * HOUR)], NOW + 4 * HOUR)

    assert ends(ledger, "failed", 9000, NOW + 5 * HOUR).ended_at == NOW + 3 * HOUR + 60


@dataclass
class Vendor:
    """Jobs with ids of their own under names that change, and all runs there ever were."""

    random: Random
    names: dict[int, str] = field(default_factory=dict)
    runs: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """By id: job, start and end."""
    told: dict[int, str] = field(default_factory=dict)
    """The names in the last answer that came."""
    now: float = NOW
    asked_at: float = NOW
    made: int = 0

    def live(self) -> None:
        """Let time pass, in which jobs come and go, are renamed or swap names, and runs begin."""
        self.now += self.random.choice((300.0, HOUR, DAY, 3 * DAY))
        if len(self.names) < len(NAMES) and self.random.random() < 0.5:
            self.made += 1
            self.names[self.made] = self.random.choice([name for name in NAMES if name not in self.names.values()])
        if self.names and self.random.random() < 0.2:
            del self.names[self.random.choice(list(self.names))]
        if self.random.random() < 0.5:
            names = self.random.sample(NAMES, len(self.names))
            self.names = dict(zip(self.names, names, strict=True))
        for each in self.names:
            if self.random.random() < 0.6:
                began = max((start for of, start, _ in self.runs.values() if of == each), default=NOW) + 1
                began = max(began, self.now - self.random.choice((100.0, 5000.0)))
                self.runs[f"r{len(self.runs)}"] = (each, began, began + self.random.choice((60.0, 4000.0)))

    def answer(self) -> list[Record]:
        """Return what a question of some width is answered, in any order."""
        since = min(self.asked_at - HOUR, self.now - self.random.choice((HOUR, DAY, 30 * DAY)))
        self.asked_at = self.now
        rows: list[Record] = []
        for each, name in self.names.items():
            before = self.told.get(each)
            rows.append(job(name, None if before == name else before))
        for run_id, (of, start, end) in self.runs.items():
            if of in self.names and start <= self.now and (end > self.now or end >= since):
                rows.append(run(run_id, self.names[of], start, took=end - start if end <= self.now else None))
        self.random.shuffle(rows)
        self.told = dict(self.names)
        return rows


@given(st.integers(0, 2**32), st.integers(3, 25))
def test_any_names(seed: int, polls: int) -> None:
    """However jobs are renamed, swapped, deleted and made anew, each run that was seen to end is counted once."""
    vendor, ledger = Vendor(Random(seed)), TenantLedger()  # noqa: S311 - no secret
    ended: set[str] = set()
    ledger.observe([], NOW)
    for _ in range(polls):
        vendor.live()
        rows = vendor.answer()
        ended |= {each.run_id for each in rows if isinstance(each, Run) and each.ended_at is not None}

        ledger.observe(rows, vendor.now)

        facts, _ = ledger.facts("t", vendor.now, birth_delay=0.0)
        assert sum(each.runs for each in facts if isinstance(each, JobTally)) == len(ended)
        assert {each.job.name for each in rows if isinstance(each, Job)} <= {key.name for key in ledger.jobs}
        assert ledger.present.keys() == {each.job for each in rows if isinstance(each, Job)}
        assert {each.job for each in ledger.runs.values()} <= ledger.jobs.keys()
        assert ledger.open_runs == {run_id for run_id, each in ledger.runs.items() if each.state == "open"}


records = st.one_of(
    st.builds(
        job, st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES), st.sampled_from(["success", "running", "none"])
    ),
    st.builds(
        run,
        st.sampled_from("abcdef"),
        st.sampled_from(NAMES),
        st.sampled_from([NOW, NOW + 10, NOW + DAY]),
        took=st.none() | st.sampled_from([0.0, 60.0, 3 * DAY]),
    ),
)


@given(st.lists(st.tuples(st.lists(records, max_size=8), st.sampled_from([60.0, 3 * DAY, 40 * DAY])), max_size=8))
def test_nonsense(answers: list[tuple[list[Record], float]]) -> None:
    """Whatever answers say of former names, the books can be kept, and no counter goes back."""
    ledger, now, before = TenantLedger(), NOW, 0.0
    for rows, passed in answers:
        now += passed
        ledger.observe(rows, now)
        facts, _ = ledger.facts("t", now, birth_delay=0.0)
        runs = sum(each.runs for each in facts if isinstance(each, JobTally))
        assert runs >= before
        before = runs
        assert ledger.present.keys() <= ledger.jobs.keys()
