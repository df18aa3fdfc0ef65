"""JSON answers: objects, bare lists and pages, errors in the words of each version (reference 4 and 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from exporter.simulator.chance import Lot
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.paths import ENDPOINTS
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.questions import Question, Refused
from exporter.simulator.veeam.spoiling import spoil

Cut = Callable[[int, int], list[Row]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of which only what is asked for becomes rows: *cut* takes offset and limit.

    It gives one row more than the limit where there are more.
    """

    cut: Cut

    @classmethod
    def of(cls, things: Sequence[Any], write: Callable[[Any], Row]) -> "Listing":
        """Return the list of *things*, which may be as lazy as a range."""
        return cls(lambda offset, limit: [write(thing) for thing in things[offset : offset + limit + 1]])


@dataclass(frozen=True, slots=True)
class Answer:
    """An object, with the HTTP status it comes with."""

    row: Row
    status: int = HTTPStatus.OK


Answered = Row | Answer | Listing
Answerer = Callable[[Question], Answered]

EVERYTHING = 10**9
"""The limit of a bare list."""


def answer(question: Question, make: Answerer, manners: VeeamManners) -> web.Response:
    """Return what *make* answers to *question*, in the shape that its version has."""
    try:
        made = make(question)
    except Refused as refused:
        return refusal(question.pen.version, refused)
    match made:
        case Listing():
            try:
                return _json(_listed(question, made, manners))
            except Refused as refused:
                return refusal(question.pen.version, refused)
        case Answer(row, status):
            return _json(_spoiled(question, [row], manners)[0], status)
        case row:
            return _json(_spoiled(question, [row], manners)[0])


def refusal(version: str, refused: Refused) -> web.Response:
    """Return an error: each version knows more fields than the one before."""
    body: Row = {"message": refused.message}
    if version == "v7":
        body["errorCode"] = refused.code if refused.code == "ProxyOffline" else None
    if version == "v8":
        body |= {"errorCode": refused.code, "stackTrace": None}
    return _json(body, refused.status)


def _listed(question: Question, listing: Listing, manners: VeeamManners) -> Any:
    if question.call.shape == "list":
        return _spoiled(question, listing.cut(0, EVERYTHING), manners)
    offset, limit = question.query.page(manners.page_cap)
    rows = listing.cut(offset, limit)
    page: Row = {"offset": offset, "limit": limit, "setId": None}
    page["results"] = _spoiled(question, rows[:limit], manners)
    page["_links"] = _links(question, offset, limit, manners, more=len(rows) > limit)
    if not question.modern:
        page["totalCount"] = None
    return page


def _links(question: Question, offset: int, limit: int, manners: VeeamManners, *, more: bool) -> Row:
    """Return relative links, the next one only if there is more."""
    path = ENDPOINTS[question.call.name][0].replace("*", question.call.id)
    version = question.pen.version

    def link(start: int, under: str = version) -> Row:
        return {"href": f"/{under}/{path}?offset={start}&limit={limit}{question.query.others()}"}

    links = {"self": link(offset)}
    if offset:
        links |= {"first": link(0), "prev": link(max(0, offset - limit))}
    if more:
        links["next"] = link(offset + limit, "v7" if manners.old_next_links else version)
    return links


def _spoiled(question: Question, rows: list[Row], manners: VeeamManners) -> list[Row]:
    if not manners.spoiled:
        return rows
    lot = Lot.of("veeam spoiled", question.call.operation, question.call.id)
    return [spoil(row, lot.child(row.get("id"), place), manners.spoiled) for place, row in enumerate(rows)]


def _json(body: Any, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
