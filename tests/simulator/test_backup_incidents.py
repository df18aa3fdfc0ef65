"""What strikes the backups of a customer, as Elements, Cloud Backup and Veeam show it."""

from math import inf
from typing import Any

import pytest

from exporter.simulator.incidents import Incident
from exporter.simulator.jobs import Job
from exporter.simulator.veeam.history import ended_between
from exporter.simulator.veeam.roster import jobs_of
from tests.simulator.cloudbackup.callers import fact
from tests.simulator.striking import (
    AFTER,
    BEFORE,
    DAY,
    DURING,
    HOUR,
    SINCE,
    UNTIL,
    Row,
    calm_world,
    incident,
    struck,
    victim,
)
from tests.simulator.veeam.callers import seconds

EXCHANGE, TEAMS = 303, 308
SUCCESS, FAILED, RUNNING, DISABLED = 2, 3, 1, 12

WORLD = calm_world()
CUSTOMER = victim(WORLD)
OTHER = WORLD.customers(SINCE)[2]
LONG = UNTIL + 30 * DAY
"""When every job of Veeam has run again."""


def status(rows: list[Row], module: int = EXCHANGE) -> int:
    """Return the status of the job of a module."""
    return int(next(each["status"] for each in rows if each["jobModule"] == module))


def run_ids(rows: list[Row]) -> set[Any]:
    """Return the ids of the newest runs."""
    return {each["jobId"] for each in rows} - {"N/A"}


def running_jobs() -> list[Job]:
    """Return the customer's backups that run."""
    return [job for job in WORLD.jobs(CUSTOMER) if job.runs_at_all]


async def test_failing_backups() -> None:
    """Every run that begins in the interval fails, of all jobs of this customer and in all vendors' words."""
    async with struck(incident("backup_fails", CUSTOMER)) as wire:
        assert status(await wire.elements_jobs(BEFORE)) in (SUCCESS, RUNNING)
        assert {status(await wire.elements_jobs(DURING, each)) for each in (CUSTOMER, OTHER)} != {SUCCESS}
        failed = [each for each in await wire.elements_jobs(DURING) if each["status"] == FAILED]
        running = [each for each in await wire.elements_jobs(DURING) if each["jobId"] != "N/A"]
        assert len(failed) >= len(running) - 1
        assert {status(await wire.elements_jobs(UNTIL + DAY, each)) for each in (CUSTOMER, OTHER)} <= {SUCCESS, RUNNING}

        runs = [fact(each) for each in await wire.cloudbackup_runs(UNTIL + 2 * DAY)]
        within = {each.state for each in runs if SINCE <= each.start < UNTIL}
        assert within == {"failed"}
        assert {each.state for each in runs if each.start >= UNTIL} == {"finished"}

        sessions = await wire.veeam_sessions(UNTIL + DAY)
        states = {each["status"] for each in sessions if SINCE <= seconds(each["creationTime"]) < UNTIL}
        assert states == {"Failed"}


async def test_one_workload_fails() -> None:
    """With a workload only its job fails; Veeam's, which back up everything, do not."""
    async with struck(incident("backup_fails", CUSTOMER, "Exchange Online")) as wire:
        rows = await wire.elements_jobs(DURING)
        assert (status(rows), status(rows, TEAMS) in (SUCCESS, RUNNING)) == (FAILED, True)
        assert {each["status"] for each in await wire.veeam_sessions(DURING)} <= {"Success", "Running", "Queued"}


async def test_a_job_of_veeam_fails() -> None:
    """The workload "all" is that of Veeam's jobs, and every attempt of their runs fails."""
    async with struck(incident("backup_fails", CUSTOMER, "all")) as wire:
        assert status(await wire.elements_jobs(DURING)) in (SUCCESS, RUNNING)
        ended = [
            each for each in ended_between(wire.stage.world, CUSTOMER, SINCE + DAY, UNTIL) if each.job_type == "backup"
        ]
        assert {each.status for each in ended} == {"failed"}
        assert {each["lastStatus"] for each in await wire.veeam_jobs(DURING)} & {"Failed"}


async def test_stopped_backups() -> None:
    """No run begins in the interval, rows stay as they were, and afterwards runs begin again."""
    async with struck(incident("backup_stops", CUSTOMER)) as wire:
        late = await wire.elements_jobs(SINCE + DAY)
        assert run_ids(late) == run_ids(await wire.elements_jobs(DURING)) == run_ids(await wire.elements_jobs(BEFORE))
        assert {each["status"] for each in late} <= {SUCCESS, DISABLED}
        assert run_ids(await wire.elements_jobs(UNTIL + DAY)).isdisjoint(run_ids(late))

        assert await wire.cloudbackup_runs(DURING) == []
        assert await wire.cloudbackup_runs(UNTIL + DAY)

        starts = [seconds(each["creationTime"]) for each in await wire.veeam_sessions(LONG)]
        assert not [start for start in starts if SINCE <= start < UNTIL]
        assert [start for start in starts if start >= UNTIL]
        before, during = await wire.veeam_jobs(BEFORE), await wire.veeam_jobs(DURING)
        assert [each["lastRun"] for each in before] == [each["lastRun"] for each in during]


