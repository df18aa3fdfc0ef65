"""JSON answers: flat in legacy and v1, an envelope in v2 (reference 3.2 and 3.7)."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup.questions import Query, Refused
from exporter.simulator.cloudbackup.texts import stamp

JSON = "application/json"

Body = dict[str, Any]


def flat(make: Callable[[web.Request], Body]) -> Handler:
    """Return a handler that answers what *make* returns, or the message of its refusal."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return _json(make(request), HTTPStatus.OK)
        except Refused as refused:
            return _json({"message": refused.message}, refused.status)

    return handle


def enveloped(make: Callable[[web.Request], Body], now: Callable[[], float]) -> Handler:
    """Return a handler that puts what *make* returns, or the reason of its refusal, into v2's envelope."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = {"statusCode": 200, "message": "", **make(request), **_trace(request, now())}
            return _json(body, HTTPStatus.OK)
        except Refused as refused:
            return _json({**_refusal(refused), **_trace(request, now())}, refused.status)

    return handle


def _json(body: Body, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type=JSON)


def _refusal(refused: Refused) -> Body:
    bad = refused.status == HTTPStatus.BAD_REQUEST
    error = {
        "code": "InvalidParameter" if bad else "NotFound",
        "field": refused.field,
        "message": refused.message,
    }
    return {"statusCode": refused.status, "message": HTTPStatus(refused.status).phrase, "errors": [error]}


def _trace(request: web.Request, now: float) -> Body:
    """Return the fields that tell requests apart; the same question at the same time gets the same ones."""
    lot = Lot.of("cloudbackup trace", request.path.lower(), Query(request).canonical(), now)
    return {
        "requestId": f"0HN1SYNTH0001:{lot.whole(0, 0xFFFF_FFFF, 'request'):08X}",
        "timestamp": stamp(now, lot.pick((6, 7), "digits")),
        "traceId": f"00-{lot.guid('trace').replace('-', '')}-{lot.guid('span').replace('-', '')[:16]}-00",
    }
