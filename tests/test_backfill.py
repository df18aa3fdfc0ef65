"""The command that writes the past."""

import argparse
import asyncio
import fcntl
import json
import re
import signal
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.backfill.fetching import windows
from exporter.backfill.journal import Asked, Journal, Window
from exporter.backfill.order import Span, label, labels_text, span_of
from exporter.backfill.passes import PASSES
from exporter.backfill.samples import pieces, stamp, tracks
from exporter.errors import SettingsError
from exporter.ledger import TenantLedger
from exporter.metrics.rendering import Renderer
from exporter.records import Job, JobKey, Run
from exporter.simulator.cloudbackup.history import ended_between
from exporter.simulator.cloudbackup.manners import Manners
from tests.support.past import DAY, NOW, Stage, past
from tests.support.process import until

SPAN = Span(1_772_000_000_123, 1_772_086_400_777)
JOBS = (
    JobKey("Microsoft 365", "Exchange Online", "backup"),
    JobKey("Microsoft 365", 'a "b" \\ c', "restore"),
)
COUNTED: dict[str, Any] = {"objects": {"failed": 1}, "size_bytes": 7.5, "retries": 1}
SAMPLE = re.compile(r"^(\S+?\{.*\}) (\S+) (\S+)$")
Samples = dict[str, list[tuple[int, float]]]


def run(end: float | None, number: int = 0, status: str = "success", **options: Any) -> Run:
    """Return a run of ten minutes that ended at *end*, in Unix seconds."""
    start = None if end is None else end - 600
    given = {"job": JOBS[0], "started_at": start, "ended_at": end, "duration_seconds": 600.0, **options}
    return Run(tenant="contoso", run_id=f"run{number}", status=status, **given)


def told(runs: Sequence[Run], *, further: str = "", span: Span = SPAN) -> Samples:
    """Return all samples that tell of *runs*, in milliseconds as promtool reads them."""
    found: Samples = defaultdict(list)
    for family, facts_of in PASSES:
        for track in tracks("s", family.name, facts_of("contoso", runs, span.since, span.until), further):
            texts = list(pieces(track, span))
            lines = "".join(text for text, _ in texts).split("\n")[:-1]
            assert len(lines) == sum(samples for _, samples in texts)
            for line in lines:
                match = SAMPLE.match(line)
                assert match
                found[match[1]].append((int(float(match[3]) * 1000), float(match[2])))
    return found


def value_at(samples: list[tuple[int, float]], at: int) -> float:
    """Return what Prometheus would answer for an instant."""
    return samples[bisect_right(samples, (at, float("inf"))) - 1][1]


def series(samples: Samples, name: str, contains: str = "") -> list[tuple[int, float]]:
    """Return the samples of the one series of that name."""
    (found,) = [each for text, each in samples.items() if text.startswith(name + "{") and contains in text]
    return found


ENDS = st.lists(
    st.tuples(
        st.integers(SPAN.since - 100_000, SPAN.until + 100_000),
        st.sampled_from(["success", "warning", "failed", "canceled", "running"]),
        st.sampled_from(JOBS),
    ),
    max_size=12,
)


@given(ENDS, st.lists(st.integers(SPAN.since, SPAN.until), min_size=1, max_size=5))
def test_any_instant(ends: list[tuple[int, str, JobKey]], instants: list[int]) -> None:
    """At any instant a counter is the number of runs that ended by then since the beginning."""
    runs = [run(at / 1000, number, status, job=job) for number, (at, status, job) in enumerate(ends)]

    samples = told(runs)

    for text, its in samples.items():
        if text.startswith("m365backup_job_runs_total"):
            job = JOBS["restore" in text]
            its_ends = [at for at, status, of in ends if of == job and status != "running" and at > SPAN.since]
            for at in (*instants, *its_ends):
                assert at > SPAN.until or value_at(its, at) == sum(end <= at for end in its_ends)


