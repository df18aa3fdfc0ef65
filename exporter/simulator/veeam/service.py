"""Veeam as a part of the web server: the one route of all versions, and who is let in (reference 1 to 4)."""

from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.clock import Clock
from exporter.simulator.veeam.access import Access
from exporter.simulator.veeam.answers import Answerer, answer, refusal
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.job_desk import JobDesk
from exporter.simulator.veeam.license_desk import LicenseDesk
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.organization_desk import OrganizationDesk
from exporter.simulator.veeam.paths import LOGOUT, TOKEN, UNKNOWN, Call, read_path
from exporter.simulator.veeam.pen import Pen
from exporter.simulator.veeam.questions import Query, Question, Refused
from exporter.simulator.veeam.restore_desk import RestoreDesk
from exporter.simulator.veeam.server_desk import ServerDesk
from exporter.simulator.veeam.storage_desk import StorageDesk
from exporter.simulator.world import World

ROUTE: Final = "veeam"
PATTERN: Final = r"/{version:[vV]\d+}{rest:(/.*)?}"


class VeeamService:
    """The server of Veeam over a world; *access* keeps its tokens, which live *lifetime* seconds."""

    def __init__(self, world: World, clock: Clock, manners: VeeamManners, *, lifetime: int) -> None:
        self.access = Access(clock, manners, seed=world.seed, lifetime=lifetime)
        self._clock = clock
        self._manners = manners
        installation = Installation(world)
        self._answerers: dict[str, Answerer] = {
            **ServerDesk(installation, manners).answerers(),
            **OrganizationDesk(installation, manners).answerers(),
            **StorageDesk(installation).answerers(),
            **LicenseDesk(installation, manners).answerers(),
            **JobDesk(installation, manners).answerers(),
            **RestoreDesk(installation).answerers(),
        }

    def routes(self) -> list[web.RouteDef]:
        """Return the route of everything."""
        return [web.route("*", PATTERN, self.handle, name=ROUTE)]

    def call(self, request: web.Request) -> Call | None:
        """Return what *request* asks of Veeam; None of what is not served or not Veeam's."""
        call = read_path(request.method, request.path)
        return call if call and call.version in self._manners.serves else None

    def refusal(self, request: web.Request) -> Handler | None:
        """Return a handler that refuses *request*, or None if it may pass."""
        call = self.call(request)
        if call is None or call.name in (TOKEN, UNKNOWN):
            return None
        if not self.access.lets_in(request, call):
            return _unauthorized
        if self._manners.restore_operators_only and call.name != LOGOUT:
            return _forbidden
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request that was let in."""
        call = self.call(request)
        if call is None or call.name == UNKNOWN:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if call.name == TOKEN:
            return await self.access.token(request, call)
        if call.name == LOGOUT:
            return self.access.logout(request, call)
        pen = Pen(call.version, self._manners.offset_minutes)
        question = Question(call, Query(request.query), self._clock.now(), pen)
        return answer(question, self._answerers[call.name], self._manners)


async def _unauthorized(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=HTTPStatus.UNAUTHORIZED)


async def _forbidden(request: web.Request) -> web.StreamResponse:
    version = request.match_info["version"].lower()
    text = "Only restore operators are let in here (synthetic wording)."
    return refusal(version, Refused(HTTPStatus.FORBIDDEN, text, "ResourceAccessDenied"))
