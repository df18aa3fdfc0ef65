import asyncio
import gzip
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

import pytest

from exporter.metrics.catalog import CATALOG, FAMILIES
from exporter.metrics.exposition import Exposition, Format, samples_of
from exporter.metrics.internal import Instruments
from exporter.metrics.snapshot import CellKey, Snapshot
from tests.metrics.facts import facts, place, publish

FORMATS: tuple[Format, ...] = ("text", "openmetrics")
COMPRESSION = ("exporter.metrics.compression", "part")
KEY = CellKey("s", "t1", "jobs")


@pytest.fixture
def snapshot() -> Snapshot:
    """Return a snapshot of one tenant."""
    snapshot = Snapshot()
    publish(snapshot, "s", "t1", "jobs", facts("t1"))
    return snapshot


@pytest.fixture
def exposition(snapshot: Snapshot) -> Exposition:
    """Return the exposition of that snapshot."""
    return Exposition(snapshot)


@pytest.mark.parametrize("form", FORMATS)
async def test_gzip_is_the_same_body(form: Format, exposition: Exposition) -> None:
    """The compressed body is the plain one, compressed."""
    plain = await exposition.body(form, gzip=False)
    squeezed = await exposition.body(form, gzip=True)

    assert gzip.decompress(squeezed) == plain
    assert len(squeezed) < len(plain)


@pytest.mark.parametrize(("form", "body"), [("text", b""), ("openmetrics", b"# EOF\n")])
async def test_nothing_to_show(form: Format, body: bytes) -> None:
    """An exposition of nothing has no headers without samples, and is valid in each format, compressed or not."""
    exposition = Exposition(Snapshot())

    assert await exposition.body(form, gzip=False) == body
    assert gzip.decompress(await exposition.body(form, gzip=True)) == body


async def test_nothing_changed(exposition: Exposition) -> None:
    """As long as nothing changes, the very same compressed body is handed out."""
    first = await exposition.body("text", gzip=True)

    assert await exposition.body("text", gzip=True) is first


async def test_something_changed(exposition: Exposition, snapshot: Snapshot) -> None:
    """After a change the next scrape sees it."""
    await exposition.body("text", gzip=True)

    snapshot.publish(KEY, {place("tenant_info"): b"changed\n"}, series=1)

    assert gzip.decompress(await exposition.body("text", gzip=True)).endswith(
        b"# TYPE m365backup_tenant_info gauge\nchanged\n"
    )


async def test_formats_are_remembered_apart(exposition: Exposition) -> None:
    """A scrape in one format does not get the body remembered for the other."""
    text, openmetrics = [gzip.decompress(await exposition.body(form, gzip=True)) for form in FORMATS]

    assert (text.endswith(b"# EOF\n"), openmetrics.endswith(b"# EOF\n")) == (False, True)


async def test_a_part_is_not_remembered_as_the_whole(exposition: Exposition) -> None:
    """A scrape of some families neither gets the remembered whole nor leaves its part in its place."""
    whole = await exposition.body("text", gzip=True)

    part = await exposition.body("text", gzip=True, names=["m365backup_tenant_info"])

    assert families(gzip.decompress(part)) == ["m365backup_tenant_info"]
    assert await exposition.body("text", gzip=True) is whole


async def test_together(exposition: Exposition) -> None:
    """Scrapes at the same time share one body: it is joined once."""
    bodies = await asyncio.gather(*(exposition.body("text", gzip=True) for _ in range(5)))

    assert len({id(body) for body in bodies}) == 1


