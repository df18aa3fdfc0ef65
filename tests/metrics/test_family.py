import math

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.family import EXACT, by, by_both, counter, escaped, gauge, info, number, summary
from exporter.records import Record

FINITE = st.floats(allow_nan=False, allow_infinity=False)
FACT = Record(tenant="t1")


@given(FINITE)
def test_floats_read_back_equal(value: float) -> None:
    """Any finite number is written so that reading it gives the very same number."""
    assert float(number(value)) == value


@given(st.integers(min_value=-(2**1000), max_value=2**1000))
def test_whole_numbers_read_back_equal(value: int) -> None:
    """A whole number reads back as the float nearest to it, and is written in digits as long as that is exact."""
    text = number(value)

    assert float(text) == float(value)
    assert text == str(value) or abs(value) >= EXACT


def test_shortest_form() -> None:
    """Numbers are written without what they do not need."""
    assert [number(value) for value in (1.0, True, 0.1, -0.0, 1e22, 2.0**53)] == [
        "1",
        "1",
        "0.1",
        "0",
        "1e+22",
        "9007199254740992.0",
    ]


def test_escapes() -> None:
    """What would end a label value is escaped, the escape itself too; all else stays as it is."""
    assert escaped('a\\b"c\nd\te\x00ü') == 'a\\\\b\\"c\\nd\te\x00ü'


def test_nothing_to_escape() -> None:
    """A harmless text is not even copied."""
    text = "Microsoft 365"

    assert escaped(text) is text


def test_none_is_no_sample() -> None:
    """A gauge or a counter whose value the vendor does not give has no sample, and zero is a value."""
    silent = [family("a", "h", Record, {}, lambda _: None) for family in (gauge, counter)]
    zero = [family("a", "h", Record, {}, lambda _: 0) for family in (gauge, counter)]

    assert [list(family.samples(FACT)) for family in silent] == [[], []]
    assert [list(family.samples(FACT)) for family in zero] == [[("", "", 0)], [("", "", 0)]]


def test_no_mapping_is_no_sample() -> None:
    """A family with a sample an entry has none without entries, be the mapping empty or unknown."""
    unknown = by("outcome", "a", "h", Record, {}, lambda _: None)
    empty = by("outcome", "a", "h", Record, {}, lambda _: {})

    assert (list(unknown.samples(FACT)), list(empty.samples(FACT))) == ([], [])


def test_a_sample_an_entry() -> None:
    """Each entry of a mapping becomes a sample; its key the further label, unless it is empty."""
    family = by("outcome", "a", "h", Record, {}, lambda _: {'fa"iled': 3.0, "": 1.0})

    assert list(family.samples(FACT)) == [("", ',outcome="fa\\"iled"', 3.0), ("", "", 1.0)]


def test_two_further_labels() -> None:
    """Each entry of a mapping of pairs becomes a sample with two further labels; without entries there is none."""
    family = by_both(("type", "selection"), "a", "h", Record, {}, lambda _: {("us\ners", "selected"): 3.0})
    empty = by_both(("type", "selection"), "a", "h", Record, {}, lambda _: {})

    assert list(family.samples(FACT)) == [("", ',type="us\\ners",selection="selected"', 3.0)]
    assert family.further_labels == ("type", "selection")
    assert list(empty.samples(FACT)) == []


def test_info_without_text() -> None:
    """An info is 1 whatever is known; empty or unknown text is no label."""
    family = info("a_info", "h", Record, {}, lambda _: {"name": "x\ny", "country": "", "mode": None}, ("name",))

    assert list(family.samples(FACT)) == [("", ',name="x\\ny"', 1.0)]


def test_summary() -> None:
    """A summary is a sum and a count, side by side."""
    family = summary("a_seconds", "h", Record, {}, lambda _: math.pi, lambda _: 2)

    assert list(family.samples(FACT)) == [("_sum", "", math.pi), ("_count", "", 2)]


def test_what_outlives_stale_data() -> None:
    """Counters, summaries and infos are kept, gauges only where they say so."""
    families = [
        counter("a_total", "h", Record, {}, lambda _: 1),
        by("b", "a_total", "h", Record, {}, lambda _: {}, kind="counter"),
        summary("a", "h", Record, {}, lambda _: 1, lambda _: 1),
        info("a_info", "h", Record, {}, lambda _: {}, ()),
        gauge("a", "h", Record, {}, lambda _: 1, kept=True),
        gauge("a", "h", Record, {}, lambda _: 1),
        by("b", "a", "h", Record, {}, lambda _: {}),
        by_both(("b", "c"), "a", "h", Record, {}, lambda _: {}),
    ]

    assert [family.kept for family in families] == [True] * 5 + [False] * 3
