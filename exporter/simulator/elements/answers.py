"""JSON answers, and the refusals that a handler raises."""

from typing import Any

import orjson
from aiohttp import web

JSON = "application/json"


def answer(body: Any) -> web.Response:
    """Return *body* as JSON with status 200."""
    return web.Response(body=orjson.dumps(body), content_type=JSON)


def bad_request(message: str, *, odata: bool = False) -> web.HTTPBadRequest:
    """Return the refusal of a request whose parameters make no sense."""
    return web.HTTPBadRequest(text=_error("BadRequest", message, odata=odata), content_type=JSON)


def not_found(message: str, *, odata: bool = False) -> web.HTTPNotFound:
    """Return the refusal of a request for something that is not there."""
    return web.HTTPNotFound(text=_error("NotFound", message, odata=odata), content_type=JSON)


def _error(code: str, message: str, *, odata: bool) -> str:
    # v3's form is unknown and v1's a guess (reference 3.7): clients read `message`, then `error`.
    error = {"error": {"code": code, "message": message}} if odata else {"message": message}
    return orjson.dumps(error).decode()
