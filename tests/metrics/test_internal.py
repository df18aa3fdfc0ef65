from collections.abc import Callable

import pytest
from prometheus_client import Gauge
from structlog.testing import capture_logs

from exporter.errors import REASONS
from exporter.metrics.catalog import CATALOG, RUNTIME_INSTRUMENTS
from exporter.metrics.family import Instrument
from exporter.metrics.internal import Instruments, ProcessInstruments, SourceInstruments
from tests.support.clock import FakeClock

DELAY = 120.0
RETRIES = ("throttled", "timeout", "connection", "server", "auth")

Telling = Callable[[SourceInstruments], None]


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> SourceInstruments:
    """Return the instruments of a source with two collectors."""
    return SourceInstruments("s", clock, birth_delay=DELAY, collectors=["tenants", "jobs"])


@pytest.fixture
def process(clock: FakeClock) -> ProcessInstruments:
    """Return the instruments of the process."""
    return ProcessInstruments(clock)


def test_closed_sets_exist_at_0(source: SourceInstruments) -> None:
    """Every failure reason of every collector, and every reason to ask again, is there before anything happened."""
    shown = samples(source)

    assert family(shown, "collector_failures_total") == {
        f'{{source="s",collector="{collector}",reason="{reason}"}}': 0.0
        for collector in ("tenants", "jobs")
        for reason in REASONS
    }
    assert family(shown, "api_retries_total") == {f'{{source="s",reason="{reason}"}}': 0.0 for reason in RETRIES}
    assert family(shown, "api_throttled_total") == {'{source="s"}': 0.0}


def test_open_sets_are_empty_at_first(source: SourceInstruments) -> None:
    """What has no closed set of labels is not there before it happened."""
    shown = samples(source)

    assert family(shown, "parse_failures_total") == {}
    assert family(shown, "api_requests_total") == {}


def test_a_gauge_that_was_never_set(source: SourceInstruments) -> None:
    """A value that is not known yet is no sample: an expiry of 0 would be a token that ended in 1970."""
    before = samples(source)
    source.token_expires(1_772_490_000.0)
    source.set("source_up", 0)

    after = samples(source)

    assert family(before, "token_expiry_timestamp_seconds") == family(before, "source_up") == {}
    assert family(after, "token_expiry_timestamp_seconds") == {'{source="s"}': 1_772_490_000.0}
    assert family(after, "source_up") == {'{source="s"}': 0.0}


def test_a_counter_is_born_at_0(source: SourceInstruments, clock: FakeClock) -> None:
    """A new counter shows 0 from its first sight on for the birth delay, then what was counted meanwhile."""
    source.value_failed("startTime")
    series = '{source="s",field="startTime"}'

    seen = [family(samples(source), "parse_failures_total")[series]]
    for _ in range(2):
        clock.advance(DELAY / 2)
        source.value_failed("startTime")
        seen.append(family(samples(source), "parse_failures_total")[series])

    assert seen == [0.0, 0.0, 3.0]


def test_birth_is_the_first_sight(source: SourceInstruments, clock: FakeClock) -> None:
    """The delay begins when the series is first shown, not when it was first counted."""
    source.value_failed("startTime")
    clock.advance(10 * DELAY)

    assert family(samples(source), "parse_failures_total") == {'{source="s",field="startTime"}': 0.0}


def test_each_series_has_its_own_birth(source: SourceInstruments, clock: FakeClock) -> None:
    """A series that comes later is born later, and does not hide what an older one has counted."""
    source.value_failed("old")
    samples(source)
    clock.advance(DELAY)
    source.value_failed("new")

    assert family(samples(source), "parse_failures_total") == {
        '{source="s",field="old"}': 1.0,
        '{source="s",field="new"}': 0.0,
    }


def test_no_birth_delay(clock: FakeClock) -> None:
    """Without a delay a counter tells the truth at once."""
    source = SourceInstruments("s", clock, birth_delay=0.0, collectors=[])

    source.throttled()

    assert family(samples(source), "api_throttled_total") == {'{source="s"}': 1.0}


