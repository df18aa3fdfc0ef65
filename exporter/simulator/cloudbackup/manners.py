"""What is unknown about the real service, and can be had either way."""

from dataclasses import dataclass
from typing import Literal

Window = Literal["started", "overlapping"]
Instants = Literal["exact", "whole days", "midnights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How Cloud Backup behaves where the reference leaves it open.

    *window*: the time range picks the runs that started in it, or those that touch it.
    *instants*: the time of day in a range counts ("exact"; a date alone is its midnight), or is ignored, and
    then the finish day is in the range entirely ("whole days") or not at all ("midnights").
    *base_one*: pages 0 and 1 are the same page.
    *multi_geo*: `location` is answered instead of making everything empty.
    *legacy_camel*: legacy writes small initials, as its sample of December 2024 does.
    *whole_seconds*: the ticks of legacy have no fraction of a second, like the times of v1 and v2.
    """

    window: Window = "started"
    instants: Instants = "exact"
    base_one: bool = False
    multi_geo: bool = False
    legacy_camel: bool = False
    whole_seconds: bool = False