async def test_vanished_backups() -> None:
    """The jobs are not shown in the interval, nor is anything that they did; all of it comes back."""
    async with struck(incident("backup_vanishes", CUSTOMER)) as wire:
        modules = [{each["jobModule"] for each in await wire.elements_jobs(now)} for now in (BEFORE, DURING, AFTER)]
        assert modules[0] == modules[2]
        assert modules[1] == {0}  # the scan is no backup

        counts = [len(await wire.cloudbackup_runs(now, SINCE - 2 * DAY)) for now in (BEFORE, DURING, AFTER)]
        assert counts[1] == 0 < counts[0] < counts[2]
        frequency = [(await wire.cloudbackup(now, "settings/backup/frequency"))["data"] for now in (BEFORE, DURING)]
        assert frequency[0]
        assert frequency[1] == []

        jobs = [await wire.veeam_jobs(now) for now in (BEFORE, DURING, AFTER)]
        assert (len(jobs[0]), jobs[1]) == (len(jobs[2]), [])
        assert await wire.veeam_sessions(DURING, SINCE - DAY) == []
        gone = jobs[0][0]["id"]
        assert [(await wire.veeam(now).get(f"/Jobs/{gone}/SelectedItems")).status for now in (DURING, AFTER)] == [
            404,
            200,
        ]


async def test_disabled_backups() -> None:
    """The jobs are shown as switched off, do not run, and do not say when they will."""
    async with struck(incident("backup_disabled", CUSTOMER)) as wire:
        assert status(await wire.elements_jobs(BEFORE)) != DISABLED
        assert {each["status"] for each in await wire.elements_jobs(DURING) if each["jobType"]} == {DISABLED}
        assert status(await wire.elements_jobs(UNTIL + DAY)) != DISABLED
        assert await wire.cloudbackup_runs(DURING) == []
        assert (await wire.cloudbackup(DURING, "settings/backup/frequency"))["data"] == []
        jobs = [await wire.veeam_jobs(now) for now in (BEFORE, DURING, AFTER)]
        assert [{each["isEnabled"] for each in rows} for rows in jobs] == [{True}, {False}, {True}]
        assert {each["nextRun"] for each in jobs[1]} == {None}


async def test_a_hanging_backup() -> None:
    """One run of each job does not end before the interval does, and no other begins meanwhile."""
    async with struck(incident("backup_hangs", CUSTOMER)) as wire:
        rows = [await wire.elements_jobs(now) for now in (SINCE + DAY, DURING)]
        backups = [[each for each in found if each["jobId"] != "N/A"] for found in rows]
        assert {each["status"] for found in backups for each in found} == {RUNNING}
        assert run_ids(rows[0]) == run_ids(rows[1])
        assert {each["status"] for each in await wire.elements_jobs(UNTIL + DAY)} <= {SUCCESS, RUNNING, DISABLED}

        runs = [fact(each) for each in await wire.cloudbackup_runs(DURING, SINCE - DAY)]
        assert len([each for each in runs if each.state == "in progress"]) == len(backups[0]) - other_products()
        done = {fact(each).finish for each in await wire.cloudbackup_runs(AFTER, SINCE - DAY)}
        assert int(UNTIL) in done

        sessions = [each for each in await wire.veeam_sessions(DURING) if each["endTime"] is None]
        assert sessions
        over = {each["id"]: each for each in await wire.veeam_sessions(AFTER)}
        assert {over[each["id"]]["endTime"][:19] for each in sessions} == {"2027-01-06T00:00:00"}


def other_products() -> int:
    """Return how many of the customer's running jobs are none of Microsoft 365."""
    return sum(job.workload.product != "Microsoft 365" for job in running_jobs())


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.5, 0.99])
def test_what_hangs_is_under_way_or_next(moment: float) -> None:
    """The run that hangs is the one under way when the incident begins, else the next."""
    job = running_jobs()[0]
    first = job.latest_run(SINCE)
    assert first
    since = first.start + moment * job.timetable.period
    until = since + 3 * DAY
    world = WORLD.strike(Incident("backup_hangs", since, until, CUSTOMER.id))
    hung = next(each for each in world.jobs(CUSTOMER) if each.lot == job.lot)

    expected = first if since < first.end else job.run(first.number + 1)
    assert hung.latest_run(until - 1) == hung.run(expected.number)
    assert hung.run(expected.number).end == until
    assert [run.number for run in hung.runs_ended(until - HOUR, until)] == [expected.number]
    later = next(hung.runs(until, until + 3 * DAY))
    assert later.start - until < 1.2 * job.timetable.period
    assert later.number > expected.number + 1


def test_what_never_ends() -> None:
    """Without an end a run of every job hangs for ever, and no run of theirs ends or begins any more."""
    world = WORLD.strike(Incident("backup_hangs", SINCE, inf, CUSTOMER.id))

    for job in (each for each in world.jobs(CUSTOMER) if each.runs_at_all):
        assert job.status(LONG) == "running"
        assert list(job.runs_ended(SINCE + DAY, LONG)) == []
    for veeam_job in jobs_of(world, CUSTOMER):
        chains = list(veeam_job.chains(SINCE, LONG))
        assert len(chains) <= 1
        assert all(chain[-1].end == inf for chain in chains)


def test_copies_wait_for_what_hangs() -> None:
    """A copy job that follows a backup that hangs begins when that has ended."""
    world = calm_world(tenants=12)
    copies = [job for each in world.customers(SINCE) for job in jobs_of(world, each) if job.source and not job.calendar]
    copy = next(job for job in copies if job.source and job.source.calendar and not job.source.calendar.lot)
    hang = Incident("backup_hangs", SINCE, LONG, copy.nature.customer_id)
    owner = world.customers(SINCE)[copy.customer_number]
    hung = next(each for each in jobs_of(world.strike(hang), owner) if each.id == copy.id)

    starts = [chain[0].start for chain in hung.chains(SINCE + 8 * DAY, LONG + 8 * DAY)]

    assert starts
    assert min(starts) >= LONG
