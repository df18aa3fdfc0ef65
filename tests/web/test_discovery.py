"""/sd: what Prometheus' http_sd_config reads."""

import gzip

import orjson

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


async def test_a_large_fleet(site: Site) -> None:
    """Ten thousand targets are compressed for who takes that."""
    site.overview = overview([tenant_view(f"Tenant {number}") for number in range(10_000)])

    answer = await site.ask("/sd", ("Accept-Encoding", "gzip"))

    assert len(orjson.loads(gzip.decompress(answer.body))) == 10_001
    assert len(answer.body) < 500_000