@given(ENDS)
def test_series_have_no_holes(ends: list[tuple[int, str, JobKey]]) -> None:
    """A series of counters goes from 0 at the beginning to the end, forward, and never rests for over five minutes."""
    samples = told([run(at / 1000, number, status, job=job) for number, (at, status, job) in enumerate(ends)])

    for text, its in samples.items():
        assert its[-1][0] == SPAN.until
        assert all(0 < after - before <= 300_000 for (before, _), (after, _) in pairwise(its))
        if "_last_" not in text:
            assert its[0] == (SPAN.since, 0.0)


@given(st.integers(1_000_000_000_000, 4_000_000_000_000))
def test_stamps(milliseconds: int) -> None:
    """Prometheus, which multiplies and cuts, reads the very millisecond."""
    assert int(float(stamp(milliseconds)) * 1000) == milliseconds


def test_the_step_is_sharp() -> None:
    """A millisecond before its end a run does not count, so that no window of increase() begins with the step."""
    end = 1_772_050_000.456

    samples = series(told([run(end)]), "m365backup_job_runs_total")

    place = samples.index((1_772_050_000_456, 1.0))
    assert samples[place - 1] == (1_772_050_000_455, 0.0)


def test_never_early() -> None:
    """An end between two milliseconds counts from the later one."""
    samples = series(told([run(1_772_050_000.4563)]), "m365backup_job_runs_total")

    assert value_at(samples, 1_772_050_000_456) == 0
    assert value_at(samples, 1_772_050_000_457) == 1


def test_equal_ends() -> None:
    """Runs that end in the same millisecond count in one step."""
    samples = series(told([run(1_772_050_000.0, 1), run(1_772_050_000.0, 2)]), "m365backup_job_runs_total")

    assert {value for _, value in samples} == {0.0, 2.0}


def test_what_is_counted() -> None:
    """Failures, objects, bytes, retries, errors and durations grow by what the run had, at its end."""
    at = 1_772_050_000.0
    failed = run(at, status="failed", objects={"failed": 7}, errors={"CB-1": 3}, size_bytes=5e6, retries=2)

    samples = told([failed])

    for name, contains, value in (
        ("m365backup_job_failures_total", "", 1),
        ("m365backup_job_successes_total", "", 0),
        ("m365backup_job_objects_total", 'outcome="failed"', 7),
        ("m365backup_job_bytes_total", "", 5e6),
        ("m365backup_job_retries_total", "", 2),
        ("m365backup_job_errors_total", 'code="CB-1"', 3),
        ("m365backup_job_duration_seconds_sum", "", 600),
        ("m365backup_job_duration_seconds_count", "", 1),
    ):
        its = series(samples, name, contains)
        assert (value_at(its, int(at * 1000) - 1), value_at(its, int(at * 1000))) == (0, value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("m365backup_job_objects_total", {"objects": {"failed": 0}}),
        ("m365backup_job_bytes_total", {"size_bytes": 0.0}),
        ("m365backup_job_retries_total", {"retries": 0}),
    ],
)
def test_what_is_not_told_is_not_counted(name: str, options: dict[str, Any]) -> None:
    """Objects, bytes and retries have no series where no run tells them, and one from the beginning where one does."""
    silent, zero = run(1_772_050_000.0), run(1_772_060_000.0, 1, **options)

    assert not any(text.startswith(name) for text in told([silent]))
    its = [samples for text, samples in told([silent, zero]).items() if text.startswith(name)]
    assert its
    assert all({value for _, value in samples} == {0} and samples[0][0] == SPAN.since for samples in its)


def test_sums_and_counts_alternate() -> None:
    """The sum and the count of an instant are adjacent, as OpenMetrics wants it."""
    (family, facts_of), *_ = [each for each in PASSES if each[0].kind == "summary"]
    (track,) = tracks("s", family.name, facts_of("contoso", [run(1_772_050_000.0)], SPAN.since, SPAN.until), "")

    lines = "".join(text for text, _ in pieces(track, SPAN)).split("\n")[:-1]

    stamps = [line.rsplit(" ", 1)[1] for line in lines]
    assert stamps[::2] == stamps[1::2]
    assert "_sum{" in lines[0]
    assert "_count{" in lines[1]


