"""What every request passes on its way to a handler: the count, the weather, the check of its token."""

from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator.cloudbackup import paths
from exporter.simulator.elements import v1_paths, v3
from exporter.simulator.faults import Weather
from exporter.simulator.identity import CLIENT, Identity
from exporter.simulator.outages import Outages
from exporter.simulator.statistics import Statistics
from exporter.simulator.veeam.codes import VERSIONS
from exporter.simulator.veeam.paths import read_path
from exporter.simulator.veeam.service import ROUTE, VeeamService

SCOPES: Final = {**v3.SCOPES, **v1_paths.SCOPES, **paths.SCOPES}
"""The scope that each operation needs."""

TOKEN: Final = "token"  # noqa: S105 the name of an operation
TOKENS: Final = frozenset((TOKEN, *(f"veeam_{version}_token" for version in VERSIONS)))
UNKNOWN: Final = "unknown"


def operation_of(request: web.Request) -> str:
    """Return the name of what *request* asks for."""
    name = request.match_info.route.name
    if name == ROUTE:
        asked = read_path(request.method, request.path)
        return asked.operation if asked else UNKNOWN
    if name is not None:
        return name
    call = v1_paths.read_path(request.path) if request.method == "GET" else None
    return call.operation if call else UNKNOWN


class Gate:
    """The middleware around all handlers."""

    def __init__(
        self, statistics: Statistics, outages: Outages, weather: Weather, identity: Identity, veeam: VeeamService
    ) -> None:
        self._statistics = statistics
        self._outages = outages
        self._weather = weather
        self._identity = identity
        self._veeam = veeam

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count *request*, let the incidents and the weather at it, answer it."""
        operation = operation_of(request)
        self._statistics.begin(operation)
        try:
            for_token = operation in TOKENS
            if outage := await self._outages.refusal(request, operation, for_token=for_token):
                return await outage(request)
            if for_token:
                return await self._weather.token(request, handler)
            of_veeam = request.match_info.route.name == ROUTE
            refusal = self._veeam.refusal(request) if of_veeam else self._refusal(request, operation)
            return await self._weather.call(request, refusal or handler)
        finally:
            self._statistics.end()

    def _refusal(self, request: web.Request, operation: str) -> Handler | None:
        """Return a handler that refuses the caller, or None if it may ask for *operation*."""
        grant = self._identity.grant(request.headers.get("Authorization", ""))
        if grant is None:
            return _unauthorized
        request[CLIENT] = grant.client
        needed = SCOPES.get(operation)
        return None if needed is None or needed in grant.scopes else _forbidden


async def _unauthorized(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=HTTPStatus.UNAUTHORIZED)


async def _forbidden(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"message": "A permission is missing."}, status=HTTPStatus.FORBIDDEN)
