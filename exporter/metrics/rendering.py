"""Records → lines of exposition, ready to be put out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
class Line:
    """The adjacent samples of one record in one family."""

    index: int
    """Place of the family in the catalog."""
    labels: str
    text: str
    """One or more samples, each ended by a line feed."""
    series: int


@dataclass(slots=True)
class Rendered:
    """The samples of one cell, by family, and how many could not be shown."""

    texts: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    series: int = 0
    dropped: int = 0

    def chunks(self) -> dict[int, bytes]:
        """Return the samples joined, as bytes, by family."""
        return {index: "".join(texts).encode() for index, texts in self.texts.items()}


class Renderer:
    """Renders the records of one source."""

    def __init__(self, source: str) -> None:
        self._prefix = f'source="{escaped(source)}"'

    def lines(self, record: Record, *, stale: bool = False) -> list[Line]:
        """Return the samples of *record*; of a stale one only what is kept."""
        lines: list[Line] = []
        texts: dict[int, str] = {}
        for index, family in _BY_RECORD[type(record)]:
            if stale and not family.kept:
                continue
            labels = texts.get(id(family.labels))
            if labels is None:
                labels = texts[id(family.labels)] = self._labels(family.labels, record)
            samples = [
                f"{family.name}{suffix}{{{labels}{further}}} {number(value)}\n"
                for suffix, further, value in family.samples(record)
            ]
            if samples:
                lines.append(Line(index, labels, "".join(samples), len(samples)))
        return lines

    def _labels(self, labels: Labels[Any], record: Record) -> str:
        parts = [self._prefix]
        for name, read in labels.items():
            value = read(record)
            if value:
                parts.append(f'{name}="{escaped(value)}"')
        return ",".join(parts)


def gather(lines: Iterable[Line], *, allowance: int) -> Rendered:
    """Bring lines together by family; refuse labels that are there already and what exceeds *allowance*."""
    rendered = Rendered()
    seen: set[tuple[int, str]] = set()
    for line in lines:
        key = (line.index, line.labels)
        if key in seen or rendered.series + line.series > allowance:
            rendered.dropped += line.series
            continue
        seen.add(key)
        rendered.texts[line.index].append(line.text)
        rendered.series += line.series
    return rendered
