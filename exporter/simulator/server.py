"""The simulated vendor as a web server."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from aiohttp import web

from exporter.clock import Clock
from exporter.simulator import identity
from exporter.simulator.elements.v1 import ElementsV1
from exporter.simulator.elements.v3 import ElementsV3
from exporter.simulator.faults import Faults, Weather
from exporter.simulator.gate import SCOPES, TOKEN, Gate
from exporter.simulator.identity import Identity
from exporter.simulator.statistics import Statistics
from exporter.simulator.throttle import Throttle
from exporter.simulator.world import World

STATISTICS: Final = web.AppKey("STATISTICS", Statistics)
IDENTITY: Final = web.AppKey("IDENTITY", Identity)

NO_FAULTS: Final = Faults()
CLIENT_ID: Final = "5150a7ed-0000-4000-8000-000000000001"


def build_app(
    world: World,
    *,
    clock: Clock,
    latency: float = 0.0,
    rate_limit: float | None = None,
    faults: Faults = NO_FAULTS,
    token_lifetime: int = 600,
    v1_page_size: int = 1000,
    certificate: bytes | None = None,
) -> web.Application:
    """Return the application that serves *world* at the time of *clock*.

    *latency* and *token_lifetime* in seconds, *rate_limit* in requests a second and token;
    *certificate* (PEM) makes it verify the signatures of client assertions.
    """
    throttle = None if rate_limit is None else Throttle(rate_limit)
    weather = Weather(faults, seed=world.seed, clock=clock, latency=latency, throttle=throttle)
    scopes = frozenset(SCOPES.values())
    tokens = Identity(clock, seed=world.seed, scopes=scopes, lifetime=token_lifetime, certificate=certificate)
    statistics = Statistics()
    app = web.Application(middlewares=[Gate(statistics, weather, tokens).pass_through])
    app[STATISTICS] = statistics
    app[IDENTITY] = tokens
    app.add_routes(
        [
            web.post(identity.PATH, tokens.handle, name=TOKEN),
            *ElementsV3(world, clock).routes(),
            *ElementsV1(world, clock, v1_page_size).routes(),  # last: it takes every path
        ]
    )
    return app


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens; *port* is the real one."""

    runner: web.AppRunner
    host: str
    port: int

    @property
    def base_url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Server:
    """Listen on *host* and *port*, 0 for any free one; OSError if that is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return Server(runner, host, runner.addresses[0][1])


def config_for(base_url: str, *, api: Literal["v3", "v1"]) -> str:
    """Return the YAML with which `run` watches the simulator at *base_url*."""
    lines = [
        "sources:",
        "  elements_sim:",
        "    kind: elements",
        f"    api: {api}",
        f"    base_url: {base_url}{'/partner' if api == 'v1' else ''}",
        "    auth:",
        f"      token_url: {base_url}{identity.PATH}",
        f"      client_id: {CLIENT_ID}",
        f"      client_secret: {identity.SECRET}",
    ]
    if not _is_loopback(urlsplit(base_url).hostname or ""):
        lines.append("    allow_plain_http: true")
    return "\n".join(lines) + "\n"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
