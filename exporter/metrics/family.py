"""A metric family as a row of a table: name, type, help, labels and how to read its values."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from exporter.records import Record

PREFIX: Final = "m365backup_"

Kind = Literal["gauge", "counter", "summary", "histogram"]
R = TypeVar("R", bound=Record)
Label: TypeAlias = Callable[[R], str]
Labels: TypeAlias = Mapping[str, Label[R]]
Sample: TypeAlias = tuple[str, str, float]
"""Suffix of the sample's name, further labels as text (each with a comma before it), value."""

EXACT: Final = 2.0**53
"""Whole numbers below it are floats without loss."""
CACHED: Final = "Cached: polled on the exporter's own schedule, not when scraped."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Family(Generic[R]):
    """One family and the record it is read from."""

    name: str
    kind: Kind
    help: str
    record: type[R]
    labels: Labels[R]
    samples: Callable[[R], Iterable[Sample]]
    further_labels: tuple[str, ...] = ()
    """Names of the labels that `samples` adds, for the documentation."""
    kept: bool = False
    """Whether it outlives stale data: counters, times and infos are evidence, not present state."""
    suffixes: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instrument:
    """One family about the exporter itself, kept by prometheus_client."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    """Beside ``source``, which the exposition adds to what belongs to a source."""
    buckets: tuple[float, ...] = ()
    born: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Label → all its values, where the set is closed: these series exist at 0 from the start."""


def escaped(value: str) -> str:
    """Return a label value as both exposition formats want it between quotes."""
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def number(value: float) -> str:
    """Return *value* in the shortest form that reads back as the same float."""
    value = float(value)
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return repr(value)


def gauge(
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    value: Callable[[R], float | None],
    *,
    kept: bool = False,
) -> Family[R]:
    """Return a family with at most one sample a record: none where *value* is ``None``."""
    return _single("gauge", name, help_, record, labels, value, kept=kept)


def counter(name: str, help_: str, record: type[R], labels: Labels[R], value: Callable[[R], float | None]) -> Family[R]:
    """Return a counter; its name ends with ``_total``."""
    return _single("counter", name, help_, record, labels, value, kept=True)


def _single(
    kind: Kind,
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    value: Callable[[R], float | None],
    *,
    kept: bool,
) -> Family[R]:
    def samples(fact: R) -> Iterable[Sample]:
        read = value(fact)
        return () if read is None else (("", "", read),)

    return Family(name=PREFIX + name, kind=kind, help=help_, record=record, labels=labels, samples=samples, kept=kept)


def by(
    label: str,
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    values: Callable[[R], Mapping[Any, float] | None],
    *,
    kind: Kind = "gauge",
) -> Family[R]:
    """Return a family with one sample for each entry of a mapping, whose key becomes *label* unless it is empty."""

    def samples(fact: R) -> Iterable[Sample]:
        read = values(fact)
        return [("", f',{label}="{escaped(key)}"' if key else "", value) for key, value in read.items()] if read else ()

    return Family(
        name=PREFIX + name,
        kind=kind,
        help=help_,
        record=record,
        labels=labels,
        samples=samples,
        further_labels=(label,),
        kept=kind == "counter",
    )


def by_both(
    further_labels: tuple[str, str],
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    values: Callable[[R], Mapping[tuple[str, str], float]],
) -> Family[R]:
    """Return a family with one sample for each entry of a mapping, whose keys become two *further_labels*."""
    one, other = further_labels

    def samples(fact: R) -> Iterable[Sample]:
        return [
            ("", f',{one}="{escaped(first)}",{other}="{escaped(second)}"', value)
            for (first, second), value in values(fact).items()
        ]

    return Family(
        name=PREFIX + name,
        kind="gauge",
        help=help_,
        record=record,
        labels=labels,
        samples=samples,
        further_labels=further_labels,
    )


def summary(
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    total: Callable[[R], float],
    count: Callable[[R], float],
) -> Family[R]:
    """Return a summary without quantiles: ``_sum`` and ``_count``, adjacent for each label set."""
    return Family(
        name=PREFIX + name,
        kind="summary",
        help=help_,
        record=record,
        labels=labels,
        samples=lambda fact: (("_sum", "", total(fact)), ("_count", "", count(fact))),
        kept=True,
        suffixes=("_sum", "_count"),
    )


def info(
    name: str,
    help_: str,
    record: type[R],
    labels: Labels[R],
    further: Callable[[R], Mapping[str, str | None]],
    further_labels: tuple[str, ...],
) -> Family[R]:
    """Return a family that is always 1 and carries text in its labels; empty text is no label."""

    def samples(fact: R) -> Iterable[Sample]:
        text = "".join(f',{name}="{escaped(value)}"' for name, value in further(fact).items() if value)
        return (("", text, 1.0),)

    return Family(
        name=PREFIX + name,
        kind="gauge",
        help=help_,
        record=record,
        labels=labels,
        samples=samples,
        further_labels=further_labels,
        kept=True,
    )
