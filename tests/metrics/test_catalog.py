import re
from collections import defaultdict
from pathlib import Path
from typing import get_args

from exporter.client.observer import RetryReason
from exporter.errors import REASONS
from exporter.metrics.catalog import (
    CATALOG,
    FAMILIES,
    RUNTIME_INSTRUMENTS,
    SOURCE_INSTRUMENTS,
    Row,
    markdown,
    table_row,
)
from exporter.metrics.family import CACHED, PREFIX, Family, Instrument
from exporter.metrics.rendering import INDEX

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
FOREIGN = {"job", "instance", "service", "endpoint", "region", "owner", "customer", "env"}
OVERRIDES = "and those of overrides"
NOT_THE_VENDORS = {
    "tenant_muted",
    "job_first_seen_timestamp_seconds",
    "job_overdue_after_seconds",
    "jobs_abandoned",
    "collector_success",
    "collector_last_success_timestamp_seconds",
    "collector_stale",
}
"""Families about tenants that tell what the operator said or the exporter remembers."""
UNITS = {"seconds", "bytes", "ratio"}
FOREIGN_UNITS = re.compile(
    r"(?:_|^)(?:ms|millis(?:econds)?|minutes|hours|days|[kmgt]i?b|kilobytes|megabytes|gigabytes|percent(?:age)?)(?:_|$)"
)


def test_names_are_unique() -> None:
    """A name stands in the catalog once."""
    assert len(INDEX) == len(CATALOG)


def test_names_have_the_prefix() -> None:
    """Every name is legal and begins with ours, but those that prometheus_client gives for process and interpreter."""
    for row in CATALOG:
        prefix = "(?:process|python)_" if row in RUNTIME_INSTRUMENTS else PREFIX
        assert re.fullmatch(f"{prefix}[a-z][a-z0-9_]*[a-z0-9]", row.name)


def test_counters_end_in_total() -> None:
    """Counters end in _total, and nothing else does."""
    assert [row.name for row in CATALOG if (row.kind == "counter") != row.name.endswith("_total")] == []


def test_no_name_ends_like_a_sample() -> None:
    """No family is called as a sample of another family may be."""
    reserved = ("_sum", "_count", "_bucket", "_created")

    assert [row.name for row in CATALOG if row.name.endswith(reserved)] == []


def test_base_units() -> None:
    """Names tell seconds and bytes, no other unit of time or size, as their last word but for _total."""
    for row in CATALOG:
        words = row.name.removesuffix("_total").split("_")
        assert not FOREIGN_UNITS.search(row.name)
        assert not UNITS.intersection(words[:-1]) or row.name == "m365backup_exporter_snapshot_bytes"
        assert ("timestamp" in words) == row.name.endswith("_timestamp_seconds")


def test_help_that_tells_a_unit_has_it_in_the_name() -> None:
    """Whatever is said to be a duration, a time or a number of bytes is so by its name."""
    for row in FAMILIES:
        if row.help.startswith(("When ", "Day ")):
            assert row.name.endswith("_timestamp_seconds")
        if row.help.startswith("Duration "):
            assert row.name.endswith("_seconds")
        if row.help.startswith(("Bytes ", "Storage ", "Backup data ")):
            assert row.name.removesuffix("_total").endswith("_bytes")


def test_labels_belong_to_us() -> None:
    """No label has a name that Prometheus or the operator's relabelling owns, or that the exposition adds."""
    for row in CATALOG:
        names = label_names(row)
        assert len(names) == len(set(names))
        assert not FOREIGN.intersection(names)
        assert "source" not in names
        assert all(re.fullmatch(r"[a-z][a-z_]*", name) for name in names)


def test_vendor_data_is_said_to_be_cached() -> None:
    """Help on what a vendor said tells that it is cached and which of the vendor's fields it comes from."""
    for row in FAMILIES:
        vendors = row.name.removeprefix(PREFIX) not in NOT_THE_VENDORS
        assert (CACHED in row.help) == vendors
        assert bool(re.search(r" \((Elements|Cloud Backup|Veeam)\b[^()]*: [^()]+\)$", row.help)) == vendors


def test_help_is_one_sentence_at_least() -> None:
    """Help is text that a person can read: it begins upright and is ended."""
    for row in CATALOG:
        assert re.match(r"[A-Z0-9]", row.help)
        assert row.help.endswith((".", ")"))
        assert "\n" not in row.help


def test_help_says_more_than_the_name() -> None:
    """Help has words of its own beside those of the name."""
    for row in CATALOG:
        told = set(re.findall(r"[a-z]{3,}", row.help.replace(CACHED, "").lower()))
        named = set(row.name.split("_"))
        assert told - named - {"the", "and", "that", "this", "for"}, row.name


def test_evidence_is_kept() -> None:
    """Times, infos, counters, summaries and allowed ages outlive stale data."""
    for row in FAMILIES:
        if row.kind != "gauge" or row.name.endswith(("_timestamp_seconds", "_info", "_overdue_after_seconds")):
            assert row.kept, row.name


def test_present_state_is_not_kept() -> None:
    """What is only true of the present goes with stale data, but what is said by us, not by the vendor."""
    lasting = {family.name.removeprefix(PREFIX) for family in FAMILIES if family.kept and family.kind == "gauge"}
    evidence = {name for name in lasting if name.endswith(("_timestamp_seconds", "_info"))}

    assert lasting - evidence <= NOT_THE_VENDORS


def test_one_mapping_of_labels_a_record() -> None:
    """All families of a record type share one mapping of labels, for it is rendered once a record."""
    mappings = defaultdict(set)
    for family in FAMILIES:
        mappings[family.record].add(id(family.labels))

    assert {len(each) for each in mappings.values()} == {1}


def test_closed_sets() -> None:
    """The closed sets of label values are those of the code that chooses among them."""
    born = {row.name.removeprefix(PREFIX): dict(row.born) for row in SOURCE_INSTRUMENTS if row.born}

    assert born == {
        "collector_failures_total": {"reason": REASONS},
        "api_retries_total": {"reason": get_args(RetryReason)},
    }


def test_page() -> None:
    """docs/metrics.md is what `m365-backup-exporter metrics` prints."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_page_has_every_family() -> None:
    """Every family has one row in the page, with its type and its labels."""
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]

    assert sorted(rows) == sorted(table_row(row) for row in CATALOG)
    assert (
        "| `m365backup_job_last_objects` | gauge | tenant, product, workload, job_type, job_name, outcome |"
        in "".join(rows)
    )


def test_every_row_of_the_page_has_five_cells() -> None:
    """No cell of the page breaks its table."""
    for line in markdown().splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6


def test_what_markdown_would_take_for_markup() -> None:
    """A pipe in a help text does not end the cell, and a placeholder in brackets is not taken for HTML."""
    row = Instrument(name="a", kind="gauge", help="Either a|b or <value>.")

    assert table_row(row) == "| `a` | gauge |  | yes | Either a\\|b or &lt;value>. |"


def label_names(row: Row) -> list[str]:
    """Return all labels of a family, but for the remark on those that the operator chooses."""
    further = row.further_labels if isinstance(row, Family) else ()
    return [*row.labels, *(name for name in further if name != OVERRIDES)]
