"""What fails, lies or hangs at one place of a server costs that place only."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from aioresponses import CallbackResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from exporter.client.fields import Fields
from exporter.errors import ServerFailed, SourceError, Throttled, TimedOut
from exporter.records import ProtectedEntities, RepositoryUsage, ServerLicense, Subscription, Tenant
from exporter.source import Source
from exporter.sources.veeam import infrastructure_wire, wire
from exporter.sources.veeam.chains import chains
from exporter.sources.veeam.generations import AGAIN_AFTER, Generations
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import (
    BACKUP,
    CONTOSO,
    DAILY,
    DAY,
    FABRIKAM,
    HOUR,
    JOB,
    ORIGIN,
    Polled,
    Stage,
    at,
    job,
    page,
    session,
)
from tests.sources.veeam.test_chains import attempt
from tests.sources.veeam.test_others import LICENSE, ORGANIZATIONS, moment, serve_infrastructure
from tests.support.avepoint import MORNING, Notes
from tests.support.vendor import Answered, Asked

NIGHT = MORNING - 8 * HOUR
LATER = KnownRuns(answered_at=MORNING - 300)
ITEMS = {"jobs": {"job_items": True}}
MINE = ORGANIZATIONS[:1]


@pytest.mark.parametrize("status", [500, 400, 403, 404])
async def test_a_session_that_is_not_told(stage: Stage, status: int) -> None:
    """A single session that cannot be asked for costs nothing but itself."""
    stage.jobs([job()], [session("s1", began=NIGHT)])
    stage.answer("v8/JobSessions/dead", {"message": "x", "errorCode": "Any"}, status=status)
    stage.answer("v8/JobSessions/dear", session("dear", began=MORNING - 2 * DAY))
    known = KnownRuns(answered_at=MORNING, under_way={"dead": MORNING - 7200, "dear": MORNING - 2 * DAY})

    assert [run.run_id for run in (await stage.polled(known)).runs] == ["dear", "s1"]


def serve_items(stage: Stage, status: int | None) -> None:
    """Answer a poll about two jobs; of the first one's items with this status, if any."""
    stage.vendor.clear()
    stage.grant("v8")
    stage.jobs([job(), job("other", "Other")])
    for job_id in (JOB, "other"):
        for which, kind in (("SelectedItems", "User"), ("ExcludedItems", "Site")):
            failing = {"status": status} if status and job_id == JOB else {}
            stage.answer(f"v8/Jobs/{job_id}/{which}", page([{"type": kind}]), **failing)


@pytest.mark.parametrize("status", [500, 403, 404])
async def test_items_that_are_not_told(stage: Stage, status: int) -> None:
    """A job whose items cannot be asked for keeps its old numbers, and is asked again a day later; others are told."""
    source, asked, told = stage.source(collectors=ITEMS), [], []
    for failing, pause in ((None, 0.0), (status, DAY + 1), (None, HOUR), (None, DAY)):
        stage.clock.advance(pause)
        serve_items(stage, failing)
        before = len(stage.queries(f"/{JOB}/"))
        settings = Polled(await source.collect("jobs", "", LATER)).settings
        asked.append(len(stage.queries(f"/{JOB}/")) > before)
        told.append([(dict(each.selected), dict(each.excluded)) for each in settings.values()])

    assert asked == [True, True, False, True]
    assert told == [[({"users": 1}, {"sites": 1})] * 2] * 4


@pytest.mark.parametrize("status", [500, 403, 404])
async def test_items_that_were_never_told(stage: Stage, status: int) -> None:
    """A job whose items could never be asked for has none, not 0 of them, and is not asked at every poll."""
    source = stage.source(collectors=ITEMS)
    serve_items(stage, status)
    first = Polled(await source.collect("jobs", "", LATER))
    asked = len(stage.queries("Items"))
    stage.clock.advance(300)
    await source.collect("jobs", "", LATER)

    assert first.settings[BACKUP].selected == {}
    assert len(stage.queries("Items")) == asked


