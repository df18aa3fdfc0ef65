"""What of a tenant is protected, and how it is scanned."""

from collections.abc import Iterator

from grafana.src import look
from grafana.src.page import Section
from grafana.src.panels import THIRD, Panel, Query, Words, bars_panel, lines_panel
from grafana.src.profiles import profiles_panel
from grafana.src.promql import COVERAGE, WORKLOAD, newest

ELEMENTS: str = "only Elements says what it scanned"


def section(this: tuple[str, ...]) -> Section:
    """Return the panels about the tenant that the matchers choose."""
    return Section("Protection", (*_coverage(this), *_vendors(this), profiles_panel(*this)))


def _coverage(this: tuple[str, ...]) -> Iterator[Panel]:
    by = ("source", "product", "workload")
    covered = Query(newest(COVERAGE, by, *this, WORKLOAD), "{{source}} {{product}} {{workload}}", ELEMENTS)
    yield bars_panel(
        Words("Coverage", "Protected objects of all that were scanned, by workload."),
        covered,
        unit=look.SHARE,
        steps=look.COVERED,
        most=1,
    )
    yield lines_panel(
        Words("Coverage over time", "Protected objects of all that were scanned, by workload."),
        covered,
        unit=look.SHARE,
        size=THIRD,
    )
    yield lines_panel(
        Words("Scanned objects", "Objects that the discovery scan knows, by workload."),
        Query(
            newest("m365backup_objects_scanned", by, *this, WORKLOAD), "{{source}} {{product}} {{workload}}", ELEMENTS
        ),
        size=THIRD,
    )


def _vendors(this: tuple[str, ...]) -> Iterator[Panel]:
    by = ("source", "workload")
    anomalies = "only Cloud Backup looks for anomalies"
    yield lines_panel(
        Words("Protected by Veeam", "Users, groups, sites and teams with a backup; a user's site counts as both."),
        Query(
            newest("m365backup_protected_entities", ("source", "entity"), *this),
            "{{source}} {{entity}}",
            "only Veeam lists what is protected",
        ),
        size=THIRD,
    )
    yield lines_panel(
        Words("Unusual activity", "Sites in which Cloud Backup found unusual activity in the last days."),
        Query(newest("m365backup_unusual_activities", by, *this, WORKLOAD), "{{workload}}", anomalies),
        size=THIRD,
    )
    yield lines_panel(
        Words("Suspected ransomware", "Sites in which Cloud Backup suspects ransomware in the last days."),
        Query(newest("m365backup_potential_ransomware_attacks", by, *this, WORKLOAD), "{{workload}}", anomalies),
        size=THIRD,
    )
