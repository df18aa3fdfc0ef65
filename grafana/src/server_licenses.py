"""The table of the Veeam servers' licences, which two dashboards show."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look
from grafana.src.panels import LOW, Panel, Words
from grafana.src.promql import as_date, newest, until
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel

BY: Final = ("source",)
LICENSE: Final = "m365backup_server_license_"
NONE: Final = "only Veeam has licences of a server"


def server_licenses_panel(*matchers: str) -> Panel:
    """Return one row for each server that the matchers choose."""
    words = Words(
        "Veeam's licences",
        "One row for each Veeam server. New users count from the first day of the next month on. Once the grace has"
        " ended all jobs fail.",
    )
    info = newest(f"{LICENSE}info", (*BY, "type", "status", "package"), *matchers)
    labels = (
        SOURCE_COLUMN,
        Label(name="type", title="Type"),
        Label(name="status", title="Status"),
        Label(name="package", title="Package"),
    )
    values = (Value(expr=info, may_be_empty=NONE), *_users(matchers), *_ends(matchers))
    return table_panel(words, labels, values, sort="Ends in", rising=True, size=LOW)


def _users(matchers: tuple[str, ...]) -> Iterator[Value]:
    bought, used, new = (newest(f"{LICENSE}seats_{name}", BY, *matchers) for name in ("purchased", "used", "new"))
    yield Value(title="Users bought", expr=bought, may_be_empty=NONE)
    yield Value(title="Users", expr=used, may_be_empty=NONE)
    yield Value(title="New this month", expr=new, may_be_empty=NONE)
    yield Value(title="Share", expr=f"{used} / ({bought} > 0)", unit=look.SHARE, steps=look.FILLING, may_be_empty=NONE)


def _ends(matchers: tuple[str, ...]) -> Iterator[Value]:
    expiry = f"{LICENSE}expiry_timestamp_seconds"
    grace = f"{LICENSE}grace_end_timestamp_seconds"
    left = until(expiry, BY, *matchers)
    yield Value(title="Ends", expr=as_date(expiry, BY, *matchers), unit=look.DATE, may_be_empty=NONE)
    yield Value(title="Grace ends", expr=as_date(grace, BY, *matchers), unit=look.DATE, may_be_empty=NONE)
    yield Value(title="Ends in", expr=left, unit=look.SECONDS, steps=look.TIME_LEFT, may_be_empty=NONE)