class Statuses:
    """An HTTP client that answers the question for each generation with a status."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = statuses

    async def status(self, operation: str, path: str) -> int:  # noqa: ARG002 - as asked
        """Return it."""
        return self.statuses[path.partition("/")[0]]


@pytest.mark.parametrize(
    ("status", "error"), [(500, ServerFailed), (503, ServerFailed), (429, Throttled), (408, TimedOut)]
)
async def test_a_doubt_about_a_generation(stage: Stage, status: int, error: type[SourceError]) -> None:
    """Where a server does not tell whether it has v8, v7 is not taken; what was known stays, else it is an error."""
    generations, http = Generations(None, stage.clock), Statuses(v8=status, v7=401, v6=401)
    with pytest.raises(error, match="v8"):
        await generations.spoken(http)  # type: ignore[arg-type] # all it is asked
    http.statuses["v8"] = 401
    assert await generations.spoken(http) == "v8"  # type: ignore[arg-type]
    stage.clock.advance(AGAIN_AFTER + 1)
    http.statuses["v8"] = status

    assert await generations.spoken(http) == "v8"  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [404, 400, 410])
async def test_a_generation_that_is_not_served(stage: Stage, status: int) -> None:
    """404, 400 and 410 say that a generation is not served; a doubt about the next one is a doubt all the same."""
    served, doubtful = Statuses(v8=status, v7=403, v6=401), Statuses(v8=status, v7=502, v6=401)

    assert await Generations(None, stage.clock).spoken(served) == "v7"  # type: ignore[arg-type]
    with pytest.raises(ServerFailed, match="v7"):
        await Generations(None, stage.clock).spoken(doubtful)  # type: ignore[arg-type]


async def test_an_unwell_server_is_not_one_without_the_api(stage: Stage) -> None:
    """A server that answers 503 to everything is told as a failing one, not as the wrong address."""
    for generation in ("v8", "v7", "v6"):
        stage.answer(f"{generation}/ServiceInstance", {}, status=503)

    with pytest.raises(ServerFailed):
        await stage.source("auto", tokens=False).collect("organizations", "", KnownRuns())


async def discovered(stage: Stage, source: Source, rows: Sequence[Any], **states: Any) -> list[Tenant]:
    """Return what a discovery tells where the server has these rows."""
    stage.vendor.clear()
    stage.grant("v8")
    stage.answer("v8/Organizations", page(rows))
    stage.answer("v8/Organizations/SyncState", [states] if states else [])
    found = await source.collect("organizations", "", KnownRuns())
    return [each for each in found if isinstance(each, Tenant)]


@pytest.mark.parametrize("known", [None, MORNING - HOUR])
async def test_times_far_ahead(stage: Stage, known: float | None) -> None:
    """A last backup or a synchronization more than a day ahead is not told, and does not stay for ever."""
    source, ahead = stage.source(), at(MORNING + DAY + 60)
    before = {"lastBackuptime": at(known)} if known else {}
    state = {"organizationId": CONTOSO, "lastSyncState": {"result": "Success", "endTime": ahead}}
    await discovered(stage, source, [MINE[0] | before])

    (wrong,) = await discovered(stage, source, [MINE[0] | {"lastBackuptime": ahead}], **state)
    (right,) = await discovered(stage, source, [MINE[0] | {"lastBackuptime": at(MORNING)}])

    assert (wrong.last_backup_at, wrong.synchronized_at) == (known, None)
    assert (right.last_backup_at, right.synchronized_at) == (MORNING, None)


async def test_wrong_times_of_before(stage: Stage) -> None:
    """A time far ahead that was remembered before a restart is forgotten."""
    source = stage.source()
    known = Tenant(tenant=CONTOSO, name="x", last_backup_at=4e9, synchronized_at=4e9)
    source.recall("organizations", CONTOSO, [known], applicable=True)

    (found,) = await discovered(stage, source, MINE)

    assert (found.last_backup_at, found.synchronized_at) == (None, None)


@pytest.mark.parametrize(("missing", "remembered"), [(HOUR, True), (DAY + HOUR, False)])
async def test_an_organization_that_one_answer_lacks(stage: Stage, missing: float, *, remembered: bool) -> None:
    """The times of an organization that answers lack are remembered for a day: not each answer is believed."""
    source = stage.source()
    await discovered(stage, source, [MINE[0] | {"lastBackuptime": at(NIGHT)}])
    stage.clock.advance(missing)
    assert await discovered(stage, source, []) == []

    (found,) = await discovered(stage, source, MINE)

    assert found.last_backup_at == (NIGHT if remembered else None)


@pytest.mark.parametrize("busy", [False, True])
def test_a_failed_attempt_without_an_end(*, busy: bool) -> None:
    """One that announces a retry but has no end is over an hour, and the wait, after it began; others are at once."""
    chain, *_ = chains([attempt("a", 0, "failed", ended_at=None, will_be_retried=True)])
    due = MORNING + 600

    assert chain.status(None, due + HOUR - 1, busy=busy) == "running"
    assert chain.status(None, due + HOUR, busy=False) == "failed"
    timeless, *_ = chains([attempt("a", 0, "failed", created_at=None, ended_at=None, will_be_retried=True)])
    assert timeless.status(None, MORNING, busy=busy) == "failed"


async def test_a_disabled_job_waits_for_nothing(stage: Stage) -> None:
    """A job that is switched off is not tried again, whatever its last attempt announced."""
    announced = session("s", began=MORNING - 900, took=300, status="Failed", jobWillBeRetried=True)
    stage.jobs([job(isEnabled=False, lastStatus="Failed")], [announced])

    polled = await stage.polled()

    assert (polled.run.status, polled.jobs[BACKUP].status) == ("failed", "disabled")


@pytest.mark.parametrize("status", [404, 403, 500, 503])
async def test_sync_states_that_fail(stage: Stage, status: int) -> None:
    """One organization of v7 that cannot tell when it was read costs no discovery."""
    stage.answer("v7/Organizations", ORGANIZATIONS)
    stage.answer(f"v7/Organizations/{CONTOSO}/SyncState", status=status)
    stage.answer(f"v7/Organizations/{FABRIKAM}/SyncState", {"status": "Success", "lastSyncTime": at(MORNING - 60)})
    source = stage.source("v7")
    for _ in range(3):
        assert len(await source.collect("organizations", "", KnownRuns())) == 2


@pytest.mark.parametrize(
    "usage",
    [{"status": 404}, {"status": 403}, {"payload": {"platformTypes": None}}, {"payload": []}, {"payload": None}],
)
async def test_use_that_is_not_told(stage: Stage, usage: dict[str, Any]) -> None:
    """The server's licence is told although nobody tells what each organization uses of it."""
    stage.answer("v8/License", LICENSE)
    stage.answer("v8/licensing/statistic/usage", **usage)

    (license_,) = await stage.source().collect("license", "", KnownRuns())

    assert isinstance(license_, ServerLicense)
    assert license_.seats_used == 487


