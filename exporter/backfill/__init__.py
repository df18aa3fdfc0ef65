"""The command that writes the past as OpenMetrics: for `promtool tsdb create-blocks-from openmetrics`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from aiohttp import ClientSession
from rich.console import Console

from exporter.backfill.bar import Bar
from exporter.backfill.fetching import Work
from exporter.backfill.journal import Asked, Journal
from exporter.backfill.order import FORMS, label, labels_text, span_of
from exporter.backfill.writing import Writing, Written
from exporter.clock import Clock
from exporter.errors import SettingsError
from exporter.log import configure
from exporter.settings import Settings, load

FAILED: Final = 1
MIB: Final = 1 << 20
SEAM: Final = (
    "hint: --until should be where the live series begin, or before; Prometheus tells, as a Unix time, by"
    " min(min_over_time(timestamp(m365backup_job_runs_total)[30d:5m])) - 300"
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `backfill` but ``--config`` to its parser."""
    command.add_argument("--since", required=True, metavar="D", help=f"from when on: {FORMS}")
    command.add_argument("--until", metavar="D", help="until when: where the live series begin (default: now)")
    command.add_argument("--source", action="append", metavar="S", help="only this one; may be given several times")
    command.add_argument("--output", type=Path, metavar="FILE", help="default: standard output, not resumable")
    command.add_argument(
        "--label",
        action="append",
        type=label,
        default=[],
        metavar="NAME=VALUE",
        help="a label of every series, such as job=m365-backup; may be given several times",
    )


def backfill(options: argparse.Namespace, clock: Clock, session: Callable[[], ClientSession]) -> int:
    """Fetch the history and write it; 0 if all of it could be had, 1 if not."""
    configure(level="warning", form="auto")
    span = span_of(options.since, options.until, clock.now())
    settings = load(options.config)
    names = _names(options.config, settings, options.source)
    if options.output is not None and options.output.is_dir():
        raise SettingsError([f"argument --output: {options.output} is a folder"])
    journal = Journal.open(options.output, Asked(options.since, options.until), span)
    done = False
    try:
        done = _done(options, settings, names, journal, clock, session)
    except OSError as error:
        sys.stderr.write(f"{options.output or 'temporary file'}: cannot be written: {error.strerror}\n")
    finally:
        journal.close(done=done)
        if journal.path is not None and journal.path.exists():
            sys.stderr.write(f"{journal.path}: holds what was fetched; the same command again goes on from there\n")
    return 0 if done else FAILED


def _done(
    options: argparse.Namespace,
    settings: Settings,
    names: Sequence[str],
    journal: Journal,
    clock: Clock,
    session: Callable[[], ClientSession],
) -> bool:
    """Fetch, write and sum up; tell if nothing is missing."""
    with Bar(Console(stderr=True)) as bar:
        work = Work(settings=settings, journal=journal, bar=bar, clock=clock)
        tenants = asyncio.run(_fetch(work, session, names))
        if tenants:
            further = labels_text(options.label)
            written = Writing(journal=journal, tenants=tenants, further=further, bar=bar).to(options.output)
            _sum_up(options, work, tenants, written)
    return not work.failed


def _names(config: Path, settings: Settings, wanted: Sequence[str] | None) -> list[str]:
    """Return the sources to ask, in the order of the configuration."""
    strangers = [name for name in wanted or () if name not in settings.sources]
    if strangers:
        raise SettingsError([f"{config}: sources: there is no {name}" for name in strangers])
    return [name for name in settings.sources if wanted is None or name in wanted]


async def _fetch(work: Work, session: Callable[[], ClientSession], names: Sequence[str]) -> dict[str, list[str]]:
    async with session() as opened:
        return await work.fetch(opened, names)


def _sum_up(options: argparse.Namespace, work: Work, tenants: Mapping[str, Sequence[str]], written: Written) -> None:
    """Say what was written, what is missing in it, and what to do next."""
    say, output = work.bar.say, options.output or "standard output"
    say(
        f"{output}: {written.runs} runs of {sum(map(len, tenants.values()))} tenants, {written.series} series,"
        f" {written.samples} samples, {written.size / MIB:.1f} MiB; {work.notes.requests} requests"
    )
    if work.failed:
        say(f"{output}: without {', '.join(work.failed)}")
    if written.left_out:
        say(f"{written.left_out} runs are left out: the vendor does not say when they ended")
    if work.notes.unreadable:
        say(f"values that could not be read, and were left out: {', '.join(sorted(work.notes.unreadable))}")
    if options.until is None:
        say(SEAM)
    if options.output is not None:
        say(f"next: promtool tsdb create-blocks-from openmetrics {output} BLOCKS")
