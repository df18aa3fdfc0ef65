import sys
import time

import orjson
import pytest

from exporter.simulator.config import cloudbackup_config_for, config_for
from exporter.simulator.elements.job_rows import v3_job
from exporter.simulator.server import build_app, serve
from tests.simulator.stage import START, Stage, StandingClock, small_world, staged


async def test_requests_are_counted_by_operation(stage: Stage) -> None:
    """The statistics name each operation, the token's and the unknown too."""
    stage.statistics.requests.clear()
    customer = stage.world.customers(START)[0].id

    await stage.token()
    await stage.post("/customers/batch")
    await stage.post(f"/customers/{customer}/avpt-products/jobs/batch")
    await stage.get("/Customers")
    await stage.get(f"/partner/Customers/{customer}/Jobs")
    await stage.get(f"/partner/Customers/{customer}/Jobs")
    await stage.get("/nowhere")
    await stage.post("/nowhere")

    assert stage.statistics.requests == {
        "token": 1,
        "v3_customers": 1,
        "v3_jobs": 1,
        "v1_customers": 1,
        "v1_jobs": 2,
        "unknown": 2,
    }


async def test_lists_of_v3_are_posted(stage: Stage) -> None:
    """A GET of a list of v3 is 404, a POST of one of v1 is 405."""
    answer = await stage.get("/partner/external/v3/general/customers/batch")
    other = await stage.session.post(f"{stage.server.base_url}/Customers", headers=stage.headers)

    assert answer.status == 404
    assert other.status == 405


async def test_a_taken_port_is_an_error(stage: Stage) -> None:
    """Listening where someone listens fails at once and leaves nothing behind."""
    app = build_app(small_world(), clock=StandingClock())

    with pytest.raises(OSError, match="address already in use"):
        await serve(app, "127.0.0.1", stage.server.port)


async def test_a_closed_server_is_gone() -> None:
    """After close the port is free for the next."""
    app = build_app(small_world(), clock=StandingClock())
    server = await serve(app, "127.0.0.1", 0)
    await server.close()

    again = await serve(build_app(small_world(), clock=StandingClock()), "127.0.0.1", server.port)

    assert again.port == server.port
    await again.close()


def test_config_for_v3() -> None:
    """The printed configuration points to the root, with the public secret."""
    assert config_for("http://127.0.0.1:8080", api="v3") == (
        "sources:\n"
        "  elements_sim:\n"
        "    kind: elements\n"
        "    api: v3\n"
        "    base_url: http://127.0.0.1:8080\n"
        "    auth:\n"
        "      token_url: http://127.0.0.1:8080/connect/token\n"
        "      client_id: 5150a7ed-0000-4000-8000-000000000001\n"
        "      client_secret: simulated\n"
    )


def test_config_for_v1() -> None:
    """For v1 the base has the prefix."""
    assert "base_url: http://localhost:8080/partner\n" in config_for("http://localhost:8080", api="v1")


def test_config_for_cloud_backup() -> None:
    """Each customer is a source whose client has the customer's id; any name is quoted."""
    customer = small_world().customers(START)[0]

    printed = cloudbackup_config_for("http://127.0.0.1:8080", [customer], api="legacy")

    assert printed == (
        "sources:\n"
        "  cloudbackup_sim_1:\n"
        "    kind: cloudbackup\n"
        "    api: legacy\n"
        "    base_url: http://127.0.0.1:8080\n"
        f'    tenant: {{"id": "{customer.id}", "name": "{customer.organization}"}}\n'
        "    auth:\n"
        "      token_url: http://127.0.0.1:8080/connect/token\n"
        f"      client_id: {customer.id}\n"
        "      client_secret: simulated\n"
    )


def test_config_for_nobody() -> None:
    """Without customers there are no sources."""
    assert cloudbackup_config_for("http://127.0.0.1:8080", [], api="v2") == "sources: {}\n"


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
        ("http://localhost:1", False),
        ("http://10.0.0.1:1", True),
        ("http://simulator:1", True),
    ],
)
def test_plain_http_is_allowed_where_needed(url: str, *, plain: bool) -> None:
    """Only a host that is not loopback needs the permission for plain HTTP."""
    assert ("allow_plain_http: true" in config_for(url, api="v3")) is plain


def test_a_full_page_of_jobs_is_cheap() -> None:
    """100 job rows are computed and encoded in less than 3 ms of CPU."""
    world = small_world(tenants=1, rows_per_customer=100)
    jobs = world.jobs(world.customers(START)[0])
    spent = []

    for second in range(20):
        begin = time.process_time()
        orjson.dumps([v3_job(job, START + second, world.era) for job in jobs])
        spent.append(time.process_time() - begin)

    measured_by_coverage = sys.gettrace() is not None
    assert min(spent) < (0.012 if measured_by_coverage else 0.003)


async def test_every_row_of_a_forced_page_is_there() -> None:
    """A customer forced to 100 rows has a full page of them."""
    world = small_world(tenants=1, rows_per_customer=100)
    async with staged(world) as stage:
        path = f"/customers/{world.customers(START)[0].id}/avpt-products/jobs/batch"
        rows = await stage.rows(path, pageSize="100")

    assert len({(row["jobType"], row["jobModule"], row["name"]) for row in rows}) == 100
