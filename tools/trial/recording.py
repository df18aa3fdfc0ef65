"""What was scraped, kept small: each series as the scrapes at which its value changed."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from tools.trial.notation import Value

JOB: Final = 'job="m365-backup",instance="exporter:10365"'
"""What Prometheus adds to every series."""
UP: Final = f"up{{{JOB}}}"
MOMENT: Final = "_timestamp_seconds"
"""How the names end whose values are Unix times."""

_TENANT: Final = re.compile(r'[{,]tenant="([^"]*)"')

Change = tuple[int, float | None]
"""From which scrape on a series has a value; None when it is gone."""


@dataclass(slots=True, eq=False)
class Recording:
    """Scrapes at *start* and every *step* seconds after it, in which a series is written as by the exporter.

    Only samples called one of *names* are kept; all if there are none.
    """

    start: float
    step: float
    names: Collection[str] = ()
    scrapes: int = 0
    series: dict[str, list[Change]] = field(default_factory=dict)
    missed: set[int] = field(default_factory=set)
    """The scrapes that did not take place."""
    _lines: frozenset[str] = frozenset()

    def scraped(self, text: str) -> None:
        """Record an answer of the exporter; only its new lines cost anything."""
        self._take(frozenset(text.splitlines()), up=1.0)

    def failed(self) -> None:
        """Record that the exporter did not answer: all its series end."""
        self._take(frozenset(), up=0.0)

    def skipped(self) -> None:
        """Record that nobody asked."""
        self.missed.add(self.scrapes)
        self.scrapes += 1

    def at(self, scrape: int) -> float:
        """Return the Unix time of a scrape."""
        return self.start + scrape * self.step

    def values(self, series: str) -> Iterator[Value]:
        """Yield the value of *series* at each scrape."""
        changes = [*self.series[series], (self.scrapes, None)]
        yield from [None] * changes[0][0]
        for (since, value), (until, _) in pairwise(changes):
            for scrape in range(since, until):
                if scrape in self.missed:
                    yield None
                elif value is None:
                    yield "stale" if scrape == since else None
                else:
                    yield value

    def parts(self, count: int) -> list["Recording"]:
        """Return so many recordings, each with a part of the tenants and with all that is about none."""
        tenants = sorted({tenant for series in self.series if (tenant := _tenant(series))})
        numbers = {tenant: number % count for number, tenant in enumerate(tenants)}
        return [
            replace(
                self, series={key: self.series[key] for key in self.series if numbers.get(_tenant(key), part) == part}
            )
            for part in range(count)
        ]

    def _take(self, lines: frozenset[str], *, up: float) -> None:
        new = dict(sample for line in lines - self._lines if (sample := self._sample(line)))
        gone = {line.rpartition(" ")[0] for line in self._lines - lines} - new.keys()
        for series, value in new.items():
            self._change(series, value)
        for series in gone & self.series.keys():
            self._change(series, None)
        self._change(UP, up)
        self._lines = lines
        self.scrapes += 1

    def _sample(self, line: str) -> tuple[str, float] | None:
        if line.startswith("#"):
            return None
        series, _, value = line.rpartition(" ")
        wanted = not self.names or series.partition("{")[0] in self.names
        return (series, float(value)) if wanted else None

    def _change(self, series: str, value: float | None) -> None:
        changes = self.series.setdefault(series, [])
        if not changes or changes[-1][1] != value:
            changes.append((self.scrapes, value))


def _tenant(series: str) -> str:
    """Return whom *series* is about, "" for nobody."""
    found = _TENANT.search(series)
    return found[1] if found else ""


def shown(series: str) -> str:
    """Return *series* with what Prometheus adds."""
    if series == UP:
        return series
    name, _, labels = series.partition("{")
    return f"{name}{{{JOB},{labels}" if labels else f"{name}{{{JOB}}}"


def moved(series: str, value: Value, start: float) -> Value:
    """Return *value* as it would be had the recording begun at 0, where time begins for promtool."""
    if isinstance(value, float) and series.partition("{")[0].endswith(MOMENT):
        return value - start
    return value
