"""What a scrape of a running exporter shows, read."""

import re
from typing import Final

import aiohttp

from exporter.app import Daemon

SAMPLE: Final = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
Samples = dict[str, list[tuple[dict[str, str], float]]]


async def exposition(daemon: Daemon) -> str:
    """Return what a scrape shows."""
    async with aiohttp.ClientSession() as session, session.get(daemon.addresses[0] / "metrics") as response:
        return await response.text()


def parsed(text: str) -> Samples:
    """Return all samples by name."""
    samples: Samples = {}
    for name, labels, value in SAMPLE.findall(text):
        samples.setdefault(name.removeprefix("m365backup_"), []).append((dict(LABEL.findall(labels)), float(value)))
    return samples


def total(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples that have *labels*."""
    return sum(value for theirs, value in samples.get(name, []) if labels.items() <= theirs.items())
