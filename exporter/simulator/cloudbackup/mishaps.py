"""Why runs fail, as Cloud Backup lists it: codes, messages that pose as codes, messages."""

from dataclasses import dataclass
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.jobs import Job, Run

NAMED_CODES: Final = ("0x80070005", "ErrorItemNotFound", "AADSTS50001", "Graph.TooManyRequests", "SPO:423")
NUMBERED_CODES: Final = 40
"""How many more codes there are: a tenant in trouble sees more than 20."""

PEOPLE: Final = ("Pat Example", "Kim Sample", "Robin Placeholder", "Sasha Invented")


@dataclass(frozen=True, slots=True)
class Mishap:
    """One of the errors of a run; *is_code* is what the vendor says of *value*, rightly or not."""

    is_code: bool
    value: str
    url: str
    number: int


def mishaps_of(job: Job, run: Run, failed: int) -> tuple[Mishap, ...]:
    """Return the errors of an ended run with so many *failed* objects; none if it succeeded."""
    if run.outcome not in ("failed", "warning"):
        return ()
    lot = job.lot.child("mishaps", run.number)
    count = lot.pick((1, 1, 2, 3), "count")
    first = _mishap(lot.child(0), max(1, failed))
    return (first, *(_mishap(lot.child(place), 1) for place in range(1, count)))


def _mishap(lot: Lot, number: int) -> Mishap:
    match lot.pick(("code", "code", "code", "named", "message"), "sort"):
        case "code":
            value = _code(lot)
            return Mishap(is_code=True, value=value, url=_url(lot), number=number)
        case "named":
            person = lot.pick(PEOPLE, "person")
            address = f"{person.lower().replace(' ', '.')}@example.com"
            value = f"The mailbox of {person} ({address}) is locked (synthetic)."
            return Mishap(is_code=True, value=value, url=_url(lot), number=number)
        case _:
            return Mishap(is_code=False, value="Some files could not be read (synthetic).", url="", number=number)


def _code(lot: Lot) -> str:
    if lot.chance(0.3, "named"):
        return lot.pick(NAMED_CODES, "name")
    return f"CB-{1000 + lot.whole(0, NUMBERED_CODES - 1, 'number')}"


def _url(lot: Lot) -> str:
    return f"https://docs.example/errors/{lot.whole(1000, 1099, 'page')}"
