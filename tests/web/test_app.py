import asyncio
import gzip
import logging
import socket
import tracemalloc
from contextlib import ExitStack

import pytest

from exporter.metrics.family import PREFIX
from exporter.metrics.snapshot import CellKey
from exporter.web.app import HARMLESS
from tests.metrics.facts import place
from tests.web.site import Site

METRICS = "/metrics"
PATHS = [METRICS, "/probe?source=s&tenant=t1", "/sd", "/config", "/", "/-/healthy", "/-/ready"]
ONE = "/metrics?name[]=m365backup_tenant_info"
BIG = 30_000_000
ONE_MIB = 1 << 20


async def test_plain_text(site: Site) -> None:
    """Who asks for nothing in particular gets text 0.0.4, not compressed, with its length."""
    answer = await site.ask(METRICS)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert "Content-Encoding" not in answer.headers
    assert answer.body.startswith(b"# HELP m365backup_tenant_info ")


async def test_openmetrics_compressed(site: Site) -> None:
    """Prometheus gets OpenMetrics, compressed, and caches are told what the answer depends on."""
    plain = await site.ask(METRICS, ("Accept", "application/openmetrics-text;version=1.0.0"))

    answer = await site.ask(
        METRICS, ("Accept", "application/openmetrics-text;version=1.0.0"), ("Accept-Encoding", "gzip")
    )

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(answer.body) == plain.body
    assert plain.body.endswith(b"\n# EOF\n")


async def test_header_in_several_lines(site: Site) -> None:
    """Wishes spread over several lines of one header are one list."""
    answer = await site.ask(
        METRICS,
        ("Accept", "text/plain;q=0.5"),
        ("Accept", "application/openmetrics-text"),
        ("Accept-Encoding", "br"),
        ("Accept-Encoding", "gzip"),
    )

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text;")
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("rubbish", ["text/plain;version=abc", ";q=,,=;", "q=1;q=2", "é", "*" * 4000, '"'])
async def test_rubbish_is_no_error(rubbish: str, site: Site) -> None:
    """Whatever stands in the Accept headers, the answer is 200 with text."""
    answer = await site.ask(METRICS, ("Accept", rubbish), ("Accept-Encoding", rubbish))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


async def test_families_by_name(site: Site) -> None:
    """name[] chooses families, compressed or not."""
    plain = await site.ask(f"{ONE}&name[]=m365backup_job_runs_total")
    squeezed = await site.ask(f"{ONE}&name[]=m365backup_job_runs_total", ("Accept-Encoding", "gzip"))

    families = [line.split(b" ")[2] for line in plain.body.splitlines() if line.startswith(b"# TYPE")]
    assert families == [b"m365backup_tenant_info", b"m365backup_job_runs_total"]
    assert gzip.decompress(squeezed.body) == plain.body


async def test_no_such_family(site: Site) -> None:
    """A name that nobody knows is no error: the exposition is empty."""
    answer = await site.ask("/metrics?name[]=nobody")

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("headers", [[], [("Accept-Encoding", "gzip")]])
async def test_head(headers: list[tuple[str, str]], site: Site) -> None:
    """HEAD tells what GET would, without the body."""
    got = await site.ask(METRICS, *headers)

    asked = await site.ask(METRICS, *headers, method="HEAD")

    assert (asked.status, asked.body) == (200, b"")
    assert without_date(asked.headers) == without_date(got.headers)


@pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
async def test_all_is_well(path: str, word: str, site: Site) -> None:
    """Healthy and ready are 200 and say so."""
    answer = await site.ask(path)

    assert (answer.status, answer.body) == (200, f"{word}\n".encode())


async def test_not_healthy(site: Site) -> None:
    """Unhealthy is 503 with the reason, and has nothing to do with readiness."""
    site.unhealthy = "housekeeping is 40 s late"

    healthy, ready = await site.ask("/-/healthy"), await site.ask("/-/ready")

    assert (healthy.status, healthy.body) == (503, b"not healthy: housekeeping is 40 s late\n")
    assert ready.status == 200


async def test_not_ready(site: Site) -> None:
    """Not ready is 503 with the reason; metrics are served all the same."""
    site.unready = "not asked for tenants yet: s"

    ready, metrics = await site.ask("/-/ready"), await site.ask(METRICS)

    assert (ready.status, ready.body) == (503, b"not ready: not asked for tenants yet: s\n")
    assert metrics.status == 200


