"""What a day of the daemon says, in time that jumps: every line is news, and there are no others."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from exporter.app import running
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
TENANTS = 20
WORLD = World(seed=5, tenants=TENANTS, start=START - 10 * DAY, calm=True)


@dataclass
class Trouble:
    """What goes wrong at which hours."""

    clock: WarpClock
    down: range = range(0)
    forbidden: range = range(0)
    throttled: range = range(0)

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what the hour has refused."""
        hour = int((self.clock.now() - START) // HOUR)
        if hour in self.down:
            return web.Response(status=503, headers={"X-Request-Id": "r-503"})
        if hour in self.forbidden and "job" in request.path:
            return web.json_response({"requestId": "r-403"}, status=403)
        if hour in self.throttled and "customers/batch" in request.path:
            return web.Response(status=429, headers={"Retry-After": "2"})
        return await handler(request)


def said(hours: float, **trouble: range) -> list[dict[str, Any]]:
    """Return all events from info on of so many hours."""

    async def watch() -> None:
        clock = WarpClock()
        app = build_app(WORLD, clock=clock)
        app.middlewares.insert(0, Trouble(clock, **trouble).pass_through)
        server = await serve(app, "127.0.0.1", 0)
        try:
            async with running(settings_for(server.base_url), clock, tidy_every=60):
                await clock.sleep(hours * HOUR)
        finally:
            await server.close()

    with capture_logs(processors=[merge_contextvars]) as logs:
        warped(watch)
    return [dict(line) for line in logs]


def settings_for(url: str) -> Settings:
    """Return settings that watch the simulator."""
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    source = {"kind": "elements", "base_url": url, "auth": auth, "limits": {"requests_per_second": 20}}
    return Settings.model_validate(
        {"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": {"elements": source}}
    )


def test_a_day_with_troubles() -> None:
    """An outage, a permission that is missing for hours, a throttled morning: each is told once, and its end once."""
    lines = said(26, down=range(4, 8), forbidden=range(10, 13), throttled=range(16, 20))

    assert [(line["event"], line.get("collector"), line.get("reason", line.get("tenants"))) for line in lines] == [
        ("started", None, None),
        ("tenants_joined", None, 20),
        ("source_failed", "jobs", "server"),
        ("collector_stale", "jobs", None),
        ("collector_stale", "tenants", None),
        ("source_recovered", None, "server"),
        ("collector_fresh", "tenants", None),
        ("collector_fresh", "jobs", 20),
        ("collector_failed", "jobs", "permission"),
        ("collector_failed", "jobs", "permission"),
        ("collector_failed", "jobs", "permission"),
        ("collector_failed_for_more_tenants", "jobs", "permission"),
        ("collector_stale", "jobs", None),
        ("collector_recovered", "jobs", "permission"),
        ("collector_recovered", "jobs", "permission"),
        ("collector_recovered", "jobs", "permission"),
        ("collector_recovered_for_all", "jobs", "permission"),
        ("collector_fresh", "jobs", 20),
        ("throttled", "tenants", None),
        ("collector_failed", "tenants", "throttled"),
        ("collector_stale", "tenants", None),
        ("collector_recovered", "tenants", "throttled"),
        ("collector_fresh", "tenants", None),
        ("throttling_over", "jobs", None),
        ("stopping", None, None),
    ]
    assert {line["source"] for line in lines[1:-1]} == {"elements"}
    ids = {line["event"]: line["request_id"] for line in lines if "request_id" in line}
    assert ids == {
        "source_failed": "r-503",
        "collector_failed": "r-403",
        "collector_failed_for_more_tenants": "r-403",
    }