def test_created_is_never_shown(source: SourceInstruments, process: ProcessInstruments) -> None:
    """No series tells when a counter or histogram was created, although the library keeps that."""
    source.requested("jobs", "200", 0.2)

    assert "m365backup_api_requests_created" in {
        sample.name for metric in source.registry.collect() for sample in metric.samples
    }
    assert [name for name in samples(source) | samples(process) if "_created" in name] == []


def test_histogram(source: SourceInstruments) -> None:
    """A histogram shows at once what it observed; it has no birth delay."""
    source.requested("jobs", "200", 0.2)

    shown = family(samples(source), "api_request_duration_seconds")

    assert shown['_bucket{source="s",operation="jobs",le="0.1"}'] == 0.0
    assert shown['_bucket{source="s",operation="jobs",le="0.25"}'] == 1.0
    assert shown['_bucket{source="s",operation="jobs",le="+Inf"}'] == 1.0
    assert shown['_sum{source="s",operation="jobs"}'] == 0.2
    assert shown['_count{source="s",operation="jobs"}'] == 1.0


def test_histogram_without_labels(clock: FakeClock) -> None:
    """Instruments need not have labels, nor belong to a source."""
    row = Instrument(name="m365backup_collector_duration_seconds", kind="histogram", help="h", buckets=(1.0,))
    instruments = Instruments([row], clock, birth_delay=DELAY, source=None)

    instruments.observe("collector_duration_seconds", 3.0)

    assert family(samples(instruments), "collector_duration_seconds") == {
        '_bucket{le="1.0"}': 0.0,
        '_bucket{le="+Inf"}': 1.0,
        "_sum": 3.0,
        "_count": 1.0,
    }


def test_what_a_source_tells(source: SourceInstruments, clock: FakeClock) -> None:
    """Every kind of event is shown in its own family, once it is old enough."""
    samples(source)
    source.requested("jobs", "429", 0.2)
    source.throttled()
    source.retried("throttled")
    source.allowed_rate(1.5)
    source.value_unknown("status")
    source.dropped("t1", "jobs", 7)
    source.count("collector_failures_total", "jobs", "timeout")
    source.set("source_info", 1, "elements", "v3")
    samples(source)
    clock.advance(DELAY)

    shown = samples(source)

    assert family(shown, "api_requests_total") == {'{source="s",operation="jobs",code="429"}': 1.0}
    assert family(shown, "api_throttled_total") == {'{source="s"}': 1.0}
    assert family(shown, "api_retries_total")['{source="s",reason="throttled"}'] == 1.0
    assert family(shown, "api_allowed_requests_per_second") == {'{source="s"}': 1.5}
    assert family(shown, "unknown_values_total") == {'{source="s",field="status"}': 1.0}
    assert family(shown, "series_dropped_total") == {'{source="s"}': 7.0}
    assert family(shown, "collector_failures_total")['{source="s",collector="jobs",reason="timeout"}'] == 1.0
    assert family(shown, "source_info") == {'{source="s",kind="elements",api="v3"}': 1.0}
    assert source.allowed_per_second == 1.5


def test_nothing_moved(source: SourceInstruments) -> None:
    """What was rendered and not told anything since need not be rendered again."""
    fresh = source.moved()

    samples(source)

    assert (fresh, source.moved()) == (True, False)


@pytest.mark.parametrize(
    "told",
    [
        lambda source: source.throttled(),
        lambda source: source.token_expires(1.0),
        lambda source: source.observe("collector_duration_seconds", 0.1, "jobs"),
        lambda source: source.dropped("t1", "jobs", 1),
        lambda source: source.change("scheduler_lag_seconds", 1.0),
    ],
)
def test_everything_told_moves(told: Telling, source: SourceInstruments) -> None:
    """Whatever is counted, set or observed has to be rendered."""
    samples(source)

    told(source)

    assert source.moved()


def test_setting_the_same_is_no_move(source: SourceInstruments) -> None:
    """A gauge that changes to the value it has leaves everything as it is."""
    source.set("scheduler_lag_seconds", 2.0)
    samples(source)

    source.change("scheduler_lag_seconds", 2.0)

    assert not source.moved()


