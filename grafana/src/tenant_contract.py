"""What a tenant bought and what it uses of that."""

from collections.abc import Iterator

from grafana.src import look
from grafana.src.page import Section
from grafana.src.panels import HALF, THIRD, Panel, Query, Words, lines_panel
from grafana.src.promql import WORKLOAD, newest
from grafana.src.subscriptions import SOME, subscriptions_panel
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel


def section(this: tuple[str, ...]) -> Section:
    """Return the panels about the tenant that the matchers choose."""
    return Section(
        "Subscriptions, seats and storage",
        (subscriptions_panel(*this, size=(24, 8)), *_over_time(this), _repositories(this)),
    )


def _over_time(this: tuple[str, ...]) -> Iterator[Panel]:
    by, legend = ("source", "subscription"), "{{source}} {{subscription}}"
    yield lines_panel(
        Words("Seats used", "Seats in use of each subscription."),
        Query(newest("m365backup_seats_used", by, *this), legend, SOME),
        size=THIRD,
    )
    yield lines_panel(
        Words("Storage used", "Storage of each subscription as its licence counts it."),
        Query(newest("m365backup_storage_consumed_bytes", by, *this), legend, SOME),
        unit=look.BYTES,
        size=THIRD,
    )
    yield lines_panel(
        Words("Microsoft licences", "Microsoft licences that the tenant owns, and those assigned to users."),
        Query(newest("m365backup_microsoft_licenses_assigned", ("source",), *this), "{{source}} assigned", SOME),
        Query(newest("m365backup_microsoft_licenses_available", ("source",), *this), "{{source}} owned", SOME),
        size=THIRD,
    )
    where = ("source", "product", "workload", "location")
    yield lines_panel(
        Words("Stored data", "Backup data stored, by workload and location."),
        Query(
            newest("m365backup_storage_stored_bytes", where, *this, WORKLOAD),
            "{{source}} {{workload}} {{location}}",
            "only Elements says what is stored of each workload",
        ),
        unit=look.BYTES,
    )


def _repositories(this: tuple[str, ...]) -> Panel:
    by, veeam = ("source", "repository"), "only Veeam has repositories"
    info = newest("m365backup_repository_info", (*by, "name", "storage", "immutable"), this[0])
    used = "m365backup_tenant_repository_used_bytes"
    values = (
        Value(expr=f"{info} and on (source, repository) {newest(used, by, *this)}", may_be_empty=veeam),
        *(
            Value(
                title=title,
                expr=newest(used, by, *this, f'location="{location}"'),
                unit=look.BYTES,
                may_be_empty=veeam,
            )
            for title, location in (("On disk", "local"), ("In object storage", "object"), ("In the cache", "cache"))
        ),
    )
    labels = (
        Label(name="name", title="Repository"),
        SOURCE_COLUMN,
        Label(name="storage", title="Storage"),
        Label(name="immutable", title="Immutable"),
        Label(name="repository"),
    )
    words = Words("Veeam repositories", "The repositories that hold backups of this tenant, and how much they hold.")
    return table_panel(words, labels, values, sort="In object storage", size=HALF)
