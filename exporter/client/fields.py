"""A JSON object read property by property, each on its own risk."""

from collections.abc import Callable, Mapping
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

    __slots__ = ("_observer", "_values")

    def __init__(self, raw: Any, observer: FaultObserver) -> None:
        if not isinstance(raw, Mapping):
            raise ValueFault("expected an object")
        self._values = {name.lower(): value for name, value in raw.items()}
        self._observer = observer

    def read(self, parse: Callable[[Any], T | None], *names: str) -> T | None:
        """Return the first of *names* that says anything, parsed; the vendor's later spelling first."""
        for name in names:
            raw = self._values.get(name.lower())
            if raw is None:
                continue
            try:
                value = parse(raw)
            except ValueFault:
                self._observer.value_failed(names[0])
                continue
            if value is not None:
                return value
        return None

    def raw(self, *names: str) -> Any:
        """Return the first of *names* that is there, as it came."""
        return next((self._values[name.lower()] for name in names if name.lower() in self._values), None)

    def unknown(self, field: str) -> None:
        """Report a word of *field* that the vendor has not documented."""
        self._observer.value_unknown(field)

    def failed(self, field: str) -> None:
        """Report that *field* is missing or unusable although the object is nothing without it."""
        self._observer.value_failed(field)