def test_changing_after_setting(source: SourceInstruments) -> None:
    """A change back to a value is noticed, though another one was set in between."""
    source.change("scheduler_lag_seconds", 1.0)
    source.set("scheduler_lag_seconds", 2.0)

    source.change("scheduler_lag_seconds", 1.0)

    assert family(samples(source), "scheduler_lag_seconds") == {'{source="s"}': 1.0}


def test_growing_up_has_to_be_shown(source: SourceInstruments, clock: FakeClock) -> None:
    """As long as a counter hides what it counted it is rendered again, and no longer."""
    source.throttled()
    samples(source)
    hiding = source.moved()
    clock.advance(DELAY)

    samples(source)

    assert (hiding, source.moved()) == (True, False)


def test_the_first_is_logged() -> None:
    """A field that cannot be read, a word that is unknown and series that are dropped are logged once each."""
    with capture_logs() as logs:
        source = SourceInstruments("s", FakeClock(), birth_delay=DELAY, collectors=[])
        for _ in range(3):
            source.value_failed("startTime")
            source.value_unknown("startTime")
            source.dropped("t1", "jobs", 5)
            source.dropped("t1", "protection", 6)
            source.dropped("value_unknown", "startTime", 7)

    assert logs == [
        {"event": "value_unreadable", "log_level": "warning", "source": "s", "field": "startTime"},
        {"event": "value_unknown", "log_level": "warning", "source": "s", "field": "startTime"},
        dropped("t1", "jobs", 5),
        dropped("t1", "protection", 6),
        dropped("value_unknown", "startTime", 7),
    ]


def test_all_that_is_dropped_is_counted(source: SourceInstruments, clock: FakeClock) -> None:
    """What is logged once is counted each time, by the number of its series."""
    samples(source)
    clock.advance(DELAY)

    source.dropped("t1", "jobs", 5)
    source.dropped("t1", "jobs", 6)

    assert family(samples(source), "series_dropped_total") == {'{source="s"}': 11.0}


def test_process(process: ProcessInstruments) -> None:
    """The process tells its version and its resources, and never stands still."""
    shown = samples(process)

    assert process.moved()
    assert {row.name for row in RUNTIME_INSTRUMENTS} <= {name.partition("{")[0] for name in shown}
    assert shown["process_resident_memory_bytes"] > 1e6
    assert shown["process_cpu_seconds_total"] > 0
    assert [value for name, value in shown.items() if name.startswith("m365backup_exporter_build_info{")] == [1.0]


def test_what_the_app_has_not_told(process: ProcessInstruments) -> None:
    """Nothing is said of a configuration that was not read yet."""
    before = samples(process)
    process.set("exporter_config_last_reload_successful", 0)

    assert family(before, "exporter_config_last_reload_successful") == {}
    assert family(samples(process), "exporter_config_last_reload_successful") == {"": 0.0}


def test_what_the_catalog_does_not_know(process: ProcessInstruments) -> None:
    """A family that a newer library adds is left out rather than put out without its header."""
    Gauge("python_novelty", "New.", registry=process.registry).set(1)

    assert "python_novelty" not in samples(process)


def test_number_of_series(source: SourceInstruments) -> None:
    """The number told beside the samples is that of the samples."""
    source.requested("jobs", "200", 0.2)

    chunks, series = source.render()

    assert series == sum(chunk.count(b"\n") for chunk in chunks.values())


def dropped(tenant: str, collector: str, series: int) -> dict[str, object]:
    """Return the event that tells of dropped series."""
    where = {"source": "s", "tenant": tenant, "collector": collector}
    return {"event": "series_dropped", "log_level": "warning", **where, "series": series}


def samples(instruments: Instruments) -> dict[str, float]:
    """Render, and return name and labels → value."""
    lines = b"".join(instruments.render()[0].values()).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def family(shown: dict[str, float], name: str) -> dict[str, float]:
    """Return the samples of one of our families, without its name."""
    names = sorted((row.name for row in CATALOG), key=len, reverse=True)
    own = {series: next(known for known in names if series.startswith(known)) for series in shown}
    full = f"m365backup_{name}"
    return {series.removeprefix(full): value for series, value in shown.items() if own[series] == full}