async def test_together_during_changes(exposition: Exposition, snapshot: Snapshot) -> None:
    """Who asks after a change never gets the body begun before it; yet all waiting share one, whatever changes then."""
    with busy_threads():
        early = asyncio.create_task(exposition.body("text", gzip=True))
        await asyncio.sleep(0)
        snapshot.publish(KEY, {place("tenant_info"): b"first change\n"}, series=1)
        late = [asyncio.create_task(exposition.body("text", gzip=True)) for _ in range(5)]
        await asyncio.sleep(0)

    with busy_threads():
        first = await early
        await asyncio.sleep(0)
        snapshot.publish(KEY, {place("tenant_info"): b"second change\n"}, series=1)
    bodies = await asyncio.gather(*late)

    assert b"first change" not in gzip.decompress(first)
    assert b"first change" in gzip.decompress(bodies[0])
    assert len({id(body) for body in bodies}) == 1


async def test_a_scraper_that_gives_up(exposition: Exposition) -> None:
    """A scrape that is cancelled while it joins does not keep others waiting."""
    impatient = asyncio.create_task(exposition.body("text", gzip=True))
    await asyncio.sleep(0)
    impatient.cancel()

    body = await exposition.body("text", gzip=True)

    assert gzip.decompress(body) == await exposition.body("text", gzip=False)
    assert impatient.cancelled()


async def test_prepared(exposition: Exposition) -> None:
    """Preparation compresses every page, so that the scrape after it has nothing left to compress."""
    with calls() as called:
        await exposition.prepare()
        prepared = called[COMPRESSION]
        await exposition.body("text", gzip=True)

    assert prepared == len(FAMILIES)
    assert called[COMPRESSION] == prepared


async def test_unprepared(exposition: Exposition) -> None:
    """Without preparation the first scrape compresses, and no later one does it again."""
    with calls() as called:
        await exposition.body("text", gzip=True)
        first = called[COMPRESSION]
        await exposition.body("openmetrics", gzip=True)

    assert (first, called[COMPRESSION]) == (len(FAMILIES), len(FAMILIES))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_scrape_never_renders(form: Format, exposition: Exposition) -> None:
    """Neither record nor instrument is turned into text for a scrape, be it the first or of a part."""
    with calls() as called:
        await exposition.body(form, gzip=True)
        await exposition.body(form, gzip=False, names=["m365backup_job_runs_total"])

    assert {"exporter.metrics.exposition", "exporter.metrics.compression"} <= {module for module, _ in called}
    assert not {"exporter.metrics.rendering", "exporter.metrics.family"} & {module for module, _ in called}
    assert ("exporter.metrics.internal", Instruments.render.__name__) not in called


@pytest.mark.parametrize("gzipped", [True, False])
async def test_whole_cells(*, gzipped: bool) -> None:
    """A body that was begun before a change shows the cell as it was in all families, however late it is joined."""
    snapshot = Snapshot()
    exposition = Exposition(snapshot)
    grow(snapshot, tenants=200, generation=1)
    with busy_threads():
        scrape = asyncio.create_task(exposition.body("text", gzip=gzipped))
        await asyncio.sleep(0)
        grow(snapshot, tenants=200, generation=2)

    before, after = await scrape, await exposition.body("text", gzip=gzipped)

    assert generations(gzip.decompress(before) if gzipped else before) == {1}
    assert generations(gzip.decompress(after) if gzipped else after) == {2}