def test_labels_are_those_of_the_live_series() -> None:
    """Old and new series are the same, but for the labels that Prometheus adds when it scrapes."""
    runs = [
        run(1_772_050_000.0 + number, number, job=JOBS[number % 2], errors={f"E{number}": 1}, **COUNTED)
        for number in range(25)
    ]
    ledger = TenantLedger()
    ledger.observe([], SPAN.since / 1000)
    known: dict[str, Any] = {
        "outcomes": ("failed",),
        "size_known": True,
        "retries_known": True,
    }
    jobs = [Job(tenant="contoso", job=job, status="success", **known) for job in JOBS]
    ledger.observe([*jobs, *runs], SPAN.until / 1000)
    facts, _ = ledger.facts("contoso", SPAN.until / 1000, birth_delay=0.0)
    names = {family.name for family, _ in PASSES}
    lines = [
        line
        for shown in Renderer("s").show(facts)
        for _, text in shown.lines
        for line in text.split("\n")[:-1]
        if line.partition("{")[0].removesuffix("_sum").removesuffix("_count") in names
    ]

    samples = told(runs, further=labels_text([("job", "x"), ("instance", 'e"1')]))

    live = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}
    added = ',job="x",instance="e\\"1"}'
    assert all(text.endswith(added) for text in samples)
    assert {text.removesuffix(added) + "}": its[-1][1] for text, its in samples.items()} == live
    assert sum("errors_total" in text for text in live) == 21


def test_gauges_remember_what_was_before() -> None:
    """What a job did before the beginning is known from the beginning; a failure takes no success away."""
    before, after = SPAN.since / 1000 - 5000.123, SPAN.since / 1000 + 5000
    samples = told([run(before, 1), run(after, 2, status="failed")])

    success = series(samples, "m365backup_job_last_success_timestamp_seconds")
    started = series(samples, "m365backup_job_last_start_timestamp_seconds")
    assert [value for _, value in success] == pytest.approx([before] * len(success))
    assert success[0][0] == SPAN.since
    assert value_at(started, int((after - 601) * 1000)) == pytest.approx(before - 600)
    assert value_at(started, int((after - 599) * 1000)) == pytest.approx(after - 600)


def test_unknown_ends_are_left_out() -> None:
    """A run that ended nobody knows when can be at no instant."""
    assert told([run(None)]) == {}


@given(st.integers(0, 60 * 86_400_000), st.integers(1, 400 * 86_400_000))
def test_windows_meet(since: int, length: int) -> None:
    """The windows cover the past and a week before it, without a gap, each at most a week."""
    span = Span(SPAN.since + since, SPAN.since + since + length)

    found = list(windows("s", "t", span))

    assert found[0].since <= span.since / 1000 - 7 * DAY
    assert found[-1].until > span.until / 1000
    assert all(one.until == other.since for one, other in pairwise(found))
    assert all(0 < each.until - each.since <= 7 * DAY for each in found)


@pytest.mark.parametrize(
    ("since", "milliseconds"),
    [
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31T18:00:00+01:00", 1_769_878_800_000),
        ("2026-01-31T17:00:00.5Z", 1_769_878_800_500),
        ("30d", int((NOW - 30 * DAY) * 1000)),
    ],
)
def test_instants(since: str, milliseconds: int) -> None:
    """An instant is a date, a time with its zone or a duration back."""
    assert span_of(since, None, NOW) == Span(milliseconds, int(NOW * 1000))


@pytest.mark.parametrize(
    ("since", "until", "fault"),
    [
        ("2026-01-31T18:00:00", None, "argument --since: should be a date"),
        ("yesterday", None, "argument --since: should be a date"),
        ("0001-01-01", None, "argument --since: should be a date"),
        ("", None, "argument --since: should be a date"),
        ("30d", "noon", "argument --until: should be a date"),
        ("2030-01-01", None, "argument --since: should be before"),
        ("1d", "2d", "argument --since: should be before"),
        ("1d", "2030-01-01", "argument --until: lies ahead"),
    ],
)
def test_bad_instants(since: str, until: str | None, fault: str) -> None:
    """What is no instant of the past is refused with the forms that are."""
    with pytest.raises(SettingsError, match=re.escape(fault)):
        span_of(since, until, NOW)


