from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.chance import Lot
from exporter.simulator.era import DAY
from exporter.simulator.jobs import Job, Run
from exporter.simulator.naming import organization, slug
from exporter.simulator.timetable import Timetable
from exporter.simulator.world import World
from tests.simulator.stage import SEED, START, small_world

MOMENTS = st.floats(START - 40 * DAY, START + 40 * DAY, allow_nan=False)
WORLD = small_world(tenants=12)
JOBS = [job for customer in WORLD.customers(START) for job in WORLD.jobs(customer)]
RUNNING = [job for job in JOBS if job.runs_at_all]


def jobs_of(world: World) -> list[Job]:
    """Return all jobs at the start."""
    return [job for customer in world.customers(START) for job in world.jobs(customer)]


def truth(world: World) -> list[object]:
    """Return what is the case a week after the start."""
    now = START + 7 * DAY
    return [
        (customer, world.protection(customer, now), world.profiles(customer), world.jobs(customer))
        for customer in world.customers(now)
    ] + [job.latest_run(now) for job in jobs_of(world)]


def test_same_seed_same_world() -> None:
    """Two worlds of one seed are equal in everything, at any later time."""
    assert truth(small_world()) == truth(small_world())


@pytest.mark.parametrize("seed", [0, 1, 2, 12345678901234567890, -5])
def test_any_seed_makes_a_world(seed: int) -> None:
    """Every seed gives forty customers, found by their ids, most with jobs."""
    world = small_world(seed=seed)
    customers = world.customers(START)

    assert [world.find(each.id, START) for each in customers] == customers
    assert sum(bool(world.jobs(each)) for each in customers) > 25
    assert len(truth(world)) > 300


def test_other_seed_other_world() -> None:
    """Another seed is another world."""
    assert truth(small_world(tenants=3)) != truth(small_world(tenants=3, seed=SEED + 1))


def test_truth_does_not_depend_on_what_was_asked_before(world: World) -> None:
    """An instant looks the same to a world that was asked about many others first."""
    for day in range(10):
        for job in jobs_of(world):
            job.latest_run(START + day * DAY)

    assert truth(world) == truth(small_world())


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(RUNNING), MOMENTS)
def test_latest_run_is_the_newest(job: Job, now: float) -> None:
    """latest_run is the last of all runs that have started, found by counting up from the first."""
    newest: Run | None = None
    number = 0
    while (job.timetable.count is None or number < job.timetable.count) and job.run(number).start <= now:
        newest = job.run(number)
        number += 1

    assert job.latest_run(now) == newest


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(RUNNING), st.integers(0, 200))
def test_a_start_is_seen_at_its_instant(job: Job, number: int) -> None:
    """A run is the latest from the very millisecond of its start until the next one's."""
    if job.timetable.count is not None:
        number %= job.timetable.count
    run = job.run(number)

    before = job.latest_run(run.start - 0.001)

    assert job.latest_run(run.start) == run
    assert before is None or before.number == number - 1


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(range(12)), MOMENTS, MOMENTS, MOMENTS)
def test_ended_runs_add_up(number: int, one: float, two: float, three: float) -> None:
    """What ended in an interval is what ended in its two parts, nothing lost, nothing twice."""
    after, between, until = sorted((one, two, three))
    customer = WORLD.customers(START)[number]

    def ended(low: float, high: float) -> Counter[str]:
        return Counter(run.id for _, run in WORLD.runs_ended_between(customer, low, high))

    assert ended(after, until) == ended(after, between) + ended(between, until)


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(RUNNING), MOMENTS, MOMENTS)
def test_runs_of_an_interval_started_in_it(job: Job, one: float, two: float) -> None:
    """The runs of an interval are all and only those that started in it."""
    after, until = sorted((one, two))
    first, last = job.latest_run(after), job.latest_run(until)
    count = (last.number if last else -1) - (first.number if first else -1)

    runs = list(job.runs(after, until))

    assert len(runs) == count
    assert all(after < run.start <= until for run in runs)


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(RUNNING), st.integers(0, 500))
def test_runs_of_a_job_never_meet(job: Job, number: int) -> None:
    """A run ends before the next one begins, so that each is shown when it has ended."""
    assert job.run(number).start <= job.run(number).end < job.run(number + 1).start


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.sampled_from(RUNNING), st.integers(0, 500))
def test_objects_have_one_fate(job: Job, number: int) -> None:
    """The objects of a run are its successes, failures, skips and warnings, none below zero."""
    objects = job.run(number).objects

    assert objects.total == objects.success + objects.failed + objects.skipped + objects.warning
    assert min(objects.success, objects.failed, objects.skipped, objects.warning) >= 0


def test_run_ids_are_unique(world: World) -> None:
    """No two runs of a customer in a month share an id."""
    for customer in world.customers(START):
        ids = [
            (job.workload.product, run.id) for job in world.jobs(customer) for run in job.runs(START - 30 * DAY, START)
        ]
        assert len(ids) == len(set(ids))