async def test_whole_cells_while_everything_changes() -> None:
    """However scraping in threads and publishing interleave, no body shows two ages of one cell."""
    snapshot = Snapshot()
    exposition = Exposition(snapshot)
    grow(snapshot, tenants=200, generation=0)

    for generation in range(1, 30):
        scrapes = [asyncio.create_task(exposition.body("text", gzip=gzipped)) for gzipped in (True, False)]
        for tenant in range(200):
            grow_one(snapshot, tenant, generation)
            if tenant % 20 == 0:
                await asyncio.sleep(0)
        squeezed, plain = await asyncio.gather(*scrapes)
        assert len(generations(gzip.decompress(squeezed))) <= 2
        assert all(len(ages) == 1 for body in (plain, gzip.decompress(squeezed)) for ages in cells(body).values())


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("m365backup_tenant_info", "m365backup_tenant_info"),
        ("m365backup_job_runs_total", "m365backup_job_runs_total"),
        ("m365backup_job_runs", "m365backup_job_runs_total"),
        ("m365backup_job_duration_seconds", "m365backup_job_duration_seconds"),
        ("m365backup_job_duration_seconds_sum", "m365backup_job_duration_seconds"),
        ("m365backup_job_duration_seconds_count", "m365backup_job_duration_seconds"),
    ],
)
async def test_families_by_name(asked: str, found: str, exposition: Exposition) -> None:
    """A family is found by its name in either format and by the names of its samples."""
    text = await exposition.body("text", gzip=False, names=[asked])
    openmetrics = await exposition.body("openmetrics", gzip=False, names=[asked])

    assert families(text) == [found]
    assert families(openmetrics) == [found.removesuffix("_total")]


async def test_several_names(exposition: Exposition) -> None:
    """Several families may be asked for; they come in the order of the catalog, names nobody knows are nothing."""
    names = ["m365backup_job_runs_total", "nobody", "m365backup_tenant_info"]

    body = await exposition.body("text", gzip=False, names=names)

    assert families(body) == ["m365backup_tenant_info", "m365backup_job_runs_total"]


@pytest.mark.parametrize(("form", "body"), [("text", b""), ("openmetrics", b"# EOF\n")])
async def test_a_name_nobody_knows(form: Format, body: bytes, exposition: Exposition) -> None:
    """Asked for families that do not exist, it gives an exposition that is empty but valid."""
    assert await exposition.body(form, gzip=False, names=["nobody"]) == body
    assert gzip.decompress(await exposition.body(form, gzip=True, names=[""])) == body


def test_samples_of_a_histogram() -> None:
    """A histogram is found by the names of its buckets, its sum and its count."""
    histogram = next(row for row in CATALOG if row.name == "m365backup_collector_duration_seconds")

    assert samples_of(histogram) == {
        "m365backup_collector_duration_seconds" + suffix for suffix in ("", "_bucket", "_sum", "_count")
    }


@contextmanager
def busy_threads() -> Iterator[None]:
    """Keep the loop's only thread busy, so that what is handed to threads comes later than all that follows."""
    done = threading.Event()
    threads = ThreadPoolExecutor(max_workers=1)
    asyncio.get_running_loop().set_default_executor(threads)
    threads.submit(done.wait)
    yield
    done.set()


@contextmanager
def calls() -> Iterator[Counter[tuple[str, str]]]:
    """Count the calls of functions in this thread and in all that are started meanwhile, by module and name."""
    called: Counter[tuple[str, str]] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called[frame.f_globals.get("__name__", ""), frame.f_code.co_name] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def grow(snapshot: Snapshot, *, tenants: int, generation: int) -> None:
    """Let all cells say the same generation."""
    for tenant in range(tenants):
        grow_one(snapshot, tenant, generation)


def grow_one(snapshot: Snapshot, tenant: int, generation: int) -> None:
    """Publish a cell that has its generation in each of three families."""
    chunks = {index: f"{CATALOG[index].name} {tenant} {generation}\n".encode() for index in (0, 20, 30)}
    snapshot.publish(CellKey("s", str(tenant), "jobs"), chunks, series=3)


def cells(body: bytes) -> dict[str, set[int]]:
    """Return what generations each cell shows."""
    found: dict[str, set[int]] = {}
    for line in body.decode().splitlines():
        if not line.startswith("#"):
            _, tenant, generation = line.split(" ")
            found.setdefault(tenant, set()).add(int(generation))
    return found


def generations(body: bytes) -> set[int]:
    """Return what generations a body shows."""
    return set.union(*cells(body).values())


def families(body: bytes) -> list[str]:
    """Return the families of a body in order."""
    return [line.split(" ")[2] for line in body.decode().splitlines() if line.startswith("# TYPE")]
