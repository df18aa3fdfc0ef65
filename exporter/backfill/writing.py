"""Puts the samples out, as they come: neither the text nor more than one tenant's runs are held in memory."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from exporter.backfill.bar import Bar
from exporter.backfill.journal import Journal
from exporter.backfill.passes import PASSES, ended_within, without_end
from exporter.backfill.samples import Track, pieces, tracks
from exporter.metrics.exposition import header


@dataclass(slots=True)
class Written:
    """How much was put out."""

    runs: int = 0
    left_out: int = 0
    """Runs that ended nobody knows when."""
    series: int = 0
    samples: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What is put out: the runs of *tenants*, by source, with *further* labels."""

    journal: Journal
    tenants: Mapping[str, Sequence[str]]
    further: str
    bar: Bar

    def to(self, output: Path | None) -> Written:
        """Write to standard output or to a file, which is there when it is complete or not at all."""
        if output is None:
            written = self.put_out(sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return written
        unfinished = output.with_name(output.name + ".unfinished")
        try:
            with unfinished.open("wb") as file:
                written = self.put_out(file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)
        return written

    def put_out(self, out: IO[bytes]) -> Written:
        """Write family by family, as OpenMetrics wants it."""
        pairs = [(source, tenant) for source, tenants in self.tenants.items() for tenant in tenants]
        self.bar.begin(len(PASSES) * len(pairs))
        written = self._counted(pairs)
        for family, facts_of in PASSES:
            head = header(family.name, family.kind, family.help, "openmetrics").text
            for source, tenant in pairs:
                span = self.journal.span
                facts = facts_of(tenant, self.journal.runs(source, tenant), span.since, span.until)
                for track in tracks(source, family.name, facts, self.further):
                    self._put(head, track, out.write, written)
                    head = b""
                self.bar.step(f"{source}: {family.name}")
        out.write(b"# EOF\n")
        return written

    def _counted(self, pairs: Sequence[tuple[str, str]]) -> Written:
        written = Written()
        for source, tenant in pairs:
            runs = self.journal.runs(source, tenant)
            written.runs += len(ended_within(runs, self.journal.span.since, self.journal.span.until))
            written.left_out += len(without_end(runs))
        return written

    def _put(self, head: bytes, track: Track, write: Callable[[bytes], int], written: Written) -> None:
        """Write a track after *head*; half a surrogate pair becomes a question mark, as in the live exposition."""
        write(head)
        written.series += len(track.heads)
        written.size += len(head)
        for text, samples in pieces(track, self.journal.span):
            data = text.encode(errors="replace")
            write(data)
            written.samples += samples
            written.size += len(data)
