import pytest

from exporter.simulator.cloudbackup.history import history
from exporter.simulator.cloudbackup.paths import JOBS as JOBS_SCOPE
from exporter.simulator.cloudbackup.paths import PATHS, SCOPES
from exporter.simulator.faults import Faults
from exporter.simulator.identity import ASSERTION_TYPE
from exporter.simulator.world import World
from tests.simulator.cloudbackup.callers import GENERATIONS, JOBS, Caller, calling, subscribers
from tests.simulator.stage import START, small_world
from tests.simulator.test_identity import CLIENT, assertion


async def test_a_customers_id_opens_its_data(caller: Caller) -> None:
    """A client that is called like a customer sees the runs of this customer only."""
    for customer in subscribers(caller.stage.world)[:5]:
        await caller.sign_in(customer.id)

        assert (await caller.page()).ids == [each.run.id for each in history(caller.stage.world, customer, START)[:10]]


async def test_any_other_client_has_a_tenant(caller: Caller) -> None:
    """Any other client id always sees the same subscriber, another one perhaps another."""
    seen = {}
    for number in range(12):
        await caller.sign_in(f"app-{number}")
        seen[number] = (await caller.page()).ids

    await caller.sign_in("app-3")
    assert (await caller.page()).ids == seen[3]
    assert len({tuple(ids) for ids in seen.values()}) > 5
    assert all(seen.values())


async def test_an_assertion_names_its_client(caller: Caller) -> None:
    """The issuer of an assertion without a client id is the client."""
    await caller.sign_in(CLIENT)
    ids = (await caller.page()).ids
    form = {
        "client_assertion": assertion(),
        "client_assertion_type": ASSERTION_TYPE,
        "client_secret": "",
        "client_id": "",
    }

    answer = await caller.stage.token(**form, scope=JOBS_SCOPE)
    caller.stage.headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    assert (await caller.page()).ids == ids


async def test_without_a_subscription(caller: Caller) -> None:
    """A customer without Microsoft 365 backup gets 404 everywhere, in v2 with its envelope."""
    customers = caller.stage.world.customers(START)
    await caller.sign_in(next(each.id for each in customers if not each.has("Microsoft 365")))

    answers = {
        name: await caller.get(f"/{path}", startTime="2026-01-01", finishTime="2026-01-02")
        for name, path in PATHS.items()
    }

    assert {answer.status for answer in answers.values()} == {404}
    bodies = {name: await answer.json() for name, answer in answers.items()}
    assert all(bodies[name]["statusCode"] == 404 for name in bodies if "_v2_" in name)


async def test_who_left_is_gone() -> None:
    """The app of a customer that is not to be seen gets 404."""
    world = small_world()
    customer = subscribers(world)[0]
    async with calling(world.hide(customer.id, START - 1, START + 1), customer) as caller:
        gone = await caller.get(JOBS["v2"])
        caller.stage.clock.time = START + 1
        back = await caller.get(JOBS["v2"])

    assert (gone.status, back.status) == (404, 200)


def test_a_world_without_subscribers() -> None:
    """Where nobody bought Microsoft 365 backup no client has a tenant."""
    alone = next(each for each in map(lonely, range(500)) if not each.customers(START)[0].has("Microsoft 365"))

    assert alone.subscriber("anyone") is None


def lonely(seed: int) -> World:
    """Return a world of one customer."""
    return small_world(seed=seed, tenants=1)


@pytest.mark.parametrize("operation", PATHS)
async def test_scopes(caller: Caller, operation: str) -> None:
    """Each operation is counted under its name, works with its own scope and is 403 with all others."""
    path = f"/{PATHS[operation]}"
    if operation == "cloudbackup_v2_job":
        path += f"/{(await caller.page()).ids[0]}"
    statuses = []
    for scopes in ({SCOPES[operation]}, set(SCOPES.values()) - {SCOPES[operation]}):
        answer = await caller.stage.token(client_id=caller.customer.id, scope=" ".join(sorted(scopes)))
        caller.stage.headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        caller.stage.statistics.requests.clear()
        statuses.append((await caller.get(path.upper(), startTime="", finishTime="")).status)

        assert dict(caller.stage.statistics.requests) == {operation: 1}

    assert statuses == [
        400 if operation.endswith("unusual_activity") else 200,
        403,
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_a_token_is_needed(caller: Caller, generation: str) -> None:
    """Without a token every generation answers 401."""
    caller.stage.headers = {}

    assert (await caller.get(JOBS[generation])).status == 401


async def test_an_error_inside_of_success() -> None:
    """The fault "envelope" is an error of v2 that comes with HTTP 200."""
    async with calling(faults=Faults((("envelope", 1.0),))) as caller:
        body = await caller.read(JOBS["v2"])

    assert body["statusCode"] == 500
    assert body["errors"]
    assert "data" not in body
