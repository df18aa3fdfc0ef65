"""The simulated vendor as a web server."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from ssl import SSLContext
from typing import Final

from aiohttp import web

from exporter.clock import Clock
from exporter.simulator import identity
from exporter.simulator.cloudbackup.desk import Desk
from exporter.simulator.cloudbackup.legacy import Legacy
from exporter.simulator.cloudbackup.manners import Manners
from exporter.simulator.cloudbackup.v1 import V1
from exporter.simulator.cloudbackup.v2 import V2
from exporter.simulator.elements.v1 import ElementsV1
from exporter.simulator.elements.v3 import ElementsV3
from exporter.simulator.faults import Faults, Weather
from exporter.simulator.gate import SCOPES, TOKEN, Gate
from exporter.simulator.identity import Identity
from exporter.simulator.outages import Outages
from exporter.simulator.statistics import Statistics
from exporter.simulator.throttle import Throttle
from exporter.simulator.veeam.access import Access
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.service import VeeamService
from exporter.simulator.world import World

STATISTICS: Final = web.AppKey("STATISTICS", Statistics)
IDENTITY: Final = web.AppKey("IDENTITY", Identity)
VEEAM_ACCESS: Final = web.AppKey("VEEAM_ACCESS", Access)

NO_FAULTS: Final = Faults()
MANNERS: Final = Manners()
VEEAM: Final = VeeamManners()


def build_app(  # noqa: PLR0913 a vendor has this many properties; they are keywords
    world: World,
    *,
    clock: Clock,
    latency: float = 0.0,
    rate_limit: float | None = None,
    faults: Faults = NO_FAULTS,
    token_lifetime: int = 600,
    v1_page_size: int = 1000,
    certificate: bytes | None = None,
    manners: Manners = MANNERS,
    veeam: VeeamManners = VEEAM,
) -> web.Application:
    """Return the application that serves *world* at the time of *clock*.

    *latency* and *token_lifetime* in seconds, *rate_limit* in requests a second and token;
    *certificate* (PEM) makes it verify the signatures of client assertions;
    *manners* say how Cloud Backup behaves where that is unknown, *veeam* how Veeam does.
    """
    throttle = None if rate_limit is None else Throttle(rate_limit)
    weather = Weather(faults, seed=world.seed, clock=clock, latency=latency, throttle=throttle)
    scopes = frozenset(SCOPES.values())
    tokens = Identity(clock, seed=world.seed, scopes=scopes, lifetime=token_lifetime, certificate=certificate)
    statistics = Statistics()
    service = VeeamService(world, clock, veeam, lifetime=token_lifetime)
    gate = Gate(statistics, Outages(world, clock), weather, tokens, service)
    app = web.Application(middlewares=[gate.pass_through])
    app.on_response_prepare.append(_dated(clock))
    app[STATISTICS] = statistics
    app[IDENTITY] = tokens
    app[VEEAM_ACCESS] = service.access
    desk = Desk(world, clock, manners)
    app.add_routes(
        [
            web.post(identity.PATH, tokens.handle, name=TOKEN),
            *ElementsV3(world, clock).routes(),
            *Legacy(desk).routes(),
            *V1(desk).routes(),
            *V2(desk).routes(),
            *service.routes(),
            *ElementsV1(world, clock, v1_page_size).routes(),  # last: it takes every path
        ]
    )
    return app


def _dated(clock: Clock) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return what dates the answers by the vendor's clock, which need not be this machine's."""

    async def date(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = formatdate(clock.now(), usegmt=True)

    return date


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens; *port* is the real one."""

    runner: web.AppRunner
    host: str
    port: int
    scheme: str = "http"

    @property
    def base_url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"{self.scheme}://{self.host}:{self.port}"

    async def also(self, host: str, port: int, ssl: SSLContext | None = None) -> "Server":
        """Listen in a second place too, until either is closed; OSError if that is taken."""
        await web.TCPSite(self.runner, host, port, ssl_context=ssl).start()
        return _server(self.runner, host, ssl)

    async def close(self) -> None:
        """Stop listening and end what is under way."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int, ssl: SSLContext | None = None) -> Server:
    """Listen on *host* and *port*, 0 for any free one, over TLS with *ssl*; OSError if that is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=ssl).start()
    except OSError:
        await runner.cleanup()
        raise
    return _server(runner, host, ssl)


def _server(runner: web.AppRunner, host: str, ssl: SSLContext | None) -> Server:
    return Server(runner, host, runner.addresses[-1][1], "https" if ssl else "http")
