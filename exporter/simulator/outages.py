"""Incidents of a whole API: what a vendor answers to everybody, whatever was asked."""

from http import HTTPStatus
from itertools import count
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.clock import Clock
from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup import paths
from exporter.simulator.elements import v1_paths
from exporter.simulator.incidents import ApiIncident, Vendor
from exporter.simulator.veeam.codes import VERSIONS
from exporter.simulator.veeam.service import ROUTE
from exporter.simulator.world import World

THROTTLED: Final = 0.9
"""The part of the requests that is throttled."""

RETRY_SECONDS: Final = 30
CLOUD_BACKUP_SCOPES: Final = frozenset(paths.SCOPES.values())

JOBS: Final = frozenset(
    (
        *("v3_jobs", "v1_jobs", "v1_jobs_filtered"),
        *(f"cloudbackup_{name}" for name in ("legacy_jobs", "v1_jobs", "v2_jobs", "v2_job")),
        *(
            f"veeam_{version}_{name}"
            for version in VERSIONS
            for name in ("jobs", "copy_jobs", "organization_jobs", "job_sessions", "job_session", "sessions_of_job")
        ),
    )
)
"""The operations that answer about jobs."""


class Outages:
    """Refuses what the incidents of *world* have refused at the time of *clock*."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._lot = Lot.of(world.seed, "throttled")
        self._numbers = count()

    async def refusal(self, request: web.Request, operation: str, *, for_token: bool) -> Handler | None:
        """Return a handler that refuses *request*, None if no incident has it refused."""
        if not self._world.incidents.all:
            return None
        vendor = await _vendor(request, operation, for_token=for_token)
        if self._struck("api_down", vendor):
            return _unavailable
        if self._struck("credentials_refused", vendor):
            return _refused_client if for_token else _unauthorized
        if for_token:
            return None
        if self._struck("throttled", vendor) and self._lot.chance(THROTTLED, next(self._numbers)):
            return _throttled
        return self._of_jobs(request, operation, vendor) if operation in JOBS else None

    def _of_jobs(self, request: web.Request, operation: str, vendor: Vendor) -> Handler | None:
        if self._struck("permission_missing", vendor):
            return _forbidden
        if vendor != "elements":
            return None
        call = None if operation == "v3_jobs" else v1_paths.read_path(request.path)
        asked = call.keys["customer"] if call else request.match_info["customer"]
        return _failed if self._fails(asked.lower()) else None

    def _fails(self, customer_id: str) -> bool:
        found = (each for each in self._world.incidents.of(customer_id) if each.kind == "tenant_fails")
        return any(each.strikes(self._clock.now()) for each in found)

    def _struck(self, kind: ApiIncident, vendor: Vendor) -> bool:
        return self._world.incidents.struck(kind, self._clock.now(), vendor) is not None


async def _vendor(request: web.Request, operation: str, *, for_token: bool) -> Vendor:
    """Return whose API is asked; the two of one vendor share the token endpoint, where the scopes tell."""
    if request.match_info.route.name == ROUTE:
        return "veeam"
    if operation.startswith("cloudbackup_"):
        return "cloudbackup"
    scopes = str((await request.post()).get("scope", "")).split() if for_token else []
    return "cloudbackup" if CLOUD_BACKUP_SCOPES.intersection(scopes) else "elements"


async def _unavailable(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"message": "Service unavailable (synthetic)."}, status=HTTPStatus.SERVICE_UNAVAILABLE)


async def _refused_client(_request: web.Request) -> web.StreamResponse:
    body = {"error": "invalid_client", "message": "Login failed (synthetic wording)."}
    return web.json_response(body, status=HTTPStatus.BAD_REQUEST)


async def _unauthorized(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=HTTPStatus.UNAUTHORIZED)


async def _forbidden(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"message": "A permission is missing (synthetic)."}, status=HTTPStatus.FORBIDDEN)


async def _failed(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"message": "Internal error (synthetic)."}, status=HTTPStatus.INTERNAL_SERVER_ERROR)


async def _throttled(_request: web.Request) -> web.StreamResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    body = {"message": "Too many requests."}
    return web.json_response(body, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
