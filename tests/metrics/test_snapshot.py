from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.snapshot import TENANTS_A_PAGE, CellKey, Snapshot

FAMILIES = range(3)
Cell = tuple[dict[int, bytes], int]
KEYS = st.builds(
    CellKey, st.sampled_from("ab"), st.integers(0, 140).map(str) | st.sampled_from("xy"), st.sampled_from(["j", "p"])
)
CELLS = st.tuples(
    st.dictionaries(st.sampled_from(FAMILIES), st.sampled_from([b"1\n", b"22\n", b"333\n"])), st.integers(0, 9)
)
STEPS = st.lists(st.tuples(KEYS, CELLS | st.none()), max_size=80)


@given(STEPS)
def test_like_a_dictionary(steps: list[tuple[CellKey, Cell | None]]) -> None:
    """After any publishing and removing, it holds what a plain dictionary of cells would, and its totals are right."""
    snapshot, model = Snapshot(), dict[CellKey, Cell]()

    for key, cell in steps:
        before = contents(model), snapshot.version
        step(snapshot, model, key, cell)
        assert (snapshot.version > before[1]) == (contents(model) != before[0])

    assert {index: shown(snapshot, index) for index in FAMILIES} == contents(model)
    assert snapshot.series == sum(series for _, series in model.values())
    assert snapshot.size == sum(len(chunk) for chunks, _ in model.values() for chunk in chunks.values())


@given(STEPS)
def test_one_tenant(steps: list[tuple[CellKey, Cell | None]]) -> None:
    """What there is of each tenant, and how many series of it another collector leaves, is right at any time."""
    snapshot, model = Snapshot(), dict[CellKey, Cell]()

    for key, cell in steps:
        step(snapshot, model, key, cell)
        theirs = [other for other in model if other[:2] == key[:2]]
        others = sum(model[other][1] for other in theirs if other.collector != key.collector)
        assert snapshot.cells(key.source, key.tenant) == tuple(sorted(theirs))
        assert snapshot.series_of(key.source, key.tenant, without=key.collector) == others


def test_a_tenant_nobody_knows() -> None:
    """Of a tenant that was never published there is nothing, and removing it changes nothing."""
    snapshot = Snapshot()

    snapshot.remove(CellKey("s", "t", "c"))

    assert (snapshot.cells("s", "t"), snapshot.series_of("s", "t", without="c"), snapshot.version) == ((), 0, 0)


def test_replaced_whole() -> None:
    """A cell that is published again loses the families that it no longer has."""
    snapshot = Snapshot()
    snapshot.publish(CellKey("s", "t", "c"), {0: b"old\n", 1: b"old\n"}, series=2)

    snapshot.publish(CellKey("s", "t", "c"), {1: b"new\n", 2: b"new\n"}, series=2)

    assert [chunks(snapshot, index) for index in FAMILIES] == [[], [[b"new\n"]], [[b"new\n"]]]


def test_the_same_again() -> None:
    """Publishing what is there already is no change: version and pages stay, compressed ones too."""
    snapshot = Snapshot()
    snapshot.publish(CellKey("s", "t", "c"), {0: b"a\n"}, series=1)
    version, (page,) = snapshot.version, snapshot.pages(0)

    snapshot.publish(CellKey("s", "t", "c"), {0: b"a\n"}, series=1)

    assert snapshot.version == version
    assert list(snapshot.pages(0)) == [page]


def test_pages_of_16_tenants() -> None:
    """A page holds the cells of 16 tenants, however many cells each of them has."""
    snapshot = crowd(TENANTS_A_PAGE + 1, "jobs", "protection")

    assert TENANTS_A_PAGE == 16
    assert [len(page) for page in chunks(snapshot, 0)] == [2 * TENANTS_A_PAGE, 2]


def test_a_change_touches_one_page() -> None:
    """A change in one cell makes its page anew and leaves the others, so that little is compressed again."""
    snapshot = crowd(3 * TENANTS_A_PAGE)
    before = list(snapshot.pages(0))

    snapshot.publish(CellKey("s", "20", "jobs"), {0: b"changed\n"}, series=1)

    after = list(snapshot.pages(0))
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_freed_places_are_taken_again() -> None:
    """Tenants that come take the places of those that left, so that pages do not thin out."""
    snapshot = crowd(2 * TENANTS_A_PAGE)
    for left in range(10):
        snapshot.remove(CellKey("s", str(left), "jobs"))

    for came in range(10):
        snapshot.publish(CellKey("s", f"new {came}", "jobs"), {0: b"new\n"}, series=1)

    assert [len(page) for page in chunks(snapshot, 0)] == [TENANTS_A_PAGE, TENANTS_A_PAGE]


def test_a_place_is_free_with_the_last_cell() -> None:
    """A tenant keeps its place as long as one of its cells is there."""
    snapshot = crowd(TENANTS_A_PAGE, "jobs", "protection")

    snapshot.remove(CellKey("s", "0", "jobs"))
    snapshot.publish(CellKey("s", "new", "jobs"), {0: b"new\n"}, series=1)

    assert [len(page) for page in chunks(snapshot, 0)] == [2 * TENANTS_A_PAGE - 1, 1]


def test_pages_stay_as_they_were() -> None:
    """A page taken hold of shows what it showed then, whatever changes afterwards."""
    snapshot = crowd(2)
    (page,) = snapshot.pages(0)

    snapshot.publish(CellKey("s", "0", "jobs"), {0: b"changed\n"}, series=1)
    snapshot.remove(CellKey("s", "1", "jobs"))

    assert page.chunks == (b"s 0 jobs\n", b"s 1 jobs\n")


def test_compressed_once() -> None:
    """A page is compressed when it is first asked for, and never again."""
    (page,) = crowd(2).pages(0)

    assert page.part() is page.part()


def step(snapshot: Snapshot, model: dict[CellKey, Cell], key: CellKey, cell: Cell | None) -> None:
    """Publish a cell in both, or remove it."""
    if cell is None:
        snapshot.remove(key)
        model.pop(key, None)
    else:
        snapshot.publish(key, cell[0], series=cell[1])
        model[key] = cell


def contents(model: dict[CellKey, Cell]) -> dict[int, Counter[bytes]]:
    """Return what should be shown of each family, in whatever order."""
    return {index: Counter(chunks[index] for chunks, _ in model.values() if index in chunks) for index in FAMILIES}


def shown(snapshot: Snapshot, index: int) -> Counter[bytes]:
    """Return what is shown of a family, in whatever order."""
    return Counter(chunk for page in chunks(snapshot, index) for chunk in page)


def chunks(snapshot: Snapshot, index: int) -> list[list[bytes]]:
    """Return what is shown of a family, page by page."""
    return [list(page.chunks) for page in snapshot.pages(index)]


def crowd(tenants: int, *collectors: str) -> Snapshot:
    """Return a snapshot of many tenants."""
    snapshot = Snapshot()
    for tenant in range(tenants):
        for collector in collectors or ["jobs"]:
            snapshot.publish(CellKey("s", str(tenant), collector), {0: f"s {tenant} {collector}\n".encode()}, series=1)
    return snapshot