def test_jobs_are_unique(world: World) -> None:
    """Product, workload and name tell the jobs of a customer apart."""
    for customer in world.customers(START):
        names = [(job.workload.product, job.workload.name, job.name) for job in world.jobs(customer)]
        assert len(names) == len(set(names))


def test_every_kind_of_job_occurs(world: World) -> None:
    """Healthy, abandoned, never run, disabled, not started, waiting and scan jobs are all there."""
    kinds = {job.kind for job in jobs_of(world)}

    assert kinds == {"running", "abandoned", "placeholder", "disabled", "not_started", "queued", "scan"}


def test_every_outcome_occurs(world: World) -> None:
    """In a month some run succeeds, warns, fails and is skipped."""
    outcomes = {run.outcome for job in jobs_of(world) for run in job.runs(START - 30 * DAY, START)}

    assert outcomes == {"success", "warning", "failed", "skipped"}


def test_some_job_fails_for_days(world: World) -> None:
    """At the start there is a job that has only failed for more than a day."""
    troubled = [job for job in jobs_of(world) if job.temper.trouble is not None and job.kind == "running"]

    assert troubled
    for job in troubled:
        assert {run.outcome for run in job.runs(START - 1.5 * DAY, START)} <= {"failed"}


def test_abandoned_jobs_ran_two_years_ago(world: World) -> None:
    """The newest run of an abandoned job is about 22 months old and stays the newest."""
    abandoned = [job for job in jobs_of(world) if job.kind == "abandoned"]

    for job in abandoned:
        run = job.latest_run(START)
        assert run is not None
        assert 630 < (START - run.start) / DAY < 680
        assert job.latest_run(START + 300 * DAY) == run


def test_quiet_customers_are_healthy(world: World) -> None:
    """A part of the customers has only successful runs and is wholly protected."""
    quiet = [customer for customer in world.customers(START) if customer.quiet and customer.subscriptions]

    assert len(quiet) >= 8
    for customer in quiet:
        ended = world.runs_ended_between(customer, START, START + 7 * DAY)
        assert {run.outcome for _, run in ended} == {"success"}
        assert all(each.scanned == each.protected for each in world.protection(customer, START))
        assert all(each.expires > START + 100 * DAY for each in customer.subscriptions)
        assert {each.report(START).status for each in world.profiles(customer)} <= {"success"}
        assert {job.status(START) for job in world.jobs(customer)} <= {"success", "running", "disabled"}


def test_a_beginner_has_no_run_yet(world: World) -> None:
    """Some jobs run for the first time after the start and are "not started" until then."""
    beginners = [job for job in jobs_of(world) if job.kind == "running" and not job.latest_run(START)]

    assert beginners
    assert {job.status(START) for job in beginners} == {"not_started"}
    assert all(job.latest_run(START + 5 * DAY) for job in beginners)


def test_status_is_running_until_the_end(world: World) -> None:
    """A job is running from the start to the end of its run, then shows the outcome."""
    job = next(job for job in jobs_of(world) if job.kind == "running" and job.temper.idle == 0)
    run = job.run(200)

    assert job.status(run.start) == "running"
    assert job.status(run.end) == run.outcome


def test_jobs_that_never_run_have_a_status_only(world: World) -> None:
    """Placeholders, disabled jobs and scans have no run at any time."""
    for job in jobs_of(world):
        if not job.runs_at_all:
            assert job.latest_run(START + 100 * DAY) is None
            assert not list(job.runs(START, START + DAY))


def test_pace_divides_every_period() -> None:
    """At pace 1440 a day of the world is a minute: 1440 times the runs, each as much shorter."""
    slow = next(job for job in jobs_of(small_world()) if job.kind == "running" and job.temper.idle == 0)
    fast = next(job for job in jobs_of(small_world(pace=1440)) if job.lot == slow.lot)

    assert fast.timetable.period == pytest.approx(slow.timetable.period / 1440)
    assert fast.temper.seconds == pytest.approx(slow.temper.seconds / 1440)
    assert len(list(fast.runs(START, START + DAY))) == pytest.approx(86400 / fast.timetable.period, abs=2)


def test_a_run_a_day_at_least(world: World) -> None:
    """Running jobs run one to four times a day, for at most an hour and a half."""
    for job in jobs_of(world):
        if job.kind == "running" and job.latest_run(START):
            runs = list(job.runs(START, START + 10 * DAY))
            assert 9 <= len(runs) <= 41
            assert all(run.end - run.start <= 5400 for run in runs)


def test_customers_are_stable_by_default(world: World) -> None:
    """Without joiners and leavers the customers of any two days are the same."""
    assert world.customers(START) == world.customers(START + 400 * DAY)


def test_customers_leave_and_join() -> None:
    """Two leave and one joins each day; who left does not come back, who joined stays."""
    world = small_world(leavers=2.0, joiners=1.0)
    days = [{each.id for each in world.customers(START + day * DAY)} for day in range(15)]

    for yesterday, today in pairwise(days):
        assert len(yesterday - today) == 2
        assert len(today - yesterday) == 1
    assert len(set.union(*days)) == 40 + 14