@pytest.mark.parametrize("status", [404, 403])
async def test_use_of_one_organization(stage: Stage, status: int) -> None:
    """On v6 an organization that does not tell its use costs neither the licence nor another one's."""
    stage.answer("v6/Organizations", ORGANIZATIONS)
    stage.answer("v6/License", {"type": "Rental", "usedNumber": 5})
    stage.answer(f"v6/Organizations/{CONTOSO}/LicensingInformation", {}, status=status)
    stage.answer(f"v6/Organizations/{FABRIKAM}/LicensingInformation", {"licensedUsers": 7})
    source = stage.source("v6")
    await source.collect("organizations", "", KnownRuns())

    license_, *seats = await source.collect("license", "", KnownRuns())

    assert isinstance(license_, ServerLicense)
    assert [(each.tenant, each.seats_used) for each in seats if isinstance(each, Subscription)] == [(FABRIKAM, 7)]


@pytest.mark.parametrize("status", [403, 404, 500, 502, 503])
async def test_health_that_is_not_told(stage: Stage, status: int) -> None:
    """Repositories and proxies are told although nobody tells how the server is."""
    serve_infrastructure(stage, Health=status)

    assert len(await stage.source().collect("infrastructure", "", KnownRuns())) == 4


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("missing", ["Users", "Teams"])
async def test_one_list_of_the_protected(stage: Stage, status: int, missing: str) -> None:
    """A list of protected entities that cannot be asked for costs neither the other lists nor the space."""
    stage.answer(f"v8/Organizations/{CONTOSO}/usedRepositories", page([{"repositoryId": "r", "usedSpaceBytes": 5}]))
    for what in ("Users", "Groups", "Sites", "Teams"):
        options: dict[str, Any] = {"status": status} if what == missing else {}
        stage.answer(f"v8/Protected{what}", page([{"id": "x"}]), **options)

    space, entities = await stage.source().collect("protection", CONTOSO, KnownRuns())

    assert isinstance(space, RepositoryUsage)
    assert isinstance(entities, ProtectedEntities)
    assert entities.entities == dict.fromkeys({"users", "groups", "sites", "teams"} - {missing.lower()}, 1)


@pytest.mark.parametrize(
    ("kind", "expires", "grace"),
    [
        ("Subscription", "9999-12-31T23:59:59.9999999Z", None),
        ("Subscription", "9999-12-31T00:00:00Z", None),
        ("Rental", "9999-11-01T00:00:00Z", None),
        ("Subscription", "9999-11-30T00:00:00Z", moment("9999-12-30")),
        ("Evaluation", "2026-12-31T00:00:00Z", moment("2026-12-31")),
        ("NFR", "2028-02-29T00:00:00Z", moment("2028-02-29")),
        ("Rental", "2026-12-31T00:00:00Z", moment("2027-02-28")),
    ],
)
def test_the_end_of_grace(kind: str, expires: str, grace: float | None) -> None:
    """A licence for ever has no end of grace, one for tests ends with itself, others a month or two later."""
    license_ = wire.server_license(Fields({"type": kind, "expirationDate": expires}, Notes()))

    assert license_.grace_ends_at == grace


