"""/probe and /metrics?exclude=tenants: the exposition in parts."""

import gzip

import pytest

from exporter.metrics.snapshot import CellKey
from tests.metrics.facts import about_the_server, about_the_tenant, place, publish
from tests.web.site import Site

PROBE = "/probe?source=s&tenant=t1"
REST = "/metrics?exclude=tenants"
OPENMETRICS = ("Accept", "application/openmetrics-text;version=1.0.0")


@pytest.fixture
def fleet(site: Site) -> Site:
    """Let there be two sources with two tenants each, and what is of no tenant."""
    site.sources.add("other")
    for source in ("s", "other"):
        for tenant in ("t1", "t2"):
            publish(site.snapshot, source, tenant, "tenants", about_the_tenant(tenant))
        publish(site.snapshot, source, "", "infrastructure", about_the_server())
        publish_line(site, source, "source_up", f'{{source="{source}"}} 1')
    publish_line(site, "", "exporter_build_info", '{version="1"} 1')
    return site


def publish_line(site: Site, source: str, family: str, line: str) -> None:
    """Publish one sample of the exporter's own."""
    chunk = f"m365backup_{family}{line}\n".encode()
    site.snapshot.publish(CellKey(source, "", ""), {place(family): chunk}, series=1)


def samples(body: bytes) -> list[bytes]:
    """Return the samples, sorted."""
    return sorted(line for line in body.splitlines() if not line.startswith(b"#"))


async def test_one_tenant(fleet: Site) -> None:
    """A probe shows the series of its tenant, with the headers of their families, and no others."""
    answer = await fleet.ask("/probe?source=other&tenant=t2")

    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples(answer.body)
    assert all(b'{source="other",tenant="t2"' in line for line in samples(answer.body))
    assert answer.body.count(b"# TYPE m365backup_tenant_info gauge") == 1


async def test_parts_are_the_whole(fleet: Site) -> None:
    """All tenants' probes and what is without tenants hold each series of /metrics once, in either format."""
    for headers in ([], [OPENMETRICS]):
        parts = [await fleet.ask(REST, *headers)]
        parts += [
            await fleet.ask(f"/probe?source={source}&tenant={tenant}", *headers)
            for source in ("s", "other")
            for tenant in ("t1", "t2")
        ]
        whole = await fleet.ask("/metrics", *headers)

        assert sorted(line for part in parts for line in samples(part.body)) == samples(whole.body)
        assert {part.headers["Content-Type"] for part in parts} == {whole.headers["Content-Type"]}


async def test_without_tenants(fleet: Site) -> None:
    """What is of a source or of the exporter is left when tenants are excluded."""
    answer = await fleet.ask(REST)

    assert b"tenant=" not in answer.body
    assert b'm365backup_source_up{source="other"} 1\n' in answer.body
    assert b'm365backup_exporter_build_info{version="1"} 1\n' in answer.body
    assert b"m365backup_server_license_seats_used{" in answer.body


@pytest.mark.parametrize("path", [PROBE, REST])
async def test_negotiated(path: str, fleet: Site) -> None:
    """Parts speak all that /metrics speaks: OpenMetrics, gzip, families by name, and HEAD."""
    plain = await fleet.ask(path, OPENMETRICS)
    squeezed = await fleet.ask(path, OPENMETRICS, ("Accept-Encoding", "gzip"))
    chosen = await fleet.ask(f"{path}&name[]=m365backup_source_up&name[]=m365backup_tenant_info")
    head = await fleet.ask(path, OPENMETRICS, method="HEAD")

    assert plain.body.endswith(b"# EOF\n")
    assert gzip.decompress(squeezed.body) == plain.body
    assert chosen.body.count(b"# TYPE") == 1
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(plain.body)))


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 400, b"give both"),
        ("?source=s", 400, b"give both"),
        ("?tenant=t1", 400, b"give both"),
        ("?source=s&tenant=", 400, b"give both"),
        ("?source=nobody&tenant=t1", 404, b"source:"),
        ("?source=s&tenant=nobody", 404, b"tenant:"),
        ("?source=%3Cscript%3E&tenant=t1", 404, b"source:"),
        ("?source=s&tenant=%00%ff", 404, b"tenant:"),
    ],
)
async def test_no_such_part(query: str, status: int, says: bytes, fleet: Site) -> None:
    """A parameter that is missing is 400, a source or tenant that is not watched 404; both say so in plain text."""
    answer = await fleet.ask(f"/probe{query}")

    assert answer.status == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.body.startswith(says)
    assert b"script" not in answer.body


async def test_nothing_else_can_be_excluded(fleet: Site) -> None:
    """A word that exclude does not know is 400, lest a typing error scrapes everything."""
    assert (await fleet.ask("/metrics?exclude=tenant")).status == 400


async def test_a_tenant_that_left(fleet: Site) -> None:
    """Once a tenant is gone from the cache its probe is 404."""
    for key in fleet.snapshot.cells("s", "t1"):
        fleet.snapshot.remove(key)

    assert (await fleet.ask(PROBE)).status == 404