@pytest.mark.parametrize("tenants", [1, 2, 6, 7])
def test_all_leave_in_the_end(tenants: int) -> None:
    """Whatever their number, customers leave one a day until none is left."""
    world = small_world(tenants=tenants, leavers=1.0)

    sizes = [len(world.customers(START + day * DAY)) for day in range(tenants + 2)]

    assert sizes == [*range(tenants, -1, -1), 0]


def test_find_agrees_with_the_list() -> None:
    """A customer is found by id exactly while it is listed."""
    world = small_world(leavers=2.0, joiners=1.0)
    everyone = {each.id: each for day in range(15) for each in world.customers(START + day * DAY)}

    for day in range(15):
        now = START + day * DAY
        listed = {each.id for each in world.customers(now)}
        assert {each for each in everyone if world.find(each, now)} == listed


@pytest.mark.parametrize("identifier", ["", "nobody", "00000000-0000-4000-a000-000000000000"])
def test_unknown_ids_find_nobody(world: World, identifier: str) -> None:
    """An id that the world never gave belongs to nobody."""
    assert world.find(identifier, START) is None


def test_an_id_of_a_later_customer_finds_nobody(world: World) -> None:
    """The id of a customer that a bigger world has is unknown in a smaller one."""
    stranger = small_world(tenants=41).customers(START)[40]

    assert world.find(stranger.id, START) is None


def test_hidden_customers_return(world: World) -> None:
    """A hidden customer is neither listed nor found, and is the same again afterwards."""
    before = world.customers(START)
    victim = before[3]
    hidden = world.hide(victim.id, START, START + DAY)

    assert victim not in hidden.customers(START)
    assert hidden.find(victim.id, START) is None
    assert hidden.customers(START + DAY) == before
    assert world.customers(START) == before


def test_scripts_force_outcomes(world: World) -> None:
    """A script changes the outcomes of its jobs in its interval and nothing else."""
    scripted = world.script(lambda job: job.workload.name == "OneDrive", "failed", START, START + DAY)
    chosen = [job for job in jobs_of(scripted) if job.workload.name == "OneDrive" and job.kind == "running"]
    others = [job for job in jobs_of(scripted) if job.workload.name != "OneDrive"]

    forced = {run.outcome for job in chosen for run in job.runs(START, START + DAY - 1)}

    assert forced == {"failed"}
    assert {run.outcome for job in chosen for run in job.runs(START + DAY, START + 9 * DAY)} != {"failed"}
    assert others == [job for job in jobs_of(world) if job.workload.name != "OneDrive"]


@pytest.mark.parametrize("rows", [0, 3, 34, 250])
def test_rows_per_customer(rows: int) -> None:
    """The number of jobs of each customer can be forced, down and up, and names stay unique."""
    world = small_world(tenants=5, rows_per_customer=rows)

    for customer in world.customers(START):
        names = {(job.workload, job.name) for job in world.jobs(customer)}
        assert len(names) == rows


def test_organizations_are_unique() -> None:
    """Ten thousand customers have ten thousand names and mail domains."""
    names = [organization(number) for number in range(10_000)]

    assert len(set(names)) == 10_000
    assert len({slug(name) for name in names}) == 10_000


def test_owners_live_in_example_domains(world: World) -> None:
    """No invented address can belong to anyone."""
    assert all(customer.owner_email.endswith(".example") for customer in world.customers(START))


def test_protection_drifts_slowly(world: World) -> None:
    """Within a month no number shrinks and none doubles."""
    for customer in world.customers(START):
        then = world.protection(customer, START + 30 * DAY)
        for old, new in zip(world.protection(customer, START), then, strict=True):
            assert old.scanned <= new.scanned <= 2 * old.scanned
            assert old.stored_gb <= new.stored_gb <= 2 * old.stored_gb
            assert new.protected <= new.scanned


def test_profiles_change_now_and_then(world: World) -> None:
    """In a year each profile is changed between 3 and 25 times, and says when."""
    profiles = [each for customer in world.customers(START) for each in world.profiles(customer)]

    for profile in profiles:
        times = {profile.settings(START + day * DAY).modified for day in range(365)}
        assert 3 <= len(times) <= 26
        assert all(profile.settings(time + 1).modified == time for time in times)


def test_reports_are_daily(world: World) -> None:
    """A profile with a daily scan has a report of the last day; one without, none but the settings' time."""
    for customer in world.customers(START):
        for profile in world.profiles(customer):
            report, settings = profile.report(START), profile.settings(START)
            expected = settings.modified if settings.daily_at is None else START
            assert expected - DAY - 1 <= report.time <= expected


@settings(deadline=None)  # a busy machine is no counterexample
@given(st.integers(0, 1000), st.integers(1, 50), st.floats(-1e6, 1e6), st.floats(1, 1e5))
def test_timetables_end(seed: int, count: int, now: float, period: float) -> None:
    """A timetable of a few starts never shows one beyond them."""
    timetable = Timetable(Lot.of(seed), 0.0, period, count)
    newest = timetable.newest(now)

    assert newest is None or 0 <= newest < count
    assert list(timetable.numbers(now, now)) == ([] if newest is None else [newest])
