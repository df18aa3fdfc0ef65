"""The exporter's metrics about itself, counted by prometheus_client and put out like all others.

Each source has a registry of its own, so that only what moved is rendered again.
"""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from exporter import __version__
from exporter.clock import Clock
from exporter.metrics.catalog import PROCESS_INSTRUMENTS, SOURCE_INSTRUMENTS
from exporter.metrics.family import PREFIX, Instrument, escaped, number
from exporter.metrics.rendering import INDEX

LOG: Final = structlog.get_logger("exporter.metrics")


class Instruments:
    """Some instruments in a registry of their own, rendered with the birth rule for their counters."""

    def __init__(self, rows: Sequence[Instrument], clock: Clock, *, birth_delay: float, source: str | None) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        self._birth_delay = birth_delay
        self._prefix = f'source="{escaped(source)}"' if source is not None else ""
        self._births: dict[tuple[str, str], float] = {}
        self._last: dict[str, float] = {}
        self._silent: set[str] = set()
        """Gauges without labels that were never set: they are no sample, although the library takes them for 0."""
        self._moved = True
        self._growing = True
        self.counters: dict[str, Counter] = {}
        self.gauges: dict[str, Gauge] = {}
        self.histograms: dict[str, Histogram] = {}
        for row in rows:
            self._make(row)

    def _make(self, row: Instrument) -> None:
        name = row.name.removeprefix(PREFIX)
        if row.kind == "counter":
            self.counters[name] = Counter(row.name, row.help, row.labels, registry=self.registry)
        elif row.kind == "histogram":
            histogram = Histogram(row.name, row.help, row.labels, registry=self.registry, buckets=row.buckets)
            self.histograms[name] = histogram
        else:
            self.gauges[name] = Gauge(row.name, row.help, row.labels, registry=self.registry)
            if not row.labels:
                self._silent.add(row.name)

    def count(self, name: str, *labels: str) -> None:
        """Add one to a counter."""
        counter = self.counters[name]
        (counter.labels(*labels) if labels else counter).inc()
        self._moved = True

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge."""
        gauge = self.gauges[name]
        if labels:
            gauge.labels(*labels).set(value)
        else:
            gauge.set(value)
            self._last[name] = value
            self._silent.discard(PREFIX + name)
        self._moved = True

    def change(self, name: str, value: float) -> None:
        """Set a gauge without labels, taking note only if it has another value."""
        if self._last.get(name) != value:
            self.set(name, value)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Enter an observation into a histogram."""
        histogram = self.histograms[name]
        (histogram.labels(*labels) if labels else histogram).observe(value)
        self._moved = True

    def moved(self) -> bool:
        """Tell whether rendering again would say something new."""
        return self._moved or self._growing

    def render(self) -> tuple[dict[int, bytes], int]:
        """Return the samples by place of their family, and how many there are."""
        self._moved = self._growing = False
        lines: dict[int, list[str]] = defaultdict(list)
        for metric in self.registry.collect():
            name = metric.name + "_total" if metric.type == "counter" else metric.name
            index = INDEX.get(name)
            if index is None or name in self._silent:
                continue
            for sample in metric.samples:
                if sample.name.endswith("_created"):
                    continue
                labels = self._labels(sample.labels)
                value = sample.value
                if metric.type == "counter":
                    value = self._grown_up(sample.name, labels, value)
                lines[index].append(f"{sample.name}{labels} {number(value)}\n")
        count = sum(map(len, lines.values()))
        return {index: "".join(each).encode() for index, each in lines.items()}, count

    def _labels(self, labels: Mapping[str, str]) -> str:
        parts = [self._prefix] if self._prefix else []
        parts += [f'{name}="{escaped(value)}"' for name, value in labels.items()]
        return "{" + ",".join(parts) + "}" if parts else ""

    def _grown_up(self, name: str, labels: str, value: float) -> float:
        """Return a counter's value once it was seen at 0 for long enough, so that `increase` notices the first step."""
        if not self._birth_delay:
            return value
        now = self._clock.now()
        born = self._births.setdefault((name, labels), now)
        if now >= born + self._birth_delay:
            return value
        self._growing = self._growing or value > 0
        return 0.0


class SourceInstruments(Instruments):
    """What one source, its client and its schedule tell; see `exporter.source.SourceObserver`."""

    def __init__(self, source: str, clock: Clock, *, birth_delay: float, collectors: Sequence[str]) -> None:
        super().__init__(SOURCE_INSTRUMENTS, clock, birth_delay=birth_delay, source=source)
        self._source = source
        self._told: set[tuple[str, ...]] = set()
        self.allowed_per_second = 0.0
        """What the limiter allows now."""
        for row in SOURCE_INSTRUMENTS:
            if row.born:
                self._bear(row, {"collector": collectors, **row.born})

    def _bear(self, row: Instrument, values: Mapping[str, Sequence[str]]) -> None:
        """Let a counter's closed label sets exist at 0."""
        counter = self.counters[row.name.removeprefix(PREFIX)]
        for labels in product(*(values[label] for label in row.labels)):
            counter.labels(*labels)

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Count one request and its duration."""
        self.count("api_requests_total", operation, code)
        self.observe("api_request_duration_seconds", seconds, operation)

    def throttled(self) -> None:
        """Count one answer 429."""
        self.count("api_throttled_total")

    def retried(self, reason: str) -> None:
        """Count one request that is sent again."""
        self.count("api_retries_total", reason)

    def allowed_rate(self, per_second: float) -> None:
        """Show the rate that the limiter allows now."""
        self.allowed_per_second = per_second
        self.change("api_allowed_requests_per_second", per_second)

    def token_expires(self, at: float) -> None:
        """Show when the token in use ends."""
        self.set("token_expiry_timestamp_seconds", at)

    def value_failed(self, field: str) -> None:
        """Count a value that could not be read; log the field once."""
        self.count("parse_failures_total", field)
        self._tell_once("value_unreadable", field)

    def value_unknown(self, field: str) -> None:
        """Count a word that is not documented; log the field once."""
        self.count("unknown_values_total", field)
        self._tell_once("value_unknown", field)

    def dropped(self, tenant: str, collector: str, series: int) -> None:
        """Count series that are not shown; log the tenant's collector once."""
        self.counters["series_dropped_total"].inc(series)
        self._moved = True
        if self._first("series_dropped", tenant, collector):
            LOG.warning("series_dropped", source=self._source, tenant=tenant, collector=collector, series=series)

    def _tell_once(self, event: str, field: str) -> None:
        if self._first(event, field):
            LOG.warning(event, source=self._source, field=field)

    def _first(self, *what: str) -> bool:
        """Tell whether this was never asked about the same before."""
        first = what not in self._told
        self._told.add(what)
        return first


class ProcessInstruments(Instruments):
    """What the process tells: its version, configuration, cache and resources."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(PROCESS_INSTRUMENTS, clock, birth_delay=0.0, source=None)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.set("exporter_build_info", 1, __version__, platform.python_version())

    def moved(self) -> bool:
        """Tell that the process never stands still."""
        return True
