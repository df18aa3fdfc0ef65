"""What `make demo` shows: all three vendors, each over the way that real ones are asked."""

from pathlib import Path

from exporter.app import running
from exporter.demo import CLOUD_BACKUP_TENANTS, HISTORY, MANNERS, PACE, demo_settings
from exporter.simulator import tls
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.scrape import Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped


def shown(state: Path, seconds: float) -> Samples:
    """Return what the demo shows after so many seconds."""
    world = World(seed=1, tenants=5, start=START - HISTORY / PACE, pace=PACE)
    certificate = tls.self_signed(["127.0.0.1"], START)
    context = certificate.context()

    async def watch() -> Samples:
        clock = WarpClock()
        server = await serve(build_app(world, clock=clock, veeam=MANNERS), "127.0.0.1", 0)
        try:
            secure = await server.also("127.0.0.1", 0, context)
            assert secure.base_url.startswith("https://")
            settings = demo_settings(
                server.base_url, secure.base_url, certificate.fingerprint, world, "127.0.0.1:0", state / "state.db"
            )
            async with running(settings, clock) as daemon:
                await clock.sleep(seconds)
                return parsed(await exposition(daemon))
        finally:
            await server.close()

    return warped(watch)


def test_all_vendors(tmp_path: Path) -> None:
    """Within a minute every collector of every vendor has succeeded, Veeam's over TLS, and runs are counted."""
    samples = shown(tmp_path, 62)

    kinds = {labels["source"]: labels["kind"] for labels, _ in samples["source_info"]}
    assert sorted(kinds.values()) == ["cloudbackup"] * CLOUD_BACKUP_TENANTS + ["elements", "veeam"]
    assert {value for _, value in samples["source_up"]} == {1.0}
    failing = [labels for labels, value in samples["collector_success"] if not value]
    assert failing == []
    for source in kinds:
        assert total(samples, "job_runs_total", source=source) > 0
    collectors = {(kinds[labels["source"]], labels["collector"]) for labels, _ in samples["collector_success"]}
    assert {collector for kind, collector in collectors if kind == "veeam"} == {
        *("organizations", "jobs", "infrastructure", "license", "protection")
    }
    assert total(samples, "job_retries_total", source="veeam") + total(samples, "repository_used_bytes") > 0
