"""Records → lines of exposition, ready to be put out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.metrics.catalog import CATALOG, FAMILIES
from exporter.metrics.family import Family, Labels, escaped, number
from exporter.records import Record

INDEX: Final[Mapping[str, int]] = {row.name: index for index, row in enumerate(CATALOG)}
"""Name of a family → its place in the exposition."""

_BY_RECORD: Final[Mapping[type[Record], Sequence[tuple[int, Family[Any]]]]] = {
    record: [(INDEX[family.name], family) for family in FAMILIES if family.record is record]
    for record in {family.record for family in FAMILIES}
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as samples."""

    record: Record
    labels: str
    lines: tuple[tuple[int, str], ...]
    """Place of a family in the catalog, and its adjacent samples, each ended by a line feed."""
    series: int


@dataclass(slots=True)
class Rendered:
    """The samples of one cell, by family, and how many could not be shown."""

    chunks: dict[int, bytes]
    series: int
    dropped: int


class Renderer:
    """Renders the records of one source."""

    def __init__(self, source: str) -> None:
        self._prefix = f'source="{escaped(source)}"'

    def show(self, records: Iterable[Record], before: Iterable[Shown] = (), *, stale: bool = False) -> list[Shown]:
        """Render *records*, taking over from *before* those that are the very same objects.

        A poll mostly repeats the last one, and the ledger hands out the same record for what did not change.
        Of stale records only what is kept is shown; *before* must have been as stale.
        """
        known = {id(shown.record): shown for shown in before}
        return [known.get(id(record)) or self._show(record, stale=stale) for record in records]

    def _show(self, record: Record, *, stale: bool) -> Shown:
        families = _BY_RECORD[type(record)]
        labels = self._labels(families[0][1].labels, record)
        lines: list[tuple[int, str]] = []
        series = 0
        for index, family in families:
            if stale and not family.kept:
                continue
            text = ""
            for suffix, further, value in family.samples(record):
                text += f"{family.name}{suffix}{{{labels}{further}}} {number(value)}\n"
                series += 1
            if text:
                lines.append((index, text))
        return Shown(record, labels, tuple(lines), series)

    def _labels(self, labels: Labels[Any], record: Record) -> str:
        parts = [self._prefix]
        for name, read in labels.items():
            value = read(record)
            if value:
                parts.append(f'{name}="{escaped(value)}"')
        return ",".join(parts)


def gather(shown: Iterable[Shown], *, allowance: int) -> Rendered:
    """Bring samples together by family; refuse labels that are there already and what exceeds *allowance*.

    Half a surrogate pair, which only a configuration can hold, becomes a question mark: no cell is lost over it.
    """
    texts: dict[int, list[str]] = defaultdict(list)
    series = dropped = 0
    seen: set[tuple[type[Record], str]] = set()
    for each in shown:
        key = (type(each.record), each.labels)
        if key in seen or series + each.series > allowance:
            dropped += each.series
            continue
        seen.add(key)
        series += each.series
        for index, text in each.lines:
            texts[index].append(text)
    return Rendered({index: "".join(lines).encode(errors="replace") for index, lines in texts.items()}, series, dropped)
