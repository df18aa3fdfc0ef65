import re
from collections import Counter
from typing import Any

import pytest

from exporter.simulator.cloudbackup.history import ended_between, history, jobs_of
from exporter.simulator.cloudbackup.manners import Manners
from exporter.simulator.elements.job_rows import v3_job
from exporter.simulator.era import DAY
from exporter.simulator.world import World
from tests.simulator.cloudbackup.callers import GENERATIONS, Caller, Generation, calling, expected, fact, subscribers
from tests.simulator.stage import START, small_world

PREFIXES = {
    "Exchange Online": {"EIB", "EFB"},
    "Public Folders": {"EIB", "EFB"},
    "SharePoint Online": {"IB", "FB"},
    "OneDrive": {"IB", "FB"},
    "Project Online": {"IB", "FB"},
    "Microsoft 365 Groups": {"OIB", "OFB"},
    "Teams": {"TIB", "TFB"},
    "Viva Engage": {"YIB", "YFB"},
    "Teams Chat": {"CIB", "CFB"},
    "Power Automate": {"PAUIB", "PAUFB"},
    "Power Apps": {"PAPIB", "PAPFB"},
    "Power BI": {"PBIB", "PBFB"},
}


async def all_rows(world: World, generation: Generation = "v2", **options: Any) -> list[dict[str, Any]]:
    """Return the rows of eight customers."""
    async with calling(world, **options) as caller:
        found = []
        for customer in subscribers(world)[:8]:
            await caller.sign_in(customer.id)
            found += await caller.rows(generation)
        return found


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_rows_tell_the_history(caller: Caller, generation: Generation) -> None:
    """Each generation shows exactly the runs of the world, in their order, with their facts."""
    shown = [fact(row) for row in await caller.rows(generation)]

    assert shown == [expected(each) for each in history(caller.stage.world, caller.customer, START)]
    assert len(shown) > 300


async def test_generations_agree(world: World) -> None:
    """Of each of eight customers the three generations tell the same facts."""
    legacy, v1, v2 = [[fact(row) for row in await all_rows(world, each)] for each in GENERATIONS]

    assert legacy == v1 == v2


async def test_newest_come_first(caller: Caller) -> None:
    """Rows are sorted by their start, the newest first."""
    starts = [row["StartTime"] for row in await caller.rows("legacy")]

    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_rows_tell_neither_type_nor_workload(caller: Caller, generation: Generation) -> None:
    """A row has these fields and no others; only questions tell what was backed up."""
    fields = {name.lower() for row in (await caller.page(generation)).rows for name in row}

    assert fields == {"id", "state", "starttime", "finishtime", "duration", "backupdetails", "joberrors"}


async def test_backups_are_those_of_elements(world: World) -> None:
    """The latest run that Elements shows of a module is found here with the same id, times and outcome."""
    checked = 0
    for customer in subscribers(world):
        known = {each.run.id: each for each in history(world, customer, START)}
        for job in jobs_of(world, customer, 1):
            row = v3_job(job, START, world.era)
            if row["jobId"] == "N/A" or row["status"] == 5:
                continue
            facts = expected(known[row["jobId"]])
            checked += 1
            assert facts.counts[0] == int(row["totalCount"])
            assert facts.counts[1] == int(row["failedCount"]) + int(row["warningCount"])
            assert {"finished": 2, "failed": 3, "in progress": 1}.get(facts.state, 4) == row["status"]
    assert checked > 100


async def test_truth_of_backups_serves_both(world: World) -> None:
    """What ended here as a backup is what ended in the world, without other products and what was skipped."""
    for customer in subscribers(world):
        ended = world.runs_ended_between(customer, START - 9 * DAY, START)
        backups = [each for each in ended_between(world, customer, START - 9 * DAY, START) if each.purpose == "backup"]
        assert [each.run for each in backups] == [
            run for job, run in ended if job.workload.product == "Microsoft 365" and run.outcome != "skipped"
        ]


def test_truth_equals_the_history(world: World) -> None:
    """What ended between two instants is what the history gained as ended; no run is ever taken back."""
    for customer in subscribers(world)[:6]:
        before = {each.run.id for each in history(world, customer, START) if each.end is not None}
        after = {each.run.id: each for each in history(world, customer, START + 2 * DAY) if each.end is not None}
        ended = list(ended_between(world, customer, START, START + 2 * DAY))
        assert {each.run.id for each in ended} == set(after) - before
        assert before <= set(after)
        assert all(after[each.run.id] == each for each in ended)


