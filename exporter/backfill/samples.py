"""Facts → samples with timestamps, as OpenMetrics wants them: family by family, series by series, in order of time.

A series has a sample whenever its value changes, another a millisecond earlier, so that no window of `increase()`
misses the step, and one at every multiple of five minutes, which is as long as Prometheus looks back.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from exporter.backfill.order import Span
from exporter.backfill.passes import Facts
from exporter.metrics.rendering import INDEX, Renderer

HEARTBEAT: Final = 300
"""Seconds from one sample to the next at most."""
AT_ONCE: Final = 2000
"""How many heartbeats are written in one piece."""


@dataclass(slots=True)
class Track:
    """The samples of one set of labels: adjacent are those of one instant, as the sum and the count of a summary."""

    heads: tuple[str, ...]
    """Each sample up to its value."""
    steps: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Values from an instant on, in Unix milliseconds."""


def tracks(source: str, family: str, facts: Facts, further: str) -> list[Track]:
    """Return the samples of a family with the labels that the live exposition has, and *further* ones."""
    renderer = Renderer(source)
    place = INDEX[family]
    found: dict[str, Track] = {}
    for at, record in facts:
        for index, text in renderer.show([record])[0].lines:
            if index == place:
                _add(found, at, text, further)
    return list(found.values())


def _add(found: dict[str, Track], at: int, text: str, further: str) -> None:
    """Enter the samples that a record has at one instant, each line as ``name{labels} value``."""
    values: dict[str, list[tuple[str, str]]] = {}
    for line in text.split("\n")[:-1]:
        name, _, rest = line.partition("{")
        labels, _, value = rest.rpartition("} ")
        values.setdefault(labels, []).append((name, value))
    for labels, named in values.items():
        if labels not in found:
            found[labels] = Track(tuple(f"{name}{{{labels}{further}}} " for name, _ in named))
        found[labels].steps[at] = tuple(value for _, value in named)


def stamp(milliseconds: int) -> str:
    """Return an instant as OpenMetrics wants it: Unix seconds."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds}.{rest:03d}" if rest else str(seconds)


def pieces(track: Track, span: Span) -> Iterator[tuple[str, int]]:
    """Yield the text of a track piece by piece, each with the number of its samples."""
    for (at, values), (following, _) in pairwise([*track.steps.items(), (span.until + 1, ())]):
        starts = [f"{head}{value} " for head, value in zip(track.heads, values, strict=True)]
        yield _text(starts, [stamp(at)])
        beats = range((at // (HEARTBEAT * 1000) + 1) * HEARTBEAT, -((1 - following) // 1000), HEARTBEAT)
        for begin in range(0, len(beats), AT_ONCE):
            yield _text(starts, map(str, beats[begin : begin + AT_ONCE]))
        if following - 1 > at:
            yield _text(starts, [stamp(following - 1)])


def _text(starts: Sequence[str], stamps: Iterable[str]) -> tuple[str, int]:
    lines = [f"{start}{each}\n" for each in stamps for start in starts]
    return "".join(lines), len(lines)
