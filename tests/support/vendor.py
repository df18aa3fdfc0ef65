"""A vendor that answers single endpoints without a server, and remembers what it was asked."""

import inspect
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientResponse
from aioresponses import aioresponses
from yarl import URL

NEEDS_WRITER = "stream_writer" in inspect.signature(ClientResponse).parameters
"""Whether aiohttp is new enough (3.14) to want of a response what aioresponses 0.7 does not give it."""


class Answered(ClientResponse):
    """A response that aioresponses can make, whatever aiohttp wants to know of it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        if NEEDS_WRITER:
            options["stream_writer"] = SimpleNamespace(output_size=0)
        super().__init__(*args, **options)


class Asked(NamedTuple):
    """One request, as it would have gone over the wire."""

    method: str
    target: str
    """Path and query, encoded."""
    body: Any = None
    """The decoded JSON, a form as text, or nothing."""


class Vendor(aioresponses):
    """Answers what is registered, each answer once unless ``repeat=True``; all else is unreachable."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []

    def add(self, url: Any, method: str = "GET", **options: Any) -> None:  # type: ignore[override]
        """Register one answer; *options* are aioresponses' own, the payload any JSON."""

        def note(url: URL, **request: Any) -> None:
            self.asked.append(Asked(method, url.raw_path_qs, _read(request.get("data"))))

        super().add(url, method, **{"response_class": Answered, "callback": note, **options})

    def targets(self, containing: str = "") -> list[str]:
        """Return the encoded paths and queries that were asked for, in order."""
        return [asked.target for asked in self.asked if containing in asked.target]


def _read(body: bytes | None) -> Any:
    if body is None:
        return None
    return json.loads(body) if body.startswith(b"{") else body.decode()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Answer in place of the network."""
    vendor = Vendor()
    with vendor:
        yield vendor
