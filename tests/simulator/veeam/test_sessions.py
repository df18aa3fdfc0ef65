from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from exporter.simulator.jobs import Job
from exporter.simulator.veeam.history import Ended, ended_between
from exporter.simulator.veeam.jobs import Chain, VeeamJob
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World
from tests.simulator.stage import START, small_world
from tests.simulator.veeam.callers import DAY, NOBODY, NOW, Caller, Row, calling, iso, linked, organizations, seconds

FINAL = {"Success": "success", "Warning": "warning", "Failed": "failed", "Stopped": "stopped"}
YEAR = 53 * 7 * DAY


def every_job(world: World) -> list[VeeamJob]:
    """Return the jobs of all organizations."""
    return [job for customer in organizations(world) for job in jobs_of(world, customer)]


def truth(world: World, after: float, until: float) -> Iterator[Ended]:
    """Yield what ended at any organization."""
    for customer in organizations(world):
        yield from ended_between(world, customer, after, until)


def recomputed(rows: list[Row]) -> Iterator[tuple[object, ...]]:
    """Yield the finished runs that sessions of v8 make, with what the truth says of them."""
    chains: dict[str, list[Row]] = {}
    for row in rows:
        chains.setdefault(row["mainSessionId"] or row["id"], []).append(row)
    for main, chain in chains.items():
        chain.sort(key=lambda row: row["retryCount"])
        last = chain[-1]
        if chain[0]["id"] == main and last["endTime"] and not last["jobWillBeRetried"]:
            yield (
                last["jobId"],
                last["jobType"].lower(),
                FINAL[last["status"]],
                seconds(chain[0]["creationTime"]),
                seconds(last["endTime"]),
                len(chain),
                sum(row["statistics"]["transferredDataBytes"] for row in chain),
                sum(row["statistics"]["processedObjects"] for row in chain),
            )


def facts(ended: Ended) -> tuple[object, ...]:
    """Return the same of the truth."""
    return (
        ended.job_id,
        ended.job_type,
        ended.status,
        ended.started,
        ended.ended,
        ended.attempts,
        ended.bytes,
        ended.objects,
    )


async def test_truth_is_what_sessions_tell(caller: Caller) -> None:
    """The finished runs that the sessions of five days make are those of the truth."""
    rows = await caller.rows("/JobSessions", endTimeLowerBound=iso(NOW - 5 * DAY))
    # The first day may lack the beginnings of chains, which are older.
    after = NOW - 4 * DAY
    told = [fact for fact in recomputed(rows) if isinstance(fact[4], float) and fact[4] > after]

    assert len(told) > 1000
    assert sorted(told) == sorted(facts(each) for each in truth(caller.world, after, NOW))


async def test_chains_are_whole(caller: Caller) -> None:
    """Each retry has a main session; numbers and times go up, and only the last is not followed by another."""
    rows = await caller.rows("/JobSessions", endTimeLowerBound=iso(NOW - 5 * DAY))
    by_id = {row["id"]: row for row in rows}
    retries = [row for row in rows if row["mainSessionId"] and seconds(row["creationTime"]) > NOW - 4 * DAY]
    waits = {job.id: job.policy.wait_minutes for job in every_job(caller.world)}

    assert len(retries) > 50
    for row in retries:
        main = by_id[row["mainSessionId"]]
        chain = [main, *(each for each in rows if each["mainSessionId"] == main["id"])]
        chain.sort(key=lambda each: each["retryCount"])
        assert [each["retryCount"] for each in chain] == list(range(len(chain)))
        for one, next_ in pairwise(chain):
            assert one["jobWillBeRetried"]
            assert one["status"] in ("Failed", "Warning")
            wait = seconds(next_["creationTime"]) - seconds(one["endTime"])
            assert wait == pytest.approx(60 * (waits[row["jobId"]] or 0), abs=0.01)
        assert (
            chain[-1]["jobWillBeRetried"] is (None if chain[-1]["endTime"] is None else False) or chain[-1]["endTime"]
        )


def test_chains_end_well_or_use_up_their_retries() -> None:
    """A chain goes on until a success or the last retry; one that was stopped is over."""
    for ended, chain in [(chain[-1], chain) for job in every_job(small_world()) for chain in week(job)]:
        assert len(chain) <= ended.job.attempts
        assert ended.result in ("success", "stopped") or len(chain) == ended.job.attempts


def week(job: VeeamJob) -> list[Chain]:
    """Return the runs of a job in the last week."""
    return list(job.chains(NOW - 7 * DAY, NOW))


def test_runs_of_a_job_do_not_meet() -> None:
    """Each run of a job is over before the next begins, retries too, at any pace."""
    for pace in (1.0, 500.0):
        for job in every_job(small_world(pace=pace)):
            for one, next_ in pairwise(job.chains(NOW - 14 * DAY / pace, NOW)):
                assert one[-1].end < next_[0].start, (job.policy, pace)
                assert one[-1].end - one[0].start <= job.reach


