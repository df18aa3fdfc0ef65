"""/sd: what Prometheus' http_sd_config reads."""

import asyncio
import gzip

import orjson
import pytest

from tests.web.site import Site
from tests.web.views import overview, tenant_view


async def test_groups(site: Site) -> None:
    """There is a target for each tenant and one for the rest, all at the address that the client used."""
    site.overview = overview([tenant_view("Contoso", muted=True, labels={"tier": "gold"})])

    answer = await site.ask("/sd", ("Host", "exporter.example.com:9999"))

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    rest, contoso = orjson.loads(answer.body)
    assert rest["targets"] == contoso["targets"] == ["exporter.example.com:9999"]
    assert rest["labels"] == {
        "__metrics_path__": "/metrics",
        "__param_exclude": "tenants",
        "__meta_m365backup_part": "exporter",
    }
    assert contoso["labels"] == {
        "__metrics_path__": "/probe",
        "__param_source": "elements",
        "__param_tenant": "contoso",
        "source": "elements",
        "tenant": "contoso",
        "__meta_m365backup_part": "tenant",
        "__meta_m365backup_source": "elements",
        "__meta_m365backup_kind": "elements",
        "__meta_m365backup_tenant": "contoso",
        "__meta_m365backup_tenant_name": "Contoso",
        "__meta_m365backup_tenant_country": "",
        "__meta_m365backup_muted": "true",
        "__meta_m365backup_tenant_label_tier": "gold",
    }


async def test_not_ready(site: Site) -> None:
    """Before the tenants are known it fails, so that Prometheus keeps the targets it had."""
    site.unready = "not asked for tenants yet: s"

    answer = await site.ask("/sd")

    assert (answer.status, answer.body) == (503, b"not ready: not asked for tenants yet: s\n")


@pytest.mark.parametrize(
    "host", ["", "\xff\xfe", "exporter example", "exporter:port", "a/b", 'a"b', "user@exporter", "[::1"]
)
async def test_no_address(host: str, site: Site) -> None:
    """A Host header that is no address makes no targets, and no error of ours."""
    answer = await answered(site, b"GET /sd HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n\r\n")

    assert b" 400 " in answer.split(b"\r\n")[0]


async def test_without_host(site: Site) -> None:
    """A client of HTTP/1.0 that does not say whom it asks is told so; no name is looked up for it."""
    answer = await answered(site, b"GET /sd HTTP/1.0\r\n\r\n")

    assert b" 400 " in answer.split(b"\r\n")[0]
    assert answer.endswith(b"\r\n\r\nHost: say where the targets are, as in exporter.example.com:9365\n")


@pytest.mark.parametrize("host", ["exporter", "exporter.example.com:9365", "192.0.2.1:80", "[2001:db8::1]:9365"])
async def test_addresses(host: str, site: Site) -> None:
    """Names and addresses of both kinds, with a port or without, are targets as they are."""
    answer = await site.ask("/sd", ("Host", host))

    assert {target for group in orjson.loads(answer.body) for target in group["targets"]} == {host}


@pytest.mark.parametrize("path", ["/sd", "/"])
async def test_half_a_surrogate_pair(path: str, site: Site) -> None:
    """A name that cannot be written costs its letter, and no other tenant anything."""
    site.overview = overview([tenant_view("A\ud800B", ident="t1", labels={"tier": "\udfff"}), tenant_view("Contoso")])

    answer = await site.ask(path)

    assert answer.status == 200
    assert b"A?B" in answer.body
    assert b"Contoso" in answer.body


async def test_a_large_fleet(site: Site) -> None:
    """Ten thousand targets are compressed for who takes that."""
    site.overview = overview([tenant_view(f"Tenant {number}") for number in range(10_000)])

    answer = await site.ask("/sd", ("Accept-Encoding", "gzip"))

    assert len(orjson.loads(gzip.decompress(answer.body))) == 10_001
    assert len(answer.body) < 500_000


async def answered(site: Site, request: bytes) -> bytes:
    """Return the answer to a request, byte for byte, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    body = await reader.readexactly(length)
    writer.close()
    return head + body
