import asyncio
import math
import shutil
import subprocess
from collections import Counter
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.catalog import CATALOG
from exporter.metrics.exposition import Exposition, Format, header
from exporter.metrics.internal import Instruments, ProcessInstruments, SourceInstruments
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.records import Collection, Record, Tenant
from tests.metrics.facts import about_its_jobs, about_the_server, about_the_tenant, publish
from tests.metrics.reading import parsed
from tests.support.clock import FakeClock

SOURCES = ("elements_emea", "elements_us")
TENANTS = ("t1", "t2", "t3")
FORMATS: tuple[Format, ...] = ("text", "openmetrics")
HOSTILE = 'Cr\\edit "Ost"\nGmbH, {a="b"} 1\t\x00 # EOF ü 💾'


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """Return two sources with several tenants, in several cells each, and all there is about the exporter itself."""
    snapshot, clock = Snapshot(), FakeClock()
    for source in SOURCES:
        for tenant in TENANTS:
            publish(snapshot, source, tenant, "tenants", about_the_tenant(tenant))
            publish(snapshot, source, tenant, "jobs", about_its_jobs(tenant))
        publish(snapshot, source, "", "infrastructure", about_the_server())
        lively = SourceInstruments(source, clock, birth_delay=120.0, collectors=["tenants", "jobs"])
        exercise(lively)
        lead(snapshot, source, lively)
    publish(snapshot, SOURCES[0], "t4", "tenants", hostile())
    process = ProcessInstruments(clock)
    for name in process.gauges:
        if name != "exporter_build_info":
            process.set(name, 1)
    lead(snapshot, "", process)
    return snapshot


@pytest.mark.parametrize("form", FORMATS)
async def test_its_parser_reads_it(form: Format, snapshot: Snapshot) -> None:
    """prometheus_client's parser of each format reads every sample, with as many labels and the same numbers."""
    body = await text_of(snapshot, form)

    read = Counter(len(metric.samples) for metric in parsed(form, body))

    lines = [line for line in body.split("\n") if line and not line.startswith("#")]
    assert sum(length * times for length, times in read.items()) == len(lines) == snapshot.series


async def test_both_formats_say_the_same() -> None:
    """The samples of both formats are the same, to the byte."""
    snapshot = Snapshot()
    publish(snapshot, "s", "t1", "jobs", [*about_the_tenant("t1"), *about_its_jobs("t1")])

    text, openmetrics = [await text_of(snapshot, form) for form in FORMATS]

    assert samples(text) == samples(openmetrics)


@pytest.mark.parametrize("form", FORMATS)
async def test_families_are_whole(form: Format, snapshot: Snapshot) -> None:
    """Every family of the catalog has HELP and TYPE once, before all of its samples, which nothing separates."""
    body = await text_of(snapshot, form)

    heads = [line.split(" ")[1:3] for line in body.split("\n") if line.startswith("# ") and line != "# EOF"]
    names = [row.name if form == "text" else row.name.removesuffix("_total") for row in CATALOG]
    assert heads == [[word, name] for name in names for word in ("HELP", "TYPE")]
    for metric in parsed(form, body):
        assert metric.samples, metric.name


@pytest.mark.parametrize("form", FORMATS)
async def test_types_and_help(form: Format, snapshot: Snapshot) -> None:
    """Each family is read back with the type and the help of the catalog."""
    read = {metric.name: (metric.type, metric.documentation) for metric in parsed(form, await text_of(snapshot, form))}

    assert read == {row.name.removesuffix("_total"): (row.kind, row.help) for row in CATALOG}


@given(st.text().map(str.strip).filter(lambda text: text == " ".join(text.split(" "))))
def test_any_help_survives(text: str) -> None:
    """Whatever a help text holds, quotes, backslashes and line feeds included, it is read back as it is."""
    for form in FORMATS:
        head = header("a_total", "counter", text, form).text.decode()

        body = head + "a_total 1\n" + ("# EOF\n" if form == "openmetrics" else "")

        assert [(metric.name, metric.documentation) for metric in parsed(form, body)] == [("a", text)]


def test_quotes_in_help() -> None:
    """OpenMetrics wants quotes in a help text escaped, the text format wants them as they are."""
    text, openmetrics = [header("a", "gauge", 'Says "a".', form).text for form in FORMATS]

    assert (b'Says "a".\n' in text, b'Says \\"a\\".\n' in openmetrics) == (True, True)


