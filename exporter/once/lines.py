"""Records as JSON, one object a line: for whoever wants the facts and not the metrics."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from re import sub
from typing import Any, Final

import orjson

from exporter.once.cycle import Cycle
from exporter.records import JobKey, Record
from exporter.source import WHOLE_SOURCE

TIMES: Final = ("_at", "_since")
"""How the names of those fields end that hold Unix seconds."""


def json_lines(cycles: Iterable[Cycle]) -> Iterator[bytes]:
    """Yield a line for each record of the tenants that are watched, with what the operator says of them."""
    for cycle in cycles:
        roster = cycle.watched.intake.roster
        discovering = {plan.name for plan in cycle.watched.source.plans if plan.discovers}
        for asked, outcome in cycle.outcomes():
            for record in outcome.records:
                if asked.collector in discovering and record.tenant in roster.tenants:
                    yield line(cycle.watched.name, asked.collector, roster.tenants[record.tenant])
                elif record.tenant in roster.tenants or (record.tenant == WHOLE_SOURCE and roster.tells_of_itself()):
                    yield line(cycle.watched.name, asked.collector, record)


def line(source: str, collector: str, record: Record) -> bytes:
    """Return a record as one line: what the vendor did not say is null, times are ISO 8601 in UTC."""
    told = {
        "type": sub(r"(?<=[a-z])(?=[A-Z])", "_", type(record).__name__).lower(),
        "source": source,
        "collector": collector,
        "tenant": record.tenant,
        "fields": {
            each.name: _plain(each.name, getattr(record, each.name)) for each in fields(record) if each.name != "tenant"
        },
    }
    return orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, JobKey):
        return value._asdict()
    if isinstance(value, Mapping):
        return dict(value)
    if value is not None and name.endswith(TIMES):
        return datetime.fromtimestamp(value, UTC)
    return value