@pytest.mark.parametrize("text", ["job", "job=", "=x", "a-b=x", "__name__=x", "tenant=x", "outcome=x", "job_name=x"])
def test_bad_labels(text: str) -> None:
    """A label without value, with a name that is none or is taken, is refused."""
    with pytest.raises(argparse.ArgumentTypeError):
        label(text)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Return tenants with a past."""
    async with past(tmp_path) as stage:
        yield stage


def runs_of(text: str, source: str) -> float:
    """Return how many runs of a source the last samples tell."""
    last: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith(f'm365backup_job_runs_total{{source="{source}"'):
            head, value, _ = line.rsplit(" ", 2)
            last[head] = float(value)
    return sum(last.values())


def truth(stage: Stage, number: int, days: float) -> int:
    """Return how many runs of a customer ended in the last *days*."""
    return sum(1 for _ in ended_between(stage.world, stage.customers[number], NOW - days * DAY, NOW))


async def test_a_file(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A good backfill writes all runs to the file, deletes what it kept meanwhile, and says nothing on stdout."""
    assert await stage.run("--since=9d", "--label=job=x") == 0

    text = stage.output.read_text(encoding="utf-8")
    said = capsys.readouterr()
    assert [runs_of(text, "one"), runs_of(text, "two")] == [truth(stage, 0, 9), truth(stage, 1, 9)]
    assert text.endswith("\n# EOF\n")
    assert text.count("# TYPE m365backup_job_runs counter\n") == 1
    assert [path.name for path in sorted(stage.folder.iterdir())] == ["config.yaml", "history.om"]
    assert said.out == ""
    assert f"{truth(stage, 0, 9) + truth(stage, 1, 9)} runs of 2 tenants" in said.err
    assert "hint: --until should be where the live series begin" in said.err
    assert f"next: promtool tsdb create-blocks-from openmetrics {stage.output} BLOCKS" in said.err


@pytest.mark.parametrize("api", ["v2", "v1", "legacy"])
@pytest.mark.parametrize(
    "manners",
    [
        Manners(window="overlapping"),
        Manners(instants="midnights", base_one=True),
        Manners(instants="whole days", window="overlapping", whole_seconds=True),
    ],
    ids=str,
)
async def test_manners(tmp_path: Path, api: str, manners: Manners) -> None:
    """However the vendor understands a range of time, no run is lost or doubled."""
    async with past(tmp_path, manners) as stage:
        stage.more = {"one": stage.source(0, api=api)}

        assert await stage.run("--since=16d", "--until=6d", "--source=one") == 0
        text = stage.output.read_text(encoding="utf-8")
        assert runs_of(text, "one") == truth(stage, 0, 16) - truth(stage, 0, 6) > 20


