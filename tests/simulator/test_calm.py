"""A calm world, through the world and the faces of the vendors, over a fleet of 20 customers and 14 days."""

from itertools import pairwise

import pytest

from exporter.overdue import allowed_age
from exporter.records import JobKey
from exporter.simulator.jobs import Job
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.jobs import VeeamJob
from exporter.simulator.veeam.rooms import Rooms
from exporter.simulator.world import World
from tests.simulator.stage import START
from tests.simulator.striking import DAY, HOUR, calm_world, struck
from tests.simulator.veeam.callers import seconds

DAYS = 14
END = START + DAYS * DAY
TIMES = [START + day * DAY for day in range(0, DAYS + 1, 2)]
LATER = START + 60 * DAY
WEEK_DAYS = 7


@pytest.fixture(scope="module")
def calm() -> World:
    """Make the fleet."""
    return calm_world(tenants=20)


def backups(world: World) -> list[Job]:
    """Return the jobs that run."""
    return [job for customer in world.customers(START) for job in world.jobs(customer) if job.runs_at_all]


def veeam_jobs(world: World) -> list[VeeamJob]:
    """Return the jobs and copy jobs of Veeam."""
    return Installation(world).jobs(START)


def gap(job: VeeamJob) -> float:
    """Return the longest time between two runs that the schedule of a job announces; 0 if there is none."""
    calendar = job.calendar or (job.source.calendar if job.source else None)
    if calendar is None or calendar.lot is not None:
        return 0.0
    numbers = calendar.numbers(START, START + 3 * WEEK_DAYS * DAY)
    starts = [start for number in numbers if (start := calendar.start(number)) is not None]
    return max(later - earlier for earlier, later in pairwise(starts))


def test_every_run_succeeds(calm: World) -> None:
    """Backups, restores and exports of all customers succeed, and no row is of a kind that is trouble."""
    customers = calm.customers(START)
    jobs = [job for each in customers for job in (*calm.jobs(each), *calm.errands(each))]

    assert {job.kind for job in jobs} <= {"running", "disabled", "scan"}
    assert {run.outcome for job in jobs for run in job.runs(START - DAY, START + 4 * DAY)} == {"success"}
    assert {job.status(now) for job in jobs for now in TIMES} <= {"success", "running", "disabled"}


def test_no_job_is_old(calm: World) -> None:
    """Between two ends of runs of a job less than a day passes."""
    for job in backups(calm):
        ends = [run.end for run in job.runs_ended(START - DAY, END)]
        assert max(later - earlier for earlier, later in pairwise(ends)) < 0.7 * DAY


def test_veeam_keeps_its_schedules(calm: World) -> None:
    """Every job of Veeam runs, without failures and retries, and is never older than the exporter allows."""
    for job in veeam_jobs(calm):
        chains = list(job.chains(START - 30 * DAY, END))
        assert all(len(chain) == 1 and chain[0].result == "success" for chain in chains)
        assert job.enabled
        allowed = allowed_age(JobKey("p", "w", "backup", "n"), gap(job), None)
        ends = [chain[-1].end for chain in chains if chain[-1].end >= START - 16 * DAY]
        assert ends
        if allowed is not None:
            assert max(later - earlier for earlier, later in pairwise([*ends, END])) < allowed - 2 * HOUR


def test_subscriptions_have_room_and_time(calm: World) -> None:
    """All have Microsoft 365; a third a capacity; nothing ends soon or is used up, and seats do not change."""
    early, late = calm.customers(START), calm.customers(LATER)
    bought = [(each, each.subscriptions) for each in late]

    assert early == late
    assert all(customer.has("Microsoft 365") for customer, _ in bought)
    limited = [each for _, subscriptions in bought for each in subscriptions[:1] if each.capacity_gb]
    assert len(limited) == 7
    assert all((each.consumed(60) or 0) <= 0.7 * (each.capacity_gb or 0) for each in limited)
    for each in (each for _, subscriptions in bought for each in subscriptions):
        assert each.expires >= START + 400 * DAY
        assert each.seats is None or (each.licenses or (0, 0))[0] <= 0.8 * each.seats


def test_everything_is_covered_and_nothing_unusual(calm: World) -> None:
    """All that was found is backed up, and nothing looks like an attack."""
    for customer in calm.customers(START):
        for now in (START, END):
            assert all(each.protected == each.scanned for each in calm.protection(customer, now))
        found = calm.anomalies(customer, START - 30 * DAY, END)
        assert {(each.unusual, each.attacks) for each in found} == {(0, 0)}


def test_profiles_do_not_change(calm: World) -> None:
    """Scan profiles stay as they are, scan daily and report success every day."""
    for profile in (each for customer in calm.customers(START) for each in calm.profiles(customer)):
        settings = {profile.settings(now) for now in TIMES}
        reports = [profile.report(START + day * DAY) for day in range(DAYS)]
        assert len(settings) == 1
        assert next(iter(settings)).daily_at
        assert [later.time - earlier.time for earlier, later in pairwise(reports)] == [DAY] * (DAYS - 1)
        assert all(each.status == "success" and each.removed < 5 for each in reports)


def test_repositories_have_room(calm: World) -> None:
    """Repositories are in order and up to date, and 40 % of them is free after two months."""
    installation = Installation(calm)
    rooms = Rooms(installation)

    for repository in installation.repositories(LATER):
        flags = (repository.out_of_order, repository.out_of_sync, repository.outdated, repository.locked)
        assert not any(flags)
        room = rooms.room(repository, LATER)
        assert room.capacity is None or (room.free or 0) >= 0.4 * room.capacity
        assert room.capacity == rooms.room(repository, START).capacity
    ids = {job.repository_id for job in veeam_jobs(calm)}
    assert ids <= {repository.id_in(calm.seed) for repository in installation.repositories(START)}


async def test_the_server_is_well() -> None:
    """Health, proxies, licence and synchronisation of Veeam are good at any time."""
    async with struck() as wire:
        for now in (START + 0.3 * DAY, START + 5.7 * DAY, END):
            caller = wire.veeam(now)
            assert (await caller.read("/Health"))["status"] == "Healthy"
            proxies = await caller.rows("/Proxies")
            assert {(each["status"], each["maintenanceModeState"]) for each in proxies} == {("Online", "Disabled")}
            syncs = await caller.rows("/Organizations/SyncState")
            assert {each["lastSyncState"]["result"] for each in syncs} == {"Success"}
            license_ = await caller.read("/License")
            assert license_["usedNumber"] + license_["newNumber"] <= 0.7 * license_["totalNumber"]
            assert seconds(license_["licenseExpires"]) >= START + 400 * DAY


async def test_nobody_is_out_of_policy() -> None:
    """Cloud Backup tells of nobody who uses more than was bought."""
    async with struck() as wire:
        row = (await wire.cloudbackup(END, "cloudbackuplicenseconsumption"))["data"]

        assert row["outOfPolicyTime"] == 0
        assert row["assignedUserSeats"] <= 0.8 * row["purchasedUserSeats"]


def test_a_calm_world_is_the_same_whenever_it_is_asked(calm: World) -> None:
    """A world that is calm is another one than the usual, of the same customers."""
    usual = calm_world(tenants=20, calm=False)

    assert [each.id for each in usual.customers(START)] == [each.id for each in calm.customers(START)]
    assert usual.customers(START) != calm.customers(START)
