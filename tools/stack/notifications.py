"""What Alertmanager has to say, received as webhooks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

ROUTE: Final = "/{receiver}"


@dataclass(frozen=True, slots=True)
class Notification:
    """One alert of a notification: which receiver was told what of it."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def text(self) -> str:
        """The lines that a person wants to read."""
        lines = [f"{self.status.upper():<8} {self.labels['severity']:<8} {self.annotations['summary']}"]
        if self.status == "firing":
            lines += [f"{'':18}{self.annotations['description']}", f"{'':18}{self.annotations['runbook_url']}"]
        return "\n".join(lines)


@asynccontextmanager
async def receiving(address: str, heard: Callable[[Notification], None]) -> AsyncIterator[None]:
    """Listen at *address* (host:port) while the context lasts; call *heard* for every alert of each notification."""

    async def receive(request: web.Request) -> web.Response:
        for alert in (await request.json())["alerts"]:
            heard(_notification(request.match_info["receiver"], alert))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post(ROUTE, receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        host, _, port = address.rpartition(":")
        await web.TCPSite(runner, host, int(port)).start()
        yield
    finally:
        await runner.cleanup()


def _notification(receiver: str, alert: Any) -> Notification:
    return Notification(receiver, alert["status"], alert["labels"], alert["annotations"])
