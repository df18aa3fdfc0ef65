"""A client and its transport that somebody listens in to, for the time in which a source is only tried."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from exporter.client.json_client import JsonClient
from exporter.client.transport import Answer, Transport
from exporter.source import Sampler


class SampledTransport(Transport):
    """Lets every answer be heard."""

    def __init__(self, sampler: Sampler, **options: Any) -> None:
        super().__init__(**options)
        self._sampler = sampler

    async def send(self, *question: Any, **options: Any) -> Answer:
        """Make one attempt."""
        answer = await super().send(*question, **options)
        self._sampler.heard(answer)
        return answer


class SampledClient(JsonClient):
    """Asks as far as whoever samples wants to know."""

    def __init__(self, sampler: Sampler, **options: Any) -> None:
        super().__init__(**options)
        self._sampler = sampler

    async def get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        answer_if: Callable[[Any], bool] | None = None,
        once: bool = False,
    ) -> Any:
        """Ask for a path."""
        ask = partial(super().get, operation, path, params, answer_if=answer_if, once=once)
        return await self._sampler.sample(operation, ask, again=False)

    async def status(self, operation: str, path: str) -> int:
        """Ask for a status; each path is another question."""
        return int(await self._sampler.sample(operation, partial(super().status, operation, path), again=True))

    async def post(self, operation: str, path: str, body: Mapping[str, Any]) -> Any:
        """Ask by POST."""
        return await self._sampler.sample(operation, partial(super().post, operation, path, body), again=False)

    async def follow(self, operation: str, link: str) -> Any:
        """Ask for the page behind a link."""
        return await self._sampler.sample(operation, partial(super().follow, operation, link), again=False)
