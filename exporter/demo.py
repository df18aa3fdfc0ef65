"""The simulator and the exporter in one process: everything moves within seconds, nothing needs a credential."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Final

from exporter.app import Daemon, running
from exporter.clock import Clock
from exporter.settings import Settings
from exporter.simulator import tls
from exporter.simulator.server import Server, build_app, serve
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.world import World

HISTORY: Final = 7 * 86400.0
"""How much of the world lies behind when the demo starts."""
PACE: Final = 1000.0
"""A day of the world passes in 86 seconds."""

CLOUD_BACKUP_TENANTS: Final = 2
"""So many customers also have a source of their own: one app registration is one tenant there."""

LOOKBACK: Final = "5m"
"""In a day of real time Veeam would have three years of sessions to tell of."""
MANNERS: Final = VeeamManners(license_days=200 * PACE)
"""Veeam's licence ends in real time, which is where its alerts look."""

_INTERVALS: Final = {
    "elements": {"tenants": 10, "jobs": 5, "subscriptions": 30, "protection": 30, "scan_profiles": 30},
    "cloudbackup": {"jobs": 15, "license": 30, "unusual_activity": 30, "schedule": 30},
    "veeam": {"organizations": 15, "jobs": 15, "infrastructure": 15, "license": 30, "protection": 60},
}
"""Seconds between two polls of each collector."""
_ACCESS: Final = {"client_id": "00000000-0000-4000-8000-000000000000", "client_secret": "simulated"}


def demo_settings(plain_url: str, tls_url: str, fingerprint: str, world: World, listen: str, state: Path) -> Settings:
    """Return settings that poll the simulator in seconds, and keep their state in *state*.

    Veeam is asked at *tls_url*, whose self-signed certificate has this *fingerprint*; the others at *plain_url*.
    """
    auth = {"token_url": f"{plain_url}/connect/token", **_ACCESS}
    chosen = [each for each in world.customers(world.era.start) if each.has("Microsoft 365")][:CLOUD_BACKUP_TENANTS]
    sources = {
        "elements": _source("elements", plain_url, auth=auth, tenants=_OVERRIDES),
        **{
            f"cloudbackup_{number}": _source(
                "cloudbackup",
                plain_url,
                auth={**auth, "client_id": each.id},
                tenant={"id": each.id, "name": each.organization},
            )
            for number, each in enumerate(chosen, 1)
        },
        "veeam": _source(
            "veeam",
            tls_url,
            auth={"username": r"CONTOSO\monitor", "password": "simulated"},
            tls={"fingerprint_sha256": fingerprint},
            tenants=_OVERRIDES,
        ),
    }
    return Settings.model_validate(
        {
            "web": {"listen": [listen]},
            "log": {"level": "warning"},
            "state": {"path": str(state)},
            "limits": {"counter_birth_delay": "10s"},
            "sources": sources,
        }
    )


_OVERRIDES: Final = {"overrides": [{"match": "Contoso*", "labels": {"tier": "gold"}, "overdue_after": "5m"}]}


def _source(kind: str, base_url: str, **options: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "base_url": base_url,
        "limits": {"requests_per_second": 50, "concurrency": 8},
        "collectors": {
            name: {"interval": f"{seconds}s"} | ({"lookback": LOOKBACK} if (kind, name) == ("veeam", "jobs") else {})
            for name, seconds in _INTERVALS[kind].items()
        },
        **options,
    }


async def demo(clock: Clock, state: Path, *, tenants: int, seed: int, listen: str) -> None:
    """Run until interrupted, with a state file at *state*; print where to look."""
    world = World(seed=seed, tenants=tenants, start=clock.now() - HISTORY / PACE, pace=PACE)
    certificate = tls.self_signed(["127.0.0.1"], clock.now())
    context = await asyncio.to_thread(certificate.context)
    simulator = await serve(build_app(world, clock=clock, veeam=MANNERS), "127.0.0.1", 0)
    try:
        secure = await simulator.also("127.0.0.1", 0, context)
        settings = demo_settings(simulator.base_url, secure.base_url, certificate.fingerprint, world, listen, state)
        async with running(settings, clock) as daemon:
            _say_where(daemon, tenants, simulator, secure)
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()
    finally:
        await simulator.close()


def _say_where(daemon: Daemon, tenants: int, simulator: Server, secure: Server) -> None:
    url = str(daemon.addresses[0]).rstrip("/")
    lines = (
        f"{tenants} synthetic tenants are being backed up; a day passes in 86 seconds. Stop with Ctrl-C.",
        "",
        f"  metrics    {url}/metrics",
        f"  page       {url}/",
        f"  simulator  {simulator.base_url} (Elements, Cloud Backup), {secure.base_url} (Veeam)",
        "",
        "  Try:  curl -s " + url + "/metrics | grep job_failures_total",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
