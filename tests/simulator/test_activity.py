from collections import Counter

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, HOUR
from exporter.simulator.schedule import plan_of
from exporter.simulator.world import World
from tests.simulator.stage import START, small_world


def subscribers(world: World) -> list[Customer]:
    """Return who bought Microsoft 365 backup."""
    return [each for each in world.customers(START) if each.has("Microsoft 365")]


def test_everything_is_done_with_backups(world: World) -> None:
    """Among the customers there are restores, exports, deletions and retention jobs, each the only one of its kind."""
    errands = [errand for each in subscribers(world) for errand in world.errands(each)]
    keys = Counter((errand.customer_id, errand.purpose, errand.workload.name) for errand in errands)

    assert {errand.purpose for errand in errands} == {"restore", "export", "delete", "retention"}
    assert set(keys.values()) == {1}
    assert all(list(errand.runs(START - 20 * DAY, START)) for errand in errands)


def test_only_what_is_backed_up_is_restored(world: World) -> None:
    """Errands concern workloads with a running backup; without Microsoft 365 there are none."""
    for customer in world.customers(START):
        running = {job.workload.name for job in world.jobs(customer) if job.kind == "running"}
        assert {errand.workload.name for errand in world.errands(customer)} <= running
        assert customer.has("Microsoft 365") or not world.errands(customer)


def test_errands_are_no_jobs_of_elements(world: World) -> None:
    """All jobs of a customer are backups or scans; the errands stand apart."""
    assert {job.purpose for each in world.customers(START) for job in world.jobs(each)} == {"backup"}


def test_ids_are_unique_within_a_customer(world: World) -> None:
    """No two runs of a customer have the same id, whatever they do."""
    for customer in subscribers(world):
        jobs = (*world.jobs(customer), *world.errands(customer))
        ids = Counter(run.id for job in jobs for run in job.runs(START - 30 * DAY, START))
        assert not [each for each, times in ids.items() if times > 1]


def test_anomalies_add_up(world: World) -> None:
    """What was unusual in ten days is what was unusual in the first four and the other six."""
    for customer in subscribers(world)[:10]:
        whole = world.anomalies(customer, START - 10 * DAY, START - 0.5 * DAY)
        first = world.anomalies(customer, START - 10 * DAY, START - 6.5 * DAY)
        second = world.anomalies(customer, START - 6 * DAY, START - 0.5 * DAY)

        assert [row.unusual for row in whole] == [
            one.unusual + two.unusual for one, two in zip(first, second, strict=True)
        ]


def test_anomalies_begin_with_the_history(world: World) -> None:
    """Nothing is known of the time before the history."""
    customer = subscribers(world)[0]

    assert world.anomalies(customer, 0.0, START) == world.anomalies(customer, START - 30 * DAY, START)


def test_quiet_customers_see_nothing_unusual(world: World) -> None:
    """With a quiet customer all is zero."""
    rows = [row for each in subscribers(world) if each.quiet for row in world.anomalies(each, 0.0, START)]

    assert rows
    assert not any(row.unusual or row.attacks for row in rows)


def test_plans_of_every_period(world: World) -> None:
    """A backup every 6, 8, 12 or 24 hours is planned 4, 4, 2 and 1 times a day."""
    jobs = [job for each in subscribers(world) for job in world.jobs(each) if job.kind == "running"]
    planned = {round(job.timetable.period / HOUR): plan_of(job, world.era, START).per_day for job in jobs}

    assert planned == {6: 4, 8: 4, 12: 2, 24: 1}


def test_plans_of_a_world_in_a_hurry() -> None:
    """In a world that is much faster a day has many starts, of which the first 288 are listed."""
    world = small_world(pace=600)
    job = next(job for each in subscribers(world) for job in world.jobs(each) if job.kind == "running")
    plan = plan_of(job, world.era, START)

    assert plan.per_day >= 600
    assert len(plan.starts) == 288


def test_a_name_always_picks_the_same_subscriber() -> None:
    """The subscriber of a name does not depend on time or on who else was asked for."""
    one, other = small_world(leavers=5), small_world()
    names = [Lot.of("name", number).guid() for number in range(30)]

    picked = [one.subscriber(name) for name in names]

    assert picked == [other.subscriber(name) for name in reversed(names)][::-1]
    assert all(each is not None and each.has("Microsoft 365") for each in picked)
    assert len({each.id for each in picked if each}) > 10