def test_what_follows_from_the_truth() -> None:
    """Retries are attempts beyond the first; a run lasts from its first start to its last end."""
    world = small_world()
    for ended in truth(world, NOW - DAY, NOW):
        assert (ended.retries, ended.duration) == (ended.attempts - 1, ended.ended - ended.started)
    nobody = next(each for each in world.customers(NOW) if not each.has("Microsoft 365"))
    assert list(ended_between(world, nobody, NOW - DAY, NOW)) == []


def test_the_quiet_never_fail() -> None:
    """All runs of a quiet customer succeed."""
    world = small_world()
    quiet = {each.id for each in organizations(world) if each.quiet}
    results = Counter((each.organization_id in quiet, each.status) for each in truth(world, NOW - 30 * DAY, NOW))

    assert {status for is_quiet, status in results if is_quiet} == {"success"}
    assert {status for is_quiet, status in results if not is_quiet} == {"success", "warning", "failed", "stopped"}


def test_history_is_long() -> None:
    """There are runs throughout the 53 weeks before any instant."""
    world = small_world()
    for weeks in range(1, 54, 4):
        until = START - weeks * 7 * DAY
        assert sum(1 for job in every_job(world) for _ in job.chains(until - DAY, until)) > 30


def test_time_does_not_change_the_past() -> None:
    """What ended in two days is what ended in the first and in the second."""
    world = small_world()
    both = list(truth(world, NOW - 2 * DAY, NOW))

    parts = [*truth(small_world(), NOW - 2 * DAY, NOW - DAY), *truth(world, NOW - DAY, NOW)]
    assert sorted(map(facts, both)) == sorted(map(facts, parts))


@pytest.mark.parametrize("outcome", ["success", "warning", "failed"])
async def test_scripts(outcome: str) -> None:
    """A script makes the runs of one organization end so for an hour; with retries all attempts fail."""
    plain = small_world()
    busy = next(
        job for job in every_job(plain) if job.policy.every and job.policy.retries and job.calendar and job.enabled
    )
    chosen = busy.nature.customer_id

    def selects(job: Job) -> bool:
        return job.customer_id == chosen and job.name == busy.name

    scripted = plain.script(selects, outcome, NOW - DAY, NOW - DAY / 2)  # type: ignore[arg-type] # one of them
    before = [facts(each) for each in truth(plain, NOW - DAY, NOW) if each.job_id != busy.id]
    after = list(truth(scripted, NOW - DAY, NOW))
    forced = [each for each in after if each.job_id == busy.id and NOW - DAY <= each.started < NOW - DAY / 2]

    assert forced
    assert {each.status for each in forced} == {outcome}
    assert {each.attempts for each in forced} == {1 if outcome == "success" else busy.attempts}
    others = [facts(each) for each in after if each.job_id != busy.id and each.job_type == "backup"]
    assert sorted(others) == sorted(each for each in before if each[1] == "backup")


