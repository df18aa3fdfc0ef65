"""What a request asks for: its parameters, whatever their case, or the reason to refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from exporter.simulator.veeam.paths import Call
from exporter.simulator.veeam.pen import Pen

DEFAULT_PAGE: Final = 30
MAX_PAGE: Final = 10_000
PAGING: Final = ("offset", "limit")

Chosen = TypeVar("Chosen")


class Refused(Exception):
    """A question that gets no answer: HTTP status, text, and the errorCode of the versions that have one."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


class Query:
    """The parameters of a request; a version reads only those it knows and ignores the others."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._raw = tuple(values.items())
        self._values = {name.lower(): value.strip() for name, value in values.items()}

    def text(self, name: str) -> str | None:
        """Return a parameter, None without it or if it is empty."""
        return self._values.get(name.lower()) or None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a parameter that is true or false."""
        text = (self.text(name) or str(default)).lower()
        if text not in ("true", "false"):
            raise _bad(name)
        return text == "true"

    def identifier(self, name: str) -> str | None:
        """Return a GUID in small letters."""
        text = self.text(name)
        try:
            return None if text is None else str(UUID(text))
        except ValueError:
            raise _bad(name) from None

    def time(self, name: str, default: float = inf) -> float:
        """Return a time in Unix seconds; UTC if it names no zone."""
        text = self.text(name)
        if text is None:
            return default
        try:
            # A "+" that nobody escaped arrives as a space.
            moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise _bad(name) from None

    def whole(self, name: str, default: int, low: int) -> int:
        """Return a whole number that is not below *low*."""
        text = self.text(name) or str(default)
        if text.isascii() and text.isdigit() and int(text[:18]) >= low:
            return int(text[:18])
        raise _bad(name)

    def others(self) -> str:
        """Return what else than a page was asked for, to go on with it."""
        return "".join(f"&{quote(name)}={quote(value)}" for name, value in self._raw if name.lower() not in PAGING)

    def choice(self, name: str, choices: Mapping[str, Chosen]) -> Chosen | None:
        """Return what a word stands for, in any case of its letters; None without one."""
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in choices:
            raise _bad(name)
        return choices[text.lower()]

    def page(self, cap: int | None) -> tuple[int, int]:
        """Return offset and limit; a limit above the server's own is made smaller."""
        limit = min(self.whole("limit", DEFAULT_PAGE, 1), MAX_PAGE)
        return self.whole("offset", 0, 0), limit if cap is None else min(limit, cap)


@dataclass(frozen=True, slots=True)
class Question:
    """A call with its parameters, when it was asked and with what the answer is written."""

    call: Call
    query: Query
    now: float
    pen: Pen

    @property
    def modern(self) -> bool:
        """Whether the newest version is asked."""
        return self.pen.modern


def _bad(name: str) -> Refused:
    return Refused(400, f"The value of {name} is not valid (synthetic wording).", "ParameterValidationFailure")


def missing() -> Refused:
    """Return the refusal of an id that nothing has."""
    return Refused(404, "The resource was not found (synthetic wording).", "ResourceNotFound")
