"""Veeam's server as people run it: with a certificate that nobody vouches for, or one of a private authority."""

from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.app import running
from exporter.settings import Settings
from exporter.simulator import tls
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.scrape import Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped

WORLD = World(seed=4, tenants=3, start=START - 86400.0)


def watched(context: SSLContext, trust: dict[str, Any]) -> tuple[Samples, list[str]]:
    """Return what is shown of a server behind this TLS, and the errors that are logged."""

    async def watch() -> Samples:
        clock = WarpClock()
        server = await serve(build_app(WORLD, clock=clock), "127.0.0.1", 0, context)
        source = {
            "kind": "veeam",
            "base_url": server.base_url,
            "auth": {"username": "monitor", "password": "simulated"},
            "tls": trust,
        }
        settings = {
            "web": {"listen": ["127.0.0.1:0"]},
            "state": {"path": ""},
            "limits": {"counter_birth_delay": "1s"},
            "sources": {"vb365": source},
        }
        try:
            async with running(Settings.model_validate(settings), clock) as daemon:
                await clock.sleep(30)
                return parsed(await exposition(daemon))
        finally:
            await server.close()

    with capture_logs() as logs:
        samples = warped(watch)
    return samples, [entry["error"] for entry in logs if "error" in entry]


def test_self_signed_and_pinned() -> None:
    """A self-signed certificate is refused with its fingerprint in the advice; pinned as advised it is trusted."""
    certificate = tls.self_signed(["vb365.example.com"], START)
    context = certificate.context()

    refused, errors = watched(context, {})
    trusted, silence = watched(context, {"fingerprint_sha256": certificate.fingerprint})

    assert total(refused, "source_up") == 0
    assert total(refused, "collector_failures_total", reason="tls") > 0
    assert all(f"tls.fingerprint_sha256: {certificate.fingerprint}" in error for error in errors)
    assert errors
    assert (total(trusted, "source_up"), silence) == (1, [])
    assert total(trusted, "collector_success", collector="jobs") == 1


def test_another_certificate_than_the_pinned_one() -> None:
    """A certificate other than the pinned one is refused, and both fingerprints are told apart."""
    shown, pinned = tls.self_signed(["vb365"], START), tls.self_signed(["vb365"], START)

    refused, errors = watched(shown.context(), {"fingerprint_sha256": pinned.fingerprint})

    assert total(refused, "source_up") == 0
    assert all(shown.fingerprint in error for error in errors)


@pytest.mark.parametrize(("name", "up"), [("vb365.example.com", 1), ("other.example.com", 0), (None, 0)])
def test_a_private_authority(tmp_path: Path, name: str | None, up: int) -> None:
    """A server of a private authority is trusted by ca_file, under the name that its certificate bears."""
    authority = tls.authority(START)
    certificate = tls.issued(authority, ["vb365.example.com"], START)
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.public_pem)

    samples, errors = watched(certificate.context(), {"ca_file": str(path), "server_name": name})

    assert total(samples, "source_up") == up
    assert all("vb365.example.com" in error and "tls.server_name" in error for error in errors)
    assert bool(errors) != bool(up)