def serve_organizations(stage: Stage, extended: Any) -> None:
    """Answer for organizations; with the last backup as *extended* says: a status, or an error."""

    def answer(url: URL, **_: Any) -> CallbackResult:
        stage.vendor.asked.append(Asked("GET", url.raw_path_qs))
        failing = url.query["extendedView"] == "true" and extended is not None
        if failing and isinstance(extended, type):
            raise extended
        status, rows = (extended, {}) if failing else (200, page(ORGANIZATIONS))
        return CallbackResult(status=status, payload=rows, response_class=Answered)

    stage.vendor.clear()
    stage.grant("v8")
    stage.answer("v8/Organizations/SyncState", [])
    stage.vendor.add(re.compile(re.escape(f"{ORIGIN}/v8/Organizations?") + ".*"), callback=answer, repeat=True)


@pytest.mark.parametrize("trouble", [500, 503, 408, 400, TimeoutError])
async def test_last_backups_that_are_not_told(stage: Stage, trouble: Any) -> None:
    """Last backups are asked for once; where that fails, not again for an hour, and organizations are found."""
    source, asked = stage.source(), []
    for pause, failing in ((0, trouble), (900, trouble), (900, trouble), (1801, None), (900, None)):
        stage.clock.advance(pause)
        serve_organizations(stage, failing)
        before = len(stage.asked())
        assert len(await source.collect("organizations", "", KnownRuns())) == 2
        asked.append([each["extendedView"] for each in stage.queries("Organizations?")][before:])
        stage.vendor.asked.clear()

    assert asked == [["true", "false"], ["false"], ["false"], ["true"], ["true"]]


def test_retries_that_name_the_attempt_before() -> None:
    """A chain whose retries each name the one before, not the first, is one run."""
    names = ["a", "b", "c", "d"]
    attempts = [
        attempt(name, number * 1000, "failed", retry=number, main_id=names[number - 1] if number else None)
        for number, name in enumerate(names)
    ]

    (chain,) = chains(reversed(attempts))

    assert (chain.run_id, [each.session_id for each in chain.sessions]) == ("a", names)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcdex"), st.integers(0, 3)), max_size=12))
def test_whatever_attempts_name(drawn: list[tuple[str, str, int]]) -> None:
    """Attempts that name each other in circles, or nobody, end in chains all the same, each in one at most."""
    sessions = [
        attempt(name, 100 * place, retry=retry, main_id=None if main == name else main)
        for place, (name, main, retry) in enumerate(drawn)
    ]

    found = [each.session_id for chain in chains(sessions) for each in chain.sessions]

    assert len(found) == len(set(found))
    assert all(chain.run(CONTOSO, BACKUP, "success").run_id for chain in chains(sessions))


async def test_attempts_in_circles(stage: Stage) -> None:
    """A poll in which attempts name each other in a circle is answered, and other runs are told."""
    circle = [
        session("a", began=NIGHT, mainSessionId="b", retryCount=1),
        session("b", began=NIGHT + HOUR, mainSessionId="a", retryCount=1),
    ]
    stage.jobs([job()], [*circle, session("s", began=MORNING - HOUR, took=60)])

    assert "s" in [run.run_id for run in (await stage.polled()).runs]


def test_components_of_health() -> None:
    """No component takes the server's place; of strange names nothing is told, and of many not all."""
    good, bad = {"status": "Healthy"}, {"status": "Unhealthy"}
    strange = {"a\nb\x00": good, "x" * 65: good, "": good, "a b": good, "ok-1.2_3": good}

    odd = infrastructure_wire.health(Fields({"status": "Unhealthy", "entries": {"server": good, **strange}}, Notes()))
    many = {f"c{number}": bad for number in range(5000)}
    all_ = infrastructure_wire.health(Fields({"status": "Healthy", "entries": many}, Notes()))
    silent = infrastructure_wire.health(Fields({"entries": {"server": good, "nats": good}}, Notes()))

    assert odd == {"server": False, "ok-1.2_3": True}
    assert len(all_) <= 1 + 20
    assert "server" not in silent
    assert silent == {"nats": True}


async def test_a_weekly_job_waits_for_its_retries(stage: Stage) -> None:
    """A retry that v6 does not announce is waited for as the schedule says, by the server's own clock."""
    failed = session("s", began=MORNING - 700, took=100, status="Failed", jobWillBeRetried=None)
    stage.jobs([job(schedulePolicy=DAILY, lastStatus="Failed")], [failed])

    assert (await stage.polled()).run.status == "running"
    stage.clock.advance(400)
    assert (await stage.polled()).run.status == "failed"