async def test_configuration(site: Site) -> None:
    """The configuration is text, whatever a browser would like it to be."""
    answer = await site.ask("/config", ("Accept", "text/html"))

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.body == b"web:\n  listen: []\n"


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "/-/", "/../etc/passwd", "/%00"])
async def test_no_such_page(path: str, site: Site) -> None:
    """An unknown path is 404."""
    assert (await site.ask(path)).status == 404


async def test_read_only(site: Site) -> None:
    """Nothing can be sent to a page."""
    answers = [await site.ask(path, method=method) for path in PATHS for method in ("POST", "PUT", "DELETE")]

    assert {answer.status for answer in answers} == {405}


@pytest.mark.parametrize("path", [*PATHS, "/nobody"])
async def test_harmless(path: str, site: Site) -> None:
    """Every answer, streamed or an error, is what it says it is and may load nothing; the page may use its style."""
    answer = await site.ask(path)

    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert {header: answer.headers.get(header) for header in HARMLESS} == {
        **HARMLESS,
        "Content-Security-Policy": policy,
    }


async def test_a_big_body(site: Site) -> None:
    """A body of 30 MB arrives whole."""
    grow(site)

    answer = await site.ask(METRICS)

    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.body.count(b"x") >= BIG


async def test_a_hanging_client(site: Site) -> None:
    """A client that does not read holds up no other one, and only a piece of the body waits for it in memory."""
    grow(site)
    with socket.socket() as hanging:
        await hang(hanging, site.port)

        answers = await asyncio.gather(*(site.ask(METRICS) for _ in range(3)), site.ask("/-/healthy"))

        assert [answer.status for answer in answers] == [200] * 4
        assert all(answer.body.count(b"x") >= BIG for answer in answers[:3])
        assert 0 < site.unsent_bytes() < ONE_MIB


async def test_many_hanging_clients(site: Site) -> None:
    """Twenty clients that ask for 30 MB and do not read it cost a few megabytes together."""
    grow(site)
    tracemalloc.start()
    with ExitStack() as stack:
        stack.callback(tracemalloc.stop)
        for _ in range(20):
            await hang(stack.enter_context(socket.socket()), site.port)
        await site.ask("/-/healthy")

        assert tracemalloc.get_traced_memory()[0] < 10 * ONE_MIB


async def test_a_client_that_goes_away(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves in the middle of the body costs nothing: no error is logged, its connection is given up."""
    grow(site)
    with socket.socket() as leaving, caplog.at_level(logging.WARNING):
        await hang(leaving, site.port)
        await site.ask("/-/healthy")
        leaving.close()
        while site.open_connections():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)

    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


async def test_while_everything_changes(site: Site) -> None:
    """Every scrape gets a body of the announced length, however often the cache changes meanwhile."""
    scrapes = [asyncio.create_task(site.ask(METRICS, ("Accept-Encoding", "gzip"))) for _ in range(20)]
    for generation in range(200):
        site.snapshot.publish(
            CellKey("s", "t2", "jobs"), {place("tenant_info"): f"{PREFIX}tenant_info {generation}\n".encode()}, series=1
        )
        await asyncio.sleep(0)

    answers = await asyncio.gather(*scrapes)

    assert all(answer.headers["Content-Length"] == str(len(answer.body)) for answer in answers)
    assert all(gzip.decompress(answer.body).count(b"# TYPE m365backup_tenant_info ") == 1 for answer in answers)


def grow(site: Site) -> None:
    """Let the exposition be 30 MB long."""
    line = PREFIX.encode() + b"tenant_info " + b"x" * 988 + b"\n"
    site.snapshot.publish(CellKey("s", "big", "jobs"), {place("tenant_info"): line * (BIG // 988 + 1)}, series=1)


async def hang(client: socket.socket, port: int) -> None:
    """Ask for the metrics, read the beginning of the answer, and then no more."""
    loop = asyncio.get_running_loop()
    client.settimeout(0)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await loop.sock_recv(client, 15)).startswith(b"HTTP/1.1 200")


def without_date(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers but for the one that changes by itself."""
    return {name: value for name, value in headers.items() if name != "Date"}
