"""A JSON object read property by property, each on its own risk."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from exporter.errors import ValueFault

T = TypeVar("T")


class FaultObserver(Protocol):
    """Who is told of values that could not be read."""

    def value_failed(self, field: str) -> None:
        """Count a value of *field* that is not of a documented form."""
        ...

    def value_unknown(self, field: str) -> None:
        """Count a word of *field* that the vendor has not documented."""
        ...


class Fields:
    """The properties of one object, found without regard to the case of their names.

    Raises `ValueFault` if *raw* is not an object; a single bad property is reported to the
    observer and read as ``None``, so that it never costs the others.
    """

    __slots__ = ("_folded", "_values", "observer")

    def __init__(self, raw: Any, observer: FaultObserver) -> None:
        if not isinstance(raw, Mapping):
            raise ValueFault("expected an object")
        self._values = raw
        self._folded: Mapping[str, Any] | None = None
        self.observer = observer

    def read(self, parse: Callable[[Any], T | None], *names: str, needed: bool = False) -> T | None:
        """Return the first of *names* that says anything, parsed; the vendor's later spelling first.

        What cannot be parsed is reported, once and as the first name; so is silence where the object
        is nothing without the value.
        """
        value, faulty = None, False
        for name in names:
            try:
                value = parse(self.raw(name))
            except ValueFault:
                faulty = True
            if value is not None:
                break
        if faulty or (needed and value is None):
            self.observer.value_failed(names[0])
        return value

    def raw(self, name: str) -> Any:
        """Return a property as it came, ``None`` if it is not there."""
        if name in self._values:
            return self._values[name]
        if self._folded is None:  # rarely needed: most answers spell names as their documentation does
            self._folded = {each.lower(): value for each, value in self._values.items()}
        return self._folded.get(name.lower())

    def parsed(self, parse: Callable[[Any], T | None], name: str, raw: Any) -> T | None:
        """Return one value out of a list that is the property *name*; one that cannot be read is reported."""
        try:
            return parse(raw)
        except ValueFault:
            self.observer.value_failed(name)
            return None

    def unknown(self, field: str) -> None:
        """Report a word of *field* that the vendor has not documented."""
        self.observer.value_unknown(field)


def objects(rows: Iterable[Any], observer: FaultObserver, what: str) -> list[Fields]:
    """Return the rows that are objects; others are counted as unreadable *what*."""
    readable: list[Fields] = []
    for row in rows:
        try:
            readable.append(Fields(row, observer))
        except ValueFault:
            observer.value_failed(what)
    return readable
