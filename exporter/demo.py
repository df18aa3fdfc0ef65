"""The simulator and the exporter in one process: everything moves within seconds, nothing needs a credential."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Final

from exporter.app import Daemon, running
from exporter.clock import Clock
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World

HISTORY: Final = 7 * 86400.0
"""How much of the world lies behind when the demo starts."""
PACE: Final = 1000.0
"""A day of the world passes in 86 seconds."""

_INTERVALS: Final = {
    "tenants": "10s",
    "jobs": "5s",
    "subscriptions": "30s",
    "protection": "30s",
    "scan_profiles": "30s",
}


def demo_settings(simulator_url: str, listen: str, state: Path) -> Settings:
    """Return settings that poll the simulator in seconds, and keep their state in *state*."""
    source: dict[str, Any] = {
        "kind": "elements",
        "base_url": simulator_url,
        "auth": {
            "token_url": f"{simulator_url}/connect/token",
            "client_id": "00000000-0000-4000-8000-000000000000",
            "client_secret": "simulated",
        },
        "limits": {"requests_per_second": 50, "concurrency": 8},
        "tenants": {"overrides": [{"match": "Contoso*", "labels": {"tier": "gold"}, "overdue_after": "5m"}]},
        "collectors": {name: {"interval": interval} for name, interval in _INTERVALS.items()},
    }
    return Settings.model_validate(
        {
            "web": {"listen": [listen]},
            "log": {"level": "warning"},
            "state": {"path": str(state)},
            "limits": {"counter_birth_delay": "10s"},
            "sources": {"elements": source},
        }
    )


async def demo(clock: Clock, state: Path, *, tenants: int, seed: int, listen: str) -> None:
    """Run until interrupted, with a state file at *state*; print where to look."""
    world = World(seed=seed, tenants=tenants, start=clock.now() - HISTORY / PACE, pace=PACE)
    simulator = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    try:
        async with running(demo_settings(f"http://127.0.0.1:{simulator.port}", listen, state), clock) as daemon:
            _say_where(daemon, tenants, simulator.port)
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()
    finally:
        await simulator.close()


def _say_where(daemon: Daemon, tenants: int, port: int) -> None:
    url = str(daemon.addresses[0]).rstrip("/")
    lines = (
        f"{tenants} synthetic tenants are being backed up; a day passes in 86 seconds. Stop with Ctrl-C.",
        "",
        f"  metrics    {url}/metrics",
        f"  page       {url}/",
        f"  simulator  http://127.0.0.1:{port}",
        "",
        "  Try:  curl -s " + url + "/metrics | grep job_failures_total",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
