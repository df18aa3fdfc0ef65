"""What a backfill is asked for: from when until when, and which labels its series get."""

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exporter.backfill.passes import OWN_LABELS
from exporter.duration import FORM, duration_seconds
from exporter.errors import SettingsError
from exporter.metrics.family import escaped

FORMS: Final = "a date (2026-01-31, which begins at 00:00 UTC), a time with zone (2026-01-31T18:00:00+01:00) or 30d"
_DAY: Final = re.compile(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?\d)?", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """The time to tell of, in Unix milliseconds: later than *since*, until *until*."""

    since: int
    until: int


def span_of(since: str, until: str | None, now: float) -> Span:
    """Return the time between two instants as they were written, which ends now if nothing else was said."""
    begin = _instant("--since", since, now)
    end = _milliseconds(now) if until is None else _instant("--until", until, now)
    if end > _milliseconds(now):
        raise SettingsError(["argument --until: lies ahead; there is no history yet"])
    if begin >= end:
        raise SettingsError(["argument --since: should be before --until, and before now"])
    return Span(begin, end)


def _instant(option: str, text: str, now: float) -> int:
    try:
        return _milliseconds(_read(text, now))
    except (ValueError, OverflowError):
        raise SettingsError([f"argument {option}: should be {FORMS}"]) from None


def _read(text: str, now: float) -> float:
    """Return Unix seconds; ValueError if *text* has none of the forms."""
    if re.fullmatch(FORM, text, re.ASCII):
        return now - duration_seconds(text)
    moment = datetime.fromisoformat(text)
    if _DAY.fullmatch(text):
        moment = moment.replace(tzinfo=UTC)
    if moment.tzinfo is None or moment.timestamp() < 0:
        raise ValueError("without a zone, or before all computers")
    return moment.timestamp()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def label(text: str) -> tuple[str, str]:
    """Return name and value of ``name=value``; for argparse."""
    name, sign, value = text.partition("=")
    if not sign or not value or not _LABEL.fullmatch(name) or name.startswith("__"):
        raise argparse.ArgumentTypeError("should be name=value, such as job=m365-backup")
    if name in OWN_LABELS:
        raise argparse.ArgumentTypeError(f"the series have a label {name} of their own")
    return name, value


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Return further labels as they stand in a series, each with a comma before it."""
    return "".join(f',{name}="{escaped(value)}"' for name, value in dict(labels).items())
