"""The table of subscriptions, which two dashboards show, and which invoices are made from."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look
from grafana.src.panels import WIDE, Panel, Size, Words
from grafana.src.promql import EXPIRY, OF_SUBSCRIPTION, SEATS_RATIO, STORAGE_RATIO, as_date, named, newest, until
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel

SOME: Final = "not every vendor sells by seat, by storage or until a day"
DETAILS: Final = ("model", "storage", "retention", "package", "payment")


def subscriptions_panel(*matchers: str, size: Size = WIDE) -> Panel:
    """Return one row for each subscription of the tenants that the matchers choose."""
    words = Words(
        "Subscriptions",
        "One row for each subscription of a tenant, the one that ends first on top. For an invoice: Inspect, Data,"
        " Download CSV. With Elements the seats in use are the Microsoft licences assigned, the same on every"
        " subscription: never add them up.",
    )
    details = tuple(Label(name=name, title=name.capitalize()) for name in DETAILS)
    labels = (NAME, Label(name="subscription", title="Subscription", width=320), SOURCE_COLUMN, *details, ID)
    values = (_info(matchers), *_seats(matchers), *_storage(matchers), *_ends(matchers))
    return table_panel(words, labels, values, sort="Ends in", rising=True, size=size)


def _info(matchers: tuple[str, ...]) -> Value:
    return Value(expr=named(newest("m365backup_subscription_info", (*OF_SUBSCRIPTION, *DETAILS), *matchers)))


def _seats(matchers: tuple[str, ...]) -> Iterator[Value]:
    for title, metric in (("Seats bought", "seats_purchased"), ("Seats used", "seats_used"), ("New", "seats_new")):
        yield Value(title=title, expr=newest(f"m365backup_{metric}", OF_SUBSCRIPTION, *matchers), may_be_empty=SOME)
    yield Value(
        title="Seats share",
        expr=newest(SEATS_RATIO, OF_SUBSCRIPTION, *matchers),
        unit=look.SHARE,
        steps=look.FILLING,
        may_be_empty=SOME,
    )


def _storage(matchers: tuple[str, ...]) -> Iterator[Value]:
    for title, metric in (("Storage bought", "capacity_purchased_bytes"), ("Storage used", "storage_consumed_bytes")):
        expr = newest(f"m365backup_{metric}", OF_SUBSCRIPTION, *matchers)
        yield Value(title=title, expr=expr, unit=look.BYTES, may_be_empty=SOME)
    yield Value(
        title="Storage share",
        expr=newest(STORAGE_RATIO, OF_SUBSCRIPTION, *matchers),
        unit=look.SHARE,
        steps=look.FILLING,
        may_be_empty=SOME,
    )


def _ends(matchers: tuple[str, ...]) -> Iterator[Value]:
    yield Value(title="Ends", expr=as_date(EXPIRY, OF_SUBSCRIPTION, *matchers), unit=look.DATE, may_be_empty=SOME)
    yield Value(
        title="Ends in",
        expr=until(EXPIRY, OF_SUBSCRIPTION, *matchers),
        unit=look.SECONDS,
        steps=look.TIME_LEFT,
        may_be_empty=SOME,
    )
