"""Listens to a source that is tried: what it asked, what came back, and when that is enough."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from exporter.client.observer import RetryReason
from exporter.client.retry import seconds_until
from exporter.client.transport import Answer
from exporter.clock import Clock
from exporter.errors import SourceError
from exporter.source import Enough

TOKEN: Final = "token"  # noqa: S105 - the name of an operation
LISTS: Final = ("data", "value", "jobs", "results", "platformtypes")
"""Where the vendors' envelopes have their rows, in lower case."""
Refusal = Literal["clock", "expired", "stranger"]
REFUSALS: Final[dict[Refusal, re.Pattern[str]]] = {
    "clock": re.compile(r"AADSTS700024|valid time range|not yet valid|\bnbf\b|\bclock\b", re.IGNORECASE),
    "expired": re.compile(r"AADSTS7000222|expired", re.IGNORECASE),
    "stranger": re.compile(r"AADSTS700016|AADSTS90002|unauthorized_client|unknown client|not found", re.IGNORECASE),
}
"""What identity services say when it is not the secret itself that is wrong; the first that fits counts."""
LONGEST_TEXT: Final = 64 * 1024


@dataclass(slots=True)
class Asked:
    """One endpoint and what came of the last question to it."""

    collector: str
    operation: str
    code: str = ""
    """The status, or the reason why there is none; "" if no request was sent."""
    seconds: float | None = None
    rows: int | None = None
    error: SourceError | None = None


class Notebook:
    """The observer and the sampler of one source."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: dict[tuple[str, str], Asked] = {}
        self.token = Asked("", TOKEN)
        self.refusal: Refusal | None = None
        """What the last refusal said, if its words are known."""
        self.ahead_seconds = 0.0
        """How far the clock of the last answer was ahead of ours."""
        self._collector = ""
        self._complete = False
        self._first: dict[str, Any] = {}
        """Operation → what came first in this collection."""
        self._rows: Counter[str] = Counter()
        """Operation → how many rows have come in it."""

    def turn_to(self, collector: str, *, complete: bool) -> None:
        """Begin a collection; unless it is wanted *complete*, the first page of each of its lists will do."""
        self._collector, self._complete = collector, complete
        self._first = {}
        self._rows.clear()

    async def sample(self, operation: str, ask: Callable[[], Awaitable[Any]], *, again: bool) -> Any:
        """Ask, and note what came of it; further pages of a list are empty without anybody being asked."""
        if operation in self._first and not again and not self._complete:
            return ended(self._first[operation])
        self._first.setdefault(operation)
        asked = self.asked[self._collector, operation] = Asked(self._collector, operation)
        try:
            answer = await ask()
        except SourceError as error:
            if asked.code:
                asked.error = error
            else:  # no request went out: there was no token for it
                self.token.error = error
                del self.asked[self._collector, operation]
            raise
        self._first[operation] = answer
        self._rows[operation] += rows_of(answer)
        asked.rows = None if again else self._rows[operation]
        return answer

    def blame(self, error: SourceError) -> None:
        """Note what was wrong with the answers of this collection, unless it is what went wrong with one of them."""
        its = [each for each in self.asked.values() if each.collector == self._collector]
        if its and error not in (self.token.error, *(each.error for each in its)):
            its[-1].error = error

    def heard(self, answer: Answer) -> None:
        """Note its time and, of a refusal, the reason."""
        ahead = seconds_until(answer.headers.get("Date", ""), self._clock.now())
        self.ahead_seconds = self.ahead_seconds if ahead is None else ahead
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.refusal = _refusal(answer.body)

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Note how an attempt went."""
        asked = self.token if operation == TOKEN else self.asked.get((self._collector, operation))
        if asked is not None:
            asked.code, asked.seconds = code, seconds

    def value_failed(self, field: str) -> None:
        """Let it pass: the daemon counts it."""

    def value_unknown(self, field: str) -> None:
        """Let it pass: the daemon counts it."""

    def throttled(self) -> None:
        """Let it pass: the answer's fault says so."""

    def retried(self, reason: RetryReason) -> None:
        """Let it pass: only a refused token is."""

    def allowed_rate(self, per_second: float) -> None:
        """Let it pass."""

    def token_expires(self, at: float) -> None:
        """Let it pass."""


def rows_of(answer: Any) -> int:
    """Return how many rows an answer has in whichever vendor's envelope; an object by itself is one."""
    if isinstance(answer, list):
        return len(answer)
    if not isinstance(answer, dict):
        return 0
    inner = _folded(answer).get(_list_of(answer))
    return 1 if inner is None else rows_of(inner)


def ended(first: Any) -> Any:
    """Return a page without rows, in the envelope of *first*; raises `Enough` if that is no page of a list."""
    if isinstance(first, list):
        return []
    name = _list_of(first) if isinstance(first, dict) else ""
    if not name:
        raise Enough
    return {name: ended(_folded(first)[name]), "totalCount": 0, "metadata": {"totalCount": 0}}


def _list_of(envelope: dict[str, Any]) -> str:
    """Return the folded name under which an envelope has its rows, "" if it is none."""
    return next((name for name in LISTS if isinstance(_folded(envelope).get(name), list | dict)), "")


def _folded(envelope: dict[str, Any]) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in envelope.items()}


def _refusal(body: bytes) -> Refusal | None:
    """Return why the identity service refuses, of what it says; its text itself is not kept."""
    try:
        told = orjson.loads(body) if len(body) <= LONGEST_TEXT else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    text = f"{told.get('error')} {told.get('error_description')}"
    return next((reason for reason, words in REFUSALS.items() if words.search(text)), None)