async def test_standard_output(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --output, standard output has the data and nothing else, and no file is left."""
    assert await stage.run("--since=2d", "--until=1h", "--source=one", output=False) == 0

    said = capsys.readouterr()
    *lines, eof, empty = said.out.split("\n")
    assert (eof, empty) == ("# EOF", "")
    assert all(line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.match(line) for line in lines)
    assert "hint" not in said.err
    assert [path.name for path in stage.folder.iterdir()] == ["config.yaml"]


async def test_going_on(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """After a failure in the middle the same command asks only for what is missing; all is as if nothing had been."""
    await stage.run("--since=20d", "--until=1h", "--source=one")
    undisturbed, needed = stage.output.read_bytes(), len(stage.gate.asked)
    stage.output.unlink()
    stage.gate.asked.clear()
    stage.gate.closes_after = needed // 2
    stage.clock.set(NOW)

    first = await stage.run("--since=20d", "--until=1h", "--source=one")
    kept, exists = stage.partial.read_bytes().count(b"\n") - 1, stage.output.exists()
    with stage.partial.open("ab") as file:
        file.write(b'{"window":["one"')  # a crash
    stage.gate.closes_after = None
    stage.gate.asked.clear()
    stage.clock.advance(3 * DAY)  # the durations back mean what they meant
    second = await stage.run("--since=20d", "--until=1h", "--source=one")

    assert (first, exists, second) == (1, False, 0)
    assert kept > 0
    assert 0 < len(stage.gate.asked) < needed
    assert stage.output.read_bytes() == undisturbed
    assert not stage.partial.exists()
    said = capsys.readouterr().err
    assert f"{stage.partial}: holds what was fetched; the same command again goes on from there\n" in said


async def test_interrupted(stage: Stage) -> None:
    """Ctrl-C leaves what was fetched, says how to go on, and ends with the usual status, without a traceback."""
    stage.more = {"two": stage.source(1, limits={"requests_per_second": 20})}
    command = ("backfill", "--config", str(stage.config()), "--since=2025-12-01", "--until=2026-03-02")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", *command, "--output", str(stage.output), "--source=two"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await until(lambda: stage.partial.exists() and stage.partial.read_bytes().count(b"\n") > 2, "windows are kept")

    process.send_signal(signal.SIGINT)
    out, said = await process.communicate()

    assert (process.returncode, out) == (130, b"")
    assert said.decode() == f"{stage.partial}: holds what was fetched; the same command again goes on from there\n"
    assert not stage.output.exists()
    assert await stage.run("--since=2025-12-01", "--until=2026-03-02", "--source=two") == 0


async def test_other_arguments(stage: Stage) -> None:
    """What was fetched with other arguments is not mixed in; the error names the file to delete."""
    stage.gate.closes_after = 40
    await stage.run("--since=20d")

    with pytest.raises(SettingsError) as caught:
        await stage.run("--since=21d", "--until=1d")

    assert str(caught.value) == (
        f"{stage.partial}: holds what was fetched with --since 20d; go on with these, or delete the file"
    )
    assert stage.partial.exists()


async def test_a_failing_source(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A source that fails costs a line and the status; the others are told of, and are not asked again later."""
    stage.more = {"two": stage.source(1, base_url="http://127.0.0.1:1")}

    status = await stage.run("--since=5d", "--until=1h")

    said = capsys.readouterr().err
    text = stage.output.read_text(encoding="utf-8")
    assert status == 1
    assert len(re.findall(r"^two: failed: connection: .+$", said, re.MULTILINE)) == 1
    assert f"{stage.output}: without two\n" in said
    assert runs_of(text, "one") > 0
    assert 'source="two"' not in text
    stage.more = {}
    stage.gate.asked.clear()
    assert await stage.run("--since=5d", "--until=1h") == 0
    assert runs_of(stage.output.read_text(encoding="utf-8"), "two") > 0
    assert not stage.partial.exists()


async def test_only_failing_sources(stage: Stage) -> None:
    """If nothing could be had, nothing is written or kept, and what was written before stays."""
    stage.output.write_text("before", encoding="utf-8")
    stage.gate.closed = True

    assert await stage.run("--since=5d") == 1
    assert stage.output.read_text(encoding="utf-8") == "before"
    assert not stage.partial.exists()


async def test_sources_without_history(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A source without a history is skipped with the reason; if no other is left, that is a fault of the arguments."""
    elements = {**stage.source(0), "kind": "elements"}
    del elements["tenant"]
    stage.more = {"elements": elements, "off": stage.source(0, collectors={"jobs": {"enabled": False}})}

    with pytest.raises(SettingsError, match="no source has a history"):
        await stage.run("--since=5d", "--source=elements", "--source=off")

    assert await stage.run("--since=5d", "--source=elements", "--source=one") == 0
    said = capsys.readouterr().err
    assert said.count("elements: skipped: the API of elements shows only the latest run of a job, no history\n") == 2
    assert "off: skipped: its collector of jobs is disabled\n" in said


async def test_unwanted_tenants(stage: Stage) -> None:
    """A tenant that is excluded has no live series, so it gets no old ones."""
    stage.more = {"two": stage.source(1, tenants={"exclude": ["*"]})}

    assert await stage.run("--since=5d") == 0
    assert 'source="two"' not in stage.output.read_text(encoding="utf-8")


async def test_unknown_source(stage: Stage) -> None:
    """A source that is not configured is a fault of the arguments."""
    with pytest.raises(SettingsError, match="sources: there is no three"):
        await stage.run("--since=5d", "--source=three")


async def test_bad_outputs(stage: Stage) -> None:
    """A folder, or a file in one that is not there, cannot be written, which is said before anything is asked."""
    for output in (stage.folder, stage.folder / "nowhere" / "history.om"):
        with pytest.raises(SettingsError):
            await stage.run("--since=5d", "--output", str(output), output=False)

    assert stage.gate.asked == []


async def test_the_disk_fails(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be written is one line, and what was fetched is kept."""
    (stage.folder / "history.om.unfinished").mkdir()

    assert await stage.run("--since=5d", "--until=1h") == 1
    assert f"{stage.output}: cannot be written: Is a directory\n" in capsys.readouterr().err
    assert stage.partial.exists()


def test_two_at_once(tmp_path: Path) -> None:
    """Two backfills never write the same file."""
    with (tmp_path / "history.om.partial").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        with pytest.raises(SettingsError, match="another backfill is at work"):
            Journal.open(tmp_path / "history.om", Asked("30d", None), SPAN)


@pytest.mark.parametrize(
    "heading", ["{}", "rubbish", '{"asked":{"since":"30d","until":null},"span":[1,2],"version":9}']
)
def test_foreign_files(tmp_path: Path, heading: str) -> None:
    """A file that is not ours is neither read nor overwritten."""
    path = tmp_path / "history.om.partial"
    path.write_text(heading + "\n", encoding="utf-8")

    with pytest.raises(SettingsError, match="delete it to begin anew"):
        Journal.open(tmp_path / "history.om", Asked("30d", None), SPAN)

    assert path.read_text(encoding="utf-8") == heading + "\n"


def test_damaged_lines(tmp_path: Path) -> None:
    """From a damaged line on, windows are asked for again; those before it stay, and runs come back as they were."""
    asked, windows_ = Asked("30d", "1d"), [Window("s", "t", day, day + 1) for day in range(3)]
    whole = [run(1_772_050_000.5, number, objects={"failed": 1}, errors={"E": 1}) for number in range(3)]
    journal = Journal.open(tmp_path / "history.om", asked, SPAN)
    for window, each in zip(windows_, whole, strict=True):
        journal.append(window, [each])
    journal.close(done=False)
    path = tmp_path / "history.om.partial"
    first, second, third, fourth = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(first + second + third.replace("run1", '"') + fourth, encoding="utf-8")

    journal = Journal.open(tmp_path / "history.om", asked, Span(1, 2))

    assert journal.span == SPAN
    assert list(journal.windows) == windows_[:1]
    assert journal.runs("s", "t") == whole[:1]
    assert journal.runs("s", "other") == []
    journal.append(windows_[1], whole[1:2])
    assert journal.runs("s", "t") == whole[:2]
    journal.close(done=True)
    assert not path.exists()
    assert json.loads(first)["version"] == 1


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_many_threads(tmp_path: Path) -> None:
    """Windows that are fetched at the same time do not get into each other's lines."""
    asked = Asked("30d", None)
    windows_ = [Window(f"s{number % 8}", "t", number, number + 1) for number in range(400)]
    journal = Journal.open(tmp_path / "history.om", asked, SPAN)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda window: journal.append(window, [run(1_772_050_000.0, window.since)] * 20), windows_))
    places = dict(journal.windows)
    journal.close(done=False)

    journal = Journal.open(tmp_path / "history.om", asked, SPAN)
    assert journal.windows == places
    assert set(places) == set(windows_)
    assert len(journal.runs("s3", "t")) == 50
    journal.close(done=True)