def test_skipped_runs_are_never_shown(world: World) -> None:
    """A run that is going to be skipped is not shown while it lasts either: no state could say what became of it."""
    customer = subscribers(world)[0]
    skipping = world.script(lambda job: job.workload.name == "Teams", "skipped", START, START + DAY)
    run = next(
        run for job in skipping.jobs(customer) for run in job.runs(START, START + DAY) if run.outcome == "skipped"
    )

    for now in (run.start, (run.start + run.end) / 2, run.end, run.end + DAY):
        assert run.id not in {each.run.id for each in history(skipping, customer, now)}


@pytest.mark.parametrize("state", ["failed", "warning", "success"])
def test_scripts_reach_errands(world: World, state: Any) -> None:
    """A script decides about restores too, if its selection lets it."""
    scripted = world.script(lambda job: job.purpose == "restore", state, START, START + 30 * DAY)
    runs = [
        each.run
        for customer in subscribers(world)
        for each in ended_between(scripted, customer, START + DAY, START + 30 * DAY)
        if each.purpose == "restore"
    ]

    assert {run.outcome for run in runs} == {state}


async def test_each_run_is_in_one_partition(caller: Caller) -> None:
    """Each run is found with exactly one pair of jobType and objectType, none is lost."""
    parts: Counter[str] = Counter()
    for job_type in range(1, 6):
        for object_type in range(1, 13):
            parts.update(await caller.ids(jobType=str(job_type), objectType=str(object_type)))

    assert parts == Counter(await caller.ids())
    assert set(parts.values()) == {1}


async def test_each_run_is_in_one_state(caller: Caller) -> None:
    """Each run is found with exactly one jobState, that of its row."""
    everything = {each.id: each.state for each in map(fact, await caller.rows())}
    numbers = {1: "in progress", 2: "finished", 3: "failed", 4: "with exception", 5: "partially"}

    found = {each: name for number, name in numbers.items() for each in await caller.ids(jobState=str(number))}

    assert found == everything


async def test_prefixes_of_backups(world: World) -> None:
    """The ids of backups begin as the reference says; what else is done has prefixes of its own."""
    seen: dict[str, set[str]] = {}
    for customer in subscribers(world):
        for each in history(world, customer, START):
            name = each.workload if each.purpose == "backup" else each.purpose
            seen.setdefault(name, set()).add(re.sub(r"\d+$", "", each.run.id))

    assert {name: seen.pop(name) for name in list(seen) if name in PREFIXES}.items() <= PREFIXES.items()
    assert seen == {"restore": {"RS"}, "export": {"EX"}, "delete": {"DE"}, "retention": {"RE"}}


async def test_spellings(world: World) -> None:
    """Every spelling of every state comes up, and both of the counts, which stay with their row."""
    rows = await all_rows(world)
    again = await all_rows(world)

    assert rows == again
    assert {row["state"] for row in rows} >= {
        "Finished", "Failed", "FinishedException", "Finished with Exception", "FinishedWithException",
        "PartiallyFinished", "Partially Finished",
    }  # fmt: skip
    assert {frozenset(row["backupDetails"]) for row in rows} == {
        frozenset({"totalCount", "failedCount", "successfulCount", "skippedCount"}),
        frozenset({"totalNumber", "failedNumber", "successfulNumber", "skippedNumber"}),
    }


async def test_running(world: World) -> None:
    """A run in progress has no finish, in three ways, a duration of nothing and no counts yet."""
    forms: dict[Generation, set[str]] = {each: set() for each in GENERATIONS}
    spellings = set()
    async with calling(world) as caller:
        for customer in subscribers(world)[:12]:
            await caller.sign_in(customer.id)
            job = next(job for job in jobs_of(world, customer, 1) if job.kind == "running" and job.temper.idle < 0.5)
            for run in list(job.runs(START, START + 10 * DAY))[::4]:
                caller.stage.clock.time = run.start + 0.5
                for generation in GENERATIONS:
                    for row in (await caller.page(generation, jobState="1")).rows:
                        name = "FinishTime" if generation == "legacy" else "finishTime"
                        forms[generation].add(repr(row.get(name, "missing")))
                        spellings.add(row.get("state", row.get("State")))
                        assert fact(row).counts == (0, 0, 0, 0)
                        assert row.get("duration", row.get("Duration")) in ("0.000", 0)

    assert forms == {
        "legacy": {"None", "'missing'", "0"},
        "v1": {"None", "'missing'", "''"},
        "v2": {"None", "'missing'", "''"},
    }
    assert spellings == {"InProgress", "In Progress"}


