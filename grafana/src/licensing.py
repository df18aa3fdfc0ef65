"""Licensing and storage: what was bought, what is used, and when that will no longer do."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
from grafana.src.how_many import how_many
from grafana.src.links import LICENSING, TENANT_OF_SERIES
from grafana.src.page import Page, Section
from grafana.src.panels import HALF, THIRD, Panel, Query, Words, bars_panel, lines_panel
from grafana.src.promql import (
    EXPIRY,
    OF_SUBSCRIPTION,
    OF_TENANT,
    OF_WORKLOAD,
    SEATS_RATIO,
    SOURCE,
    STORAGE_RATIO,
    TENANTS,
    count,
    forecast,
    named,
    newest,
    series,
    total,
    until,
)
from grafana.src.server_licenses import server_licenses_panel
from grafana.src.subscriptions import SOME, subscriptions_panel
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel

THOSE: Final = (SOURCE, TENANTS)
MONTH: Final = 30 * look.DAY

SEATS: Final = ("m365backup_seats_used", "m365backup_seats_purchased")
STORAGE: Final = ("m365backup_storage_consumed_bytes", "m365backup_capacity_purchased_bytes")
NOBODY: Final = "nothing will be full in 30 days"


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=LICENSING,
        title="M365 backup / Licensing and storage",
        description="What was bought, what is used, what it will be in 30 days, and the tables that invoices need.",
        variables=(variables.source(), variables.tenants()),
        sections=(
            Section("Now", tuple(_now())),
            Section("Of each tenant", (subscriptions_panel(*THOSE),)),
            Section("In 30 days", tuple(_forecasts())),
            Section("Of all tenants", tuple(_totals())),
            Section("Storage", tuple(_storage())),
            Section("Veeam's and Microsoft's licences", (server_licenses_panel(SOURCE), _microsoft())),
        ),
        since="now-30d",
    )


def _now() -> Iterator[Panel]:
    left = until(EXPIRY, OF_SUBSCRIPTION, *THOSE)
    counts = (
        (
            "Subscriptions",
            "Subscriptions of the chosen tenants.",
            newest("m365backup_subscription_info", OF_SUBSCRIPTION, *THOSE),
            look.PLAIN,
        ),
        (
            "Ending within 30 days",
            "Subscriptions that end within 30 days.",
            f"{left} < {MONTH} and {left} > 0",
            look.NONE_IS_BETTER,
        ),
        ("Ended", "Subscriptions whose last day is over.", f"{left} <= 0", look.NONE_IS_GOOD),
        (
            "Too many seats",
            "Subscriptions of which more seats are used than were bought.",
            f"{newest(SEATS_RATIO, OF_SUBSCRIPTION, *THOSE)} > 1",
            look.NONE_IS_GOOD,
        ),
        (
            "Too much storage",
            "Subscriptions of which more storage is used than was bought.",
            f"{newest(STORAGE_RATIO, OF_SUBSCRIPTION, *THOSE)} > 1",
            look.NONE_IS_GOOD,
        ),
        (
            "Out of policy",
            "Licences of Cloud Backup that the vendor calls out of policy.",
            newest("m365backup_license_out_of_policy_timestamp_seconds", OF_SUBSCRIPTION, *THOSE),
            look.NONE_IS_GOOD,
        ),
    )
    for title, description, which, steps in counts:
        yield how_many(title, description, which, steps)


def _forecasts() -> Iterator[Panel]:
    labels = (NAME, Label(name="subscription", title="Subscription"), SOURCE_COLUMN, ID)
    for title, share in (("Seats", SEATS_RATIO), ("Storage", STORAGE_RATIO)):
        words = Words(
            f"{title} that will be full",
            f"{title} of subscriptions of which more than 90 % will be used in 30 days if use goes on as in the shown"
            " time; 50 at most, the fullest first.",
        )
        ahead = f"topk(50, {named(forecast(share, OF_SUBSCRIPTION, MONTH, *THOSE))} > 0.9)"
        now = f"{newest(share, OF_SUBSCRIPTION, *THOSE)} and on ({', '.join(OF_SUBSCRIPTION)}) {ahead}"
        columns = (("In 30 days", ahead), ("Now", now))
        values = tuple(
            Value(title=name, expr=expr, unit=look.SHARE, steps=look.FILLING, may_be_empty=NOBODY)
            for name, expr in columns
        )
        yield table_panel(words, labels, values, sort="In 30 days", size=HALF)


def _totals() -> Iterator[Panel]:
    by = ("subscription",)
    seats_used, seats_bought = (total(newest(metric, OF_SUBSCRIPTION, *THOSE), *by) for metric in SEATS)
    used, bought = (total(newest(metric, OF_SUBSCRIPTION, *THOSE), *by) for metric in STORAGE)
    tenants = count(count(series("m365backup_subscription_info", *THOSE), *OF_SUBSCRIPTION), *by)
    yield table_panel(
        Words(
            "Sold",
            "One row for each product, over all chosen tenants: who has it, and what of it is bought and used. Rows of"
            " Elements count the same people, so that their sum means nothing.",
        ),
        (Label(name="subscription", title="Subscription", width=360),),
        (
            Value(title="Tenants", expr=tenants),
            Value(title="Seats bought", expr=seats_bought),
            Value(title="Seats used", expr=seats_used),
            Value(title="Storage bought", expr=bought, unit=look.BYTES, may_be_empty=SOME),
            Value(title="Storage used", expr=used, unit=look.BYTES, may_be_empty=SOME),
        ),
        sort="Tenants",
    )
    yield lines_panel(
        Words("Seats used", "Seats in use of each product, over all chosen tenants; the ten products with most."),
        Query(f"topk(10, {seats_used})", "{{subscription}}"),
    )
    yield lines_panel(
        Words("Storage used", "Storage of each product as its licence counts it; the ten products with most."),
        Query(f"topk(10, {used})", "{{subscription}}", SOME),
        unit=look.BYTES,
    )


def _storage() -> Iterator[Panel]:
    stored = "m365backup_storage_stored_bytes"
    by_location = newest(stored, (*OF_WORKLOAD, "location"), *THOSE)
    nobody = "only Elements says where data is stored"
    yield lines_panel(
        Words("Stored data by location", "Backup data in the vendor's storage, and in the customers' own (byos)."),
        Query(total(by_location, "source", "location"), "{{source}} {{location}}", nobody),
        unit=look.BYTES,
        size=THIRD,
    )
    yield bars_panel(
        Words("Most stored data", "The ten tenants with most backup data, in all locations.", TENANT_OF_SERIES),
        Query(f"topk(10, {named(total(by_location, *OF_TENANT))})", "{{tenant_name}}", nobody),
        unit=look.BYTES,
    )
    in_repositories = newest(
        "m365backup_tenant_repository_used_bytes",
        (*OF_TENANT, "repository", "location"),
        *THOSE,
        'location!="cache"',
    )
    yield bars_panel(
        Words(
            "Most in Veeam's repositories",
            "The ten tenants that occupy most of the repositories, caches not counted.",
            TENANT_OF_SERIES,
        ),
        Query(
            f"topk(10, {named(total(in_repositories, *OF_TENANT))})", "{{tenant_name}}", "only Veeam has repositories"
        ),
        unit=look.BYTES,
    )


def _microsoft() -> Panel:
    assigned = newest("m365backup_microsoft_licenses_assigned", OF_TENANT, *THOSE)
    available = newest("m365backup_microsoft_licenses_available", OF_TENANT, *THOSE)
    elements = "only Elements counts Microsoft's licences"
    return table_panel(
        Words("Microsoft's licences", "Licences of Microsoft that Elements calls assigned and available, by tenant."),
        (NAME, SOURCE_COLUMN, ID),
        (
            Value(title="Assigned", expr=named(assigned), may_be_empty=elements),
            Value(title="Available", expr=available, may_be_empty=elements),
        ),
        sort="Assigned",
    )
