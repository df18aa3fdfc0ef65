"""Which generation of the API a server speaks: asked of the server unless the operator says."""

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

from exporter.client.json_client import JsonClient
from exporter.clock import Clock
from exporter.errors import NotFound, ServerFailed, SourceError, Throttled, TimedOut

Generation = Literal["v8", "v7", "v6"]
NEWEST_FIRST: Final[tuple[Generation, ...]] = ("v8", "v7", "v6")
AGAIN_AFTER: Final = 86400.0
"""How long what was found is believed: an upgraded server goes on serving the older generations."""
_SERVED: Final = frozenset({200, 401, 403})
_DOUBTS: Final[Mapping[int, type[SourceError]]] = {408: TimedOut, 429: Throttled}
"""Statuses below 500 that say nothing of what is served."""
_SERVERS: Final = 500


class Generations:
    """Finds the newest generation that is served, by asking each for its ``ServiceInstance`` without a token.

    No endpoint lists them; a generation that is served refuses (401), one that is not is not found (404).
    """

    def __init__(self, wanted: Generation | None, clock: Clock) -> None:
        self._wanted = wanted
        self._clock = clock
        self._found: tuple[float, Generation] | None = None
        self._finding = asyncio.Lock()

    async def spoken(self, http: JsonClient) -> Generation:
        """Return the generation to speak; raises `SourceError` if none can be found."""
        if self._wanted is not None:
            return self._wanted
        async with self._finding:  # all collectors begin at once
            now = self._clock.now()
            if self._found is None or now - self._found[0] > AGAIN_AFTER:
                self._found = (now, await self._newest(http))
            return self._found[1]

    def forget(self) -> None:
        """Ask again: what was found does not seem to be served any more."""
        self._found = None

    def last(self) -> Generation | None:
        """Return the generation that was spoken last, without asking."""
        return self._wanted or (self._found[1] if self._found else None)

    async def _newest(self, http: JsonClient) -> Generation:
        for generation in NEWEST_FIRST:
            status = await http.status("generation", f"{generation}/ServiceInstance")
            if status in _SERVED:
                return generation
            doubt = ServerFailed if status >= _SERVERS else _DOUBTS.get(status)
            if doubt is not None:
                if self._found is not None:  # an older generation is no answer to a doubt about a newer one
                    return self._found[1]
                raise doubt(f"generation: the server answered {status} when asked whether it has {generation}")
        error = NotFound(
            "generation: none of v8, v7 and v6 is found there: is base_url the REST API of Veeam Backup for Microsoft"
            " 365 (port 4443 unless changed), and is its REST API service enabled?"
        )
        error.source_wide = True
        raise error