@pytest.mark.parametrize("form", FORMATS)
async def test_sums_and_counts_are_adjacent(form: Format, snapshot: Snapshot) -> None:
    """Samples of one label set of a summary or histogram follow one another."""
    for metric in parsed(form, await text_of(snapshot, form)):
        if metric.type in {"summary", "histogram"}:
            sets = [tuple((k, v) for k, v in sample.labels.items() if k != "le") for sample in metric.samples]
            runs = [labels for labels, _ in groupby(sets)]
            assert len(runs) == len(set(runs))


@pytest.mark.parametrize("form", FORMATS)
async def test_no_series_twice(form: Format, snapshot: Snapshot) -> None:
    """No sample has the name and the labels of another."""
    series = [
        (sample.name, *sorted(sample.labels.items()))
        for metric in parsed(form, await text_of(snapshot, form))
        for sample in metric.samples
    ]

    assert len(series) == len(set(series))


@pytest.mark.parametrize("form", FORMATS)
async def test_hostile_text(form: Format, snapshot: Snapshot) -> None:
    """A name with everything that could end a label, a line or the exposition arrives as it is."""
    read = {
        sample.labels["name"]
        for metric in parsed(form, await text_of(snapshot, form))
        if metric.name == "m365backup_tenant_info"
        for sample in metric.samples
        if sample.labels["tenant"] == "t4"
    }

    assert read == {HOSTILE}


async def test_end_of_openmetrics(snapshot: Snapshot) -> None:
    """OpenMetrics ends with exactly one EOF line, the text format has none."""
    text, openmetrics = [await text_of(snapshot, form) for form in FORMATS]

    assert openmetrics.endswith("\n# EOF\n")
    assert openmetrics.count("\n# EOF") == 1
    assert "\n# EOF" not in text
    assert text.endswith("\n")


async def test_no_times_and_no_created(snapshot: Snapshot) -> None:
    """No sample carries a timestamp or is NaN, and no series is about a creation."""
    for form in FORMATS:
        for metric in parsed(form, await text_of(snapshot, form)):
            for sample in metric.samples:
                assert sample.timestamp is None
                assert not math.isnan(sample.value)
                assert not sample.name.endswith("_created")


def test_promtool(snapshot: Snapshot) -> None:
    """`promtool check metrics` reads the text format and has nothing to say against our families."""
    program = shutil.which("promtool") or pytest.fail("promtool is not installed")
    body = asyncio.run(text_of(snapshot, "text"))

    checked = subprocess.run(  # noqa: S603 - a program of the system
        [program, "check", "metrics"], input=body.encode(), capture_output=True, check=False
    )

    assert checked.stderr.decode() == ""
    assert (checked.returncode, checked.stdout) == (0, b"")


def hostile() -> list[Record]:
    """Return a tenant whose name is hard to write down."""
    return [
        Tenant(tenant="t4", name=HOSTILE),
        Collection(tenant="t4", collector="tenants", success=None, succeeded_at=None, stale=False),
    ]


def exercise(source: SourceInstruments) -> None:
    """Let everything happen once."""
    source.requested("jobs", "200", 0.2)
    source.requested("tenants", "timeout", 60.0)
    source.allowed_rate(2.0)
    source.token_expires(1_772_490_000.0)
    source.value_failed("startTime")
    source.value_unknown("status")
    source.set("source_info", 1, "elements", "v3")
    source.set("source_up", 1)
    source.change("scheduler_lag_seconds", 0.5)
    source.change("source_demand_ratio", 0.25)
    source.observe("collector_duration_seconds", 3.0, "jobs")


def lead(snapshot: Snapshot, source: str, instruments: Instruments) -> None:
    """Publish instruments as the app does."""
    chunks, series = instruments.render()
    snapshot.publish(CellKey(source, "", ""), chunks, series=series)


async def text_of(snapshot: Snapshot, form: Format) -> str:
    """Return the whole exposition as text."""
    return (await Exposition(snapshot).body(form, gzip=False)).decode()


def samples(body: str) -> list[str]:
    """Return the lines that are no headers."""
    return [line for line in body.splitlines() if not line.startswith("#")]
