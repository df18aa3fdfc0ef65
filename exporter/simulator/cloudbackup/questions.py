"""What a request asks for: its query, whatever the case of the names, or the reason to refuse it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from exporter.simulator.cloudbackup.codes import JOB_TYPES, LOCATIONS, OBJECT_TYPES, STATES

DEFAULT_PAGE: Final = 10
MAX_PAGE: Final = 100

ReadTime = Callable[[str], float | None]


class Refused(Exception):
    """A question that gets no answer: HTTP status, and *field* and text for whoever can say more."""

    def __init__(self, status: int, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


@dataclass(frozen=True, slots=True)
class Range:
    """A time range in Unix seconds; None is open."""

    start: float | None
    finish: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a list of jobs is asked for; 0 is all, *index* counts pages as the caller does."""

    job_type: int
    object_type: int
    state: int
    range: Range
    index: int
    size: int


class Query:
    """The query of a request."""

    def __init__(self, request: web.Request) -> None:
        self._values = {name.lower(): value.strip() for name, value in request.query.items()}

    def question(self, read: ReadTime) -> Question:
        """Return what a list of jobs is asked for."""
        return Question(
            job_type=self._whole("jobType", 0, 0, len(JOB_TYPES)),
            object_type=self._whole("objectType", 0, 0, len(OBJECT_TYPES)),
            state=self._whole("jobState", 0, 0, len(STATES)),
            range=self.range(read),
            index=self._whole("pageIndex", 0, 0, 2**31 - 1),
            size=self._whole("pageSize", DEFAULT_PAGE, 1, MAX_PAGE),
        )

    def range(self, read: ReadTime) -> Range:
        """Return the range of time, open where nothing is said."""
        return Range(self._time("startTime", read), self._time("finishTime", read))

    def closed_range(self, read: ReadTime) -> tuple[float, float]:
        """Return the range of time, both ends of which must be given, in order."""
        asked = self.range(read)
        if asked.start is None:
            raise _bad("startTime", "is missing")
        if asked.finish is None:
            raise _bad("finishTime", "is missing")
        if asked.finish < asked.start:
            raise _bad("finishTime", "is before startTime")
        return asked.start, asked.finish

    def location(self) -> str | None:
        """Return the location in small letters, None without one."""
        location = self._values.get("location", "").lower()
        if location and location not in LOCATIONS:
            raise _bad("location", "is unknown")
        return location or None

    def canonical(self) -> list[tuple[str, str]]:
        """Return the query so that equal questions are equal."""
        return sorted(self._values.items())

    def _time(self, name: str, read: ReadTime) -> float | None:
        try:
            return read(self._values.get(name.lower(), ""))
        except (ValueError, OverflowError):
            raise _bad(name, "is not a time") from None

    def _whole(self, name: str, default: int, low: int, high: int) -> int:
        text = self._values.get(name.lower()) or str(default)
        if text.isascii() and text.isdigit() and low <= int(text[:20]) <= high:
            return int(text)
        raise _bad(name, f"is not a number from {low} to {high}")


def _bad(field: str, fault: str) -> Refused:
    return Refused(400, f"{field} {fault} (synthetic wording).", field)