def test_schedules() -> None:
    """Runs begin when the calendar says: on its days, at its time or every so often."""
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    found = set()
    for job in every_job(small_world()):
        starts = [chain[0].start for chain in job.chains(NOW - 30 * DAY, NOW)]
        policy = job.policy
        days = {names[int(start // DAY + 3) % 7] for start in starts}
        match policy.daily_type:
            case "Workdays":
                assert not days & {"Saturday", "Sunday"}
            case "Weekends":
                assert days <= {"Saturday", "Sunday"}
            case str(day) if day in names:
                assert days <= {day}
        if policy.daily_time:
            hours, minutes, _ = map(int, policy.daily_time.split(":"))
            assert all(0 <= start % DAY - hours * 3600 - minutes * 60 < 2 for start in starts)
        if policy.every and job.enabled and len(starts) > 2:
            steps = {round(other - one, -1) for one, other in pairwise(starts)}
            assert len(steps) == 1
        if starts:
            found |= {policy.type, policy.every, policy.daily_type}

    assert found >= {"Periodically", "Daily", "ManualOnly", "Immediate", "DailyAtTime", "Workdays", "Hours8", "Hours12"}
    assert found >= {"Minutes5", "Minutes10", "Minutes15", "Minutes30", "Hours1", "Hours4", "Weekends"}


def test_immediate_copies_follow() -> None:
    """A copy that runs immediately begins soon after each good run of its source, and never otherwise."""
    copies = [job for job in every_job(small_world()) if job.policy.type == "Immediate" and job.enabled]

    assert len(copies) > 5
    for copy in copies:
        assert copy.source
        good = [one[-1] for one in copy.source.chains(NOW - 9 * DAY, NOW - 2 * DAY)]
        ends = [last.end for last in good if last.result in ("success", "warning")]
        starts = [chain[0].start for chain in copy.chains(NOW - 10 * DAY, NOW)]
        assert all(any(0 <= start - end <= 20 for start in starts) for end in ends)


async def test_jobs_tell_their_last_run(caller: Caller) -> None:
    """The last status and times of a job are those of its newest session."""
    sessions = await caller.rows("/JobSessions", endTimeLowerBound=iso(NOW - 6 * DAY))
    running = await caller.rows("/JobSessions", status="Running")
    newest: dict[str, Row] = {}
    for row in sessions + running:
        kept = newest.setdefault(row["jobId"], row)
        if seconds(row["creationTime"]) > seconds(kept["creationTime"]):
            newest[row["jobId"]] = row
    jobs = [*await caller.rows("/Jobs"), *await caller.rows("/CopyJobs")]
    known = [job for job in jobs if job["id"] in newest and job["lastStatus"] != "Queued"]

    assert len(known) > 40
    for job in known:
        assert job["lastStatus"] == newest[job["id"]]["status"]
        assert seconds(job["lastRun"]) <= seconds(newest[job["id"]]["creationTime"])


async def test_kinds_of_jobs(caller: Caller) -> None:
    """There are jobs switched off, started by hand, never run, of equal name; a plan exists where one is followed."""
    jobs = await caller.rows("/Jobs")
    plans = {(job["isEnabled"], job["schedulePolicy"]["type"], job["nextRun"] is None) for job in jobs}

    assert (True, "Daily", False) in plans
    assert {planned for enabled, type_, planned in plans if not enabled or type_ == "ManualOnly"} == {True}
    assert any(not job["isEnabled"] for job in jobs)
    assert any(job["lastRun"] is None and job["lastBackup"] is None for job in jobs)
    assert max(Counter((job["organizationId"], job["name"]) for job in jobs).values()) > 1
    assert all(seconds(job["nextRun"]) > NOW for job in jobs if job["nextRun"])


async def test_versions_tell_the_same(caller: Caller) -> None:
    """All versions show the same jobs and sessions, each with the ids or links it has."""
    told = {}
    query = {"endTimeLowerBound": iso(NOW - DAY)}
    for version in ("v6", "v7", "v8"):
        await caller.sign_in(version)
        jobs = [*await caller.rows("/Jobs"), *await caller.rows("/CopyJobs")]
        sessions = await caller.rows("/JobSessions", **query)
        told[version] = (
            sorted(
                (row["id"], row["name"], row["lastStatus"], linked(row, "organization"))
                for row in jobs
                if row["lastRun"]
            ),
            sorted(
                (row["id"], linked(row, "job"), row["creationTime"], row["status"], row["retryCount"])
                for row in sessions
            ),
        )
        assert all(
            row.get("organizationId", linked(row, "organization")) == linked(row, "organization") for row in jobs
        )
        assert all(row.get("jobId", linked(row, "job")) == linked(row, "job") for row in sessions)

    assert told["v6"] == told["v7"] == told["v8"]


async def test_no_main_session() -> None:
    """A session that is no retry has zeros for a main session in v7, null in v8 unless the manner is zeros too."""
    async with calling(version="v7") as caller:
        old = {row["mainSessionId"] for row in await caller.rows("/JobSessions", jobType="Copy", limit="50")}
        await caller.sign_in("v8")
        new = {row["mainSessionId"] for row in await caller.rows("/JobSessions", jobType="Copy", limit="50")}
    async with calling(manners=VeeamManners(zero_ids=True, copy_links="Jobs")) as caller:
        rows = await caller.rows("/JobSessions", jobType="Copy", limit="50")

    assert (old, new, {row["mainSessionId"] for row in rows}) == ({NOBODY}, {None}, {NOBODY})
    assert {row["_links"]["job"]["href"].split("/")[2] for row in rows} == {"Jobs"}


async def test_one_session(caller: Caller) -> None:
    """A session is found by its id, also after it ended, with its log and what it processed."""
    running = (await caller.rows("/JobSessions", status="Running"))[0]

    assert running["endTime"] is None
    assert await caller.rows(f"/JobSessions/{running['id']}/LogItems", type="Running")
    assert running["jobWillBeRetried"] is None
    assert await caller.read(f"/JobSessions/{running['id'].upper()}") == running
    caller.stage.clock.time += DAY
    ended = await caller.read(f"/JobSessions/{running['id']}")
    assert ended["endTime"]
    assert ended["creationTime"] == running["creationTime"]
    log = await caller.rows(f"/JobSessions/{running['id']}/LogItems")
    assert log[0]["type"] == "Success"
    assert await caller.rows(f"/JobSessions/{running['id']}/LogItems", type="Running") == []
    assert (await caller.get(f"/JobSessions/{running['id'][:-1]}x")).status == 404
