"""The forms of nextLink: a hint that says little and may lead away (reference 3.1)."""

from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from exporter.simulator.chance import Lot

FOREIGN: Final = "https://evil.example/steal"

AT_THE_END: Final = ("absent", "null", "empty", "empty", "empty", "empty", "token")
"""A token at the end of a list was seen."""

BEFORE_IT: Final = (
    *("absolute",) * 4, *("relative",) * 4, *("short",) * 2, *("token",) * 3, "absent", "null", "empty", "foreign",
)  # fmt: skip


def link_field(request: web.Request, name: str, lot: Lot, following: int, *, more: bool) -> dict[str, Any]:
    """Return the field *name* that leads to page *following*, in the form that *lot* picks; empty for none."""
    query = {key: value for key, value in request.query.items() if key.lower() != "pageindex"}
    asked = urlencode(query | {"pageIndex": str(following)})
    forms: dict[str, dict[str, Any]] = {
        "absent": {},
        "null": {name: None},
        "empty": {name: ""},
        "absolute": {name: f"{request.url.origin()}{request.path}?{asked}"},
        "relative": {name: f"{request.path}?{asked}"},
        "short": {name: f"/{request.path.rsplit('/', 1)[1]}?{asked}"},
        "token": {name: f"q9Zs{lot.whole(0, 2**40, 'token'):x}%2BdG9rZW4%2F{following}%3D%3D"},
        "foreign": {name: f"{FOREIGN}?pageIndex={following}"},
    }
    return forms[lot.pick(BEFORE_IT if more else AT_THE_END, "form")]
