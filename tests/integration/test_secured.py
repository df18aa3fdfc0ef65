"""A real Prometheus scrapes the exporter over TLS, with a client certificate and a password."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.settings import Settings
from tests.support.prometheus import Prometheus, running_prometheus
from tests.web.secured import TLS, Papers, hashed, papers_in

PASSWORD = "contoso: grün"


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return a folder with certificates and a file that asks for all there is."""
    papers = papers_in(tmp_path)
    papers.write(
        tls_server_config={
            **TLS,
            "client_ca_file": "authority.pem",
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_allowed_sans": ["prometheus.example.com"],
        },
        http_server_config={"headers": {"Content-Security-Policy": "default-src 'self'", "X-Frame-Options": "deny"}},
        basic_auth_users={"prometheus": hashed(PASSWORD, cost=10)},
    )
    return papers


@pytest.fixture
async def daemon(papers: Papers) -> AsyncIterator[Daemon]:
    """Run the exporter behind the file, on a vendor that does not answer."""
    auth = {"token_url": "http://127.0.0.1:1/token", "client_id": "contoso", "client_secret": "simulated"}
    settings = Settings.model_validate(
        {
            "web": {"listen": ["127.0.0.1:0"], "config_file": papers.file, "enable_lifecycle": True},
            "state": {"path": ""},
            "sources": {"contoso": {"kind": "elements", "base_url": "http://127.0.0.1:1", "auth": auth}},
        }
    )
    async with running(settings, SystemClock()) as daemon:
        yield daemon


def job(name: str, target: URL, papers: Papers, **changes: Any) -> dict[str, Any]:
    """Return a scrape configuration that is let in, but for the *changes*."""
    return {
        "job_name": name,
        "scheme": "https",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "tls_config": tls(papers, "client"),
        "basic_auth": {"username": "prometheus", "password": PASSWORD},
        "static_configs": [{"targets": [f"{target.host}:{target.port}"]}],
        **changes,
    }


def tls(papers: Papers, client: str) -> dict[str, str]:
    """Return the tls_config of a Prometheus with this certificate."""
    pair = {"cert_file": str(papers.folder / f"{client}.pem"), "key_file": str(papers.folder / f"{client}.key")}
    return {"ca_file": str(papers.folder / "authority.pem"), **pair}


async def errors(prometheus: Prometheus) -> dict[str, str]:
    """Return job → what Prometheus says of its last scrape."""
    targets = (await prometheus.get("targets"))["activeTargets"]
    return {target["labels"]["job"]: target["lastError"] for target in targets}


async def test_prometheus_is_let_in(daemon: Daemon, papers: Papers, tmp_path: Path) -> None:
    """Prometheus with certificate and password finds the target up, also after a renewal; else it is down."""
    (target,) = daemon.addresses
    wrong = {"username": "prometheus", "password": "guess"}
    jobs = (
        job("good", target, papers),
        job("password", target, papers, basic_auth=wrong),
        job("certificate", target, papers, tls_config=tls(papers, "stranger")),
        job("plain", target, papers, scheme="http"),
    )
    async with AsyncExitStack() as stack:
        prometheus = await stack.enter_async_context(running_prometheus(tmp_path, scrapes=jobs))
        await prometheus.until("up", lambda found: len(found) == len(jobs))
        await prometheus.until('up{job="good"} == 1', lambda found: len(found) == 1)
        down = {labels["job"] for labels, _ in await prometheus.query("up == 0")}
        assert down == {"password", "certificate", "plain"}
        assert "401 Unauthorized" in (await errors(prometheus))["password"]

        papers.renew()
        assert daemon.door
        await daemon.door.look()
        seen = await prometheus.query('count_over_time(up{job="good"}[1h])')
        await prometheus.until('count_over_time(up{job="good"}[1h])', lambda found: found[0][1] >= seen[0][1] + 2)
        assert (await prometheus.query('min_over_time(up{job="good"}[1h])'))[0][1] == 1


async def test_every_page_is_behind_it(daemon: Daemon, papers: Papers) -> None:
    """No endpoint of the daemon answers without the password; with it each has the headers of the file, not its own."""
    (base,) = daemon.addresses
    context: ssl.SSLContext = papers.client("client")
    auth = {"Authorization": aiohttp.encode_basic_auth("prometheus", PASSWORD)}
    paths = ["/", "/metrics", "/-/healthy", "/-/ready", "/config", "/none"]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        for method, path in [("POST", "/-/reload"), *(("GET", path) for path in paths)]:
            async with session.request(method, base.with_path(path)) as response:
                assert response.status == 401, path
            async with session.request(method, base.with_path(path), headers=auth) as response:
                assert response.status != 401, path
                assert response.headers["Content-Security-Policy"] == "default-src 'self'"
                assert response.headers["X-Frame-Options"] == "deny"


async def test_reload_reads_it_too(daemon: Daemon, papers: Papers) -> None:
    """A reload takes over the web configuration at once, and fails as a whole if that is at fault, without values."""
    (base,) = daemon.addresses
    url = base.with_path("/-/reload")
    connector = aiohttp.TCPConnector(ssl=papers.client())
    auth = {"Authorization": aiohttp.encode_basic_auth("prometheus", PASSWORD)}
    async with aiohttp.ClientSession(connector=connector, headers=auth) as session:
        papers.write(tls_server_config=TLS, basic_auth_users={"prometheus": "s3cr3t-marker"})
        faults = await daemon.reload(lambda: daemon.fleet.settings)
        with pytest.raises(aiohttp.ClientConnectionError):  # a certificate is asked for as before
            await session.post(url)
        papers.write(tls_server_config=TLS, basic_auth_users={"prometheus": hashed(PASSWORD)})
        assert await daemon.reload(lambda: daemon.fleet.settings) == []
        async with session.post(url) as response:
            assert response.status == 200
        papers.write(tls_server_config=TLS, basic_auth_users={"prometheus": "s3cr3t-marker"})
        async with session.post(url) as response:
            assert (response.status, await response.text()) == (500, faults[0] + "\n")

    (fault,) = faults
    assert "basic_auth_users.prometheus: should be the bcrypt hash" in fault
    assert "s3cr3t-marker" not in fault