async def test_durations_are_wrong_now_and_then(world: World) -> None:
    """Most hours fit the times of their row, some differ by a thousandth more than rounding allows."""
    ended = [row for row in await all_rows(world) if row.get("finishTime")]
    off = [abs(float(row["duration"]) - ((fact(row).finish or 0) - fact(row).start) / 3600) > 0.0008 for row in ended]

    assert 0.02 < sum(off) / len(off) < 0.2
    assert all(re.fullmatch(r"\d+\.\d{3}", row["duration"]) for row in ended)


async def test_ticks(caller: Caller) -> None:
    """Legacy tells milliseconds: its duration is the difference of its times, which agree with the id."""
    rows = [row for row in await caller.rows("legacy") if row.get("FinishTime")]

    assert all(row["Duration"] == row["FinishTime"] - row["StartTime"] for row in rows)
    assert any(row["StartTime"] % 10_000_000 for row in rows)
    for row in rows:
        digits = re.sub(r"^\D+", "", row["Id"])
        assert row["StartTime"] % 10_000_000 // 10_000 == int(digits[14:17])


async def test_errors(world: World) -> None:
    """Failed runs and warnings list errors: codes, messages that name a person yet pose as codes, messages."""
    rows = await all_rows(world)
    errors = [error for row in rows for error in row["jobErrors"]]
    codes = {error["value"] for error in errors if error["isErrorCode"]}
    plain = {error["value"] for error in errors if not error["isErrorCode"]}

    assert all(bool(row["jobErrors"]) == (fact(row).state not in ("finished", "in progress")) for row in rows)
    assert len({value for value in codes if re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", value)}) > 20
    assert any("example.com" in value for value in codes)
    assert plain == {"Some files could not be read (synthetic)."}
    assert all(error["number"] >= 1 for error in errors)


async def test_counts_add_up(world: World) -> None:
    """The total is the sum of its parts, objects with a warning counted as failed."""
    facts = [fact(row) for row in await all_rows(world)]

    assert all(each.counts[0] == sum(each.counts[1:]) for each in facts)
    assert all(each.counts[1] for each in facts if each.counts[0] and each.state in ("with exception", "partially"))


async def test_one_job(caller: Caller) -> None:
    """The job of an id is the row of the list in an envelope of its own; one that is not there is 404."""
    row = (await caller.page()).rows[3]
    body = await caller.read(f"/backup/m365/cloudbackupjobs/{row['id']}")
    other = await caller.get("/backup/m365/cloudbackupjobs/FB20260302211530417283")

    assert body["data"] == row
    assert "metadata" not in body
    assert other.status == 404
    assert (await other.json())["errors"][0]["field"] == "jobId"


async def test_legacy_in_camel_case() -> None:
    """Legacy can write small initials everywhere, with the same facts."""
    async with calling(manners=Manners(legacy_camel=True)) as camel, calling() as pascal:
        small, capital = await camel.page("legacy"), await pascal.page("legacy")
        license_ = await camel.read("/cloudbackup/licenseconsumption")

    assert [fact(row) for row in small.rows] == [fact(row) for row in capital.rows]
    assert {"totalCount", "jobs"} <= set(small.body)
    assert {"TotalCount", "Jobs"} <= set(capital.body)
    assert "purchasedUserSeats" in license_


async def test_legacy_in_whole_seconds() -> None:
    """Legacy can be as coarse as the others."""
    async with calling(manners=Manners(whole_seconds=True)) as caller:
        rows = await caller.rows("legacy")

    assert not any(row["StartTime"] % 10_000_000 or row["Duration"] % 10_000_000 for row in rows)


def test_quiet_customers_never_fail() -> None:
    """Of a quiet customer nothing fails, errands included."""
    world = small_world()
    quiet = [each for each in world.customers(START) if each.quiet and each.has("Microsoft 365")]
    states = {each.state for customer in quiet for each in history(world, customer, START)}

    assert states <= {"finished", "in progress"}
