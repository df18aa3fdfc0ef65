import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client import values
from exporter.errors import ValueFault

PARSERS: list[Any] = [
    values.text,
    values.identifier,
    values.count,
    values.count_or_length,
    values.size_bytes,
    values.flag,
    values.timestamp,
    values.expiry_date,
    values.duration_seconds,
]
NUMERIC: list[Any] = [parser for parser in PARSERS if parser not in (values.text, values.identifier)]
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**5000)
    | st.floats()
    | st.text()
    | st.from_regex(r"\A[-+]?[0-9٣²]{1,40}[./: TZGBhms-]{0,3}[0-9]{0,40} ?(GB|h|s|Z)?\Z"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("parser", PARSERS)
@given(raw=ANYTHING)
def test_never_surprises(parser: Any, raw: Any) -> None:
    """Whatever a vendor sends, a parser returns a finite value or None, or raises ValueFault."""
    try:
        found = parser(raw)
    except ValueFault as fault:
        assert str(fault).startswith("expected ")  # noqa: PT017 - either outcome is right
    else:
        assert not isinstance(found, float) or math.isfinite(found)
        assert isinstance(found, str) or found is None or found >= 0


@pytest.mark.parametrize("parser", NUMERIC)
@given(raw=st.text().filter(lambda word: not any("0" <= character <= "9" for character in word)))
def test_invents_no_number(parser: Any, raw: str) -> None:
    """Text without a digit never becomes a number."""
    try:
        found = parser(raw)
    except ValueFault:
        return

    assert found is None or isinstance(found, bool)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("raw", [None, "", "  ", "-", " - ", "N/A", "n/a ", "\tN / A\n"])
def test_placeholders(parser: Any, raw: Any) -> None:
    """A vendor's ways of saying nothing become None, never zero."""
    assert parser(raw) is None


@pytest.mark.parametrize("parser", NUMERIC)
@pytest.mark.parametrize("raw", ["Unlimited", " UNLIMITED organizations", "unlimited retention"])
def test_unlimited_is_no_number(parser: Any, raw: str) -> None:
    """Unlimited is not a number, so that there is none."""
    assert parser(raw) is None


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("raw", [float("nan"), float("inf"), 10**400, [1, [2]], {"a": 1}, {}])
def test_faults(parser: Any, raw: Any) -> None:
    """What has no documented form is a fault that names the form expected."""
    if parser is values.count_or_length and isinstance(raw, list):
        assert parser(raw) == 2
        return

    with pytest.raises(ValueFault, match=r"^expected "):
        parser(raw)


@pytest.mark.parametrize("parser", PARSERS)
def test_message_keeps_the_value(parser: Any) -> None:
    """A fault does not repeat the value, which may be personal."""
    with pytest.raises(ValueFault) as caught:
        parser({"mail": "someone@example.com"})

    assert "example.com" not in repr(caught.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(" Contoso ", "Contoso"), ("Unlimited retention", "Unlimited retention"), (7, "7"), (7.0, "7"), (7.5, "7.5")],
)
def test_text(raw: Any, expected: str) -> None:
    """Text loses the blanks around it, Unlimited stays text, numbers become text."""
    assert values.text(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("D1000001-0000-4000-8000-00000000000A", "d1000001-0000-4000-8000-00000000000a"),
        (" Job-7 ", "job-7"),
        (7, "7"),
        ("00000000-0000-0000-0000-000000000000", None),
        ("0" * 32, None),
        ("0", "0"),
        (0, "0"),
    ],
)
def test_identifier(raw: Any, expected: str | None) -> None:
    """Ids are comparable whatever their case; the GUID of zeros names nothing."""
    assert values.identifier(raw) == expected


def test_fold() -> None:
    """Spelling, case and blanks do not tell two words of an enumeration apart."""
    assert values.fold("Finished with Exception") == values.fold("FinishedWithException")
    assert values.fold("IaaS + PaaS") == "iaaspaas"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(2430, 2430), ("2430", 2430), (" 0 ", 0), (25.0, 25), (-1, None), ("-1", None), (-1.0, None)],
)
def test_count(raw: Any, expected: int | None) -> None:
    """Counts come as numbers or text; a negative one is absent."""
    assert values.count(raw) == expected
    assert values.count_or_length(raw) == expected


@pytest.mark.parametrize("raw", [True, 2.5, "2,430", "2 430", "2430.5", "٣", "0x10", "1e3", "9" * 30])
def test_count_faults(raw: Any) -> None:
    """No form of a count is guessed."""
    with pytest.raises(ValueFault):
        values.count(raw)


def test_count_or_length() -> None:
    """Where the vendor lists the things, their number is the count."""
    assert values.count_or_length([{"a": 1}, None]) == 2
    assert values.count_or_length([]) == 0


@pytest.mark.parametrize(
    ("raw", "gigabytes"),
    [
        ("1134.33 GB", 1134.33),
        ("0 GB", 0),
        ("5gb", 5),
        (" 2 TB ", 2048),
        ("1 PB", 1048576),
        ("512 MB", 0.5),
        ("1048576 KB", 1),
        ("1073741824 B", 1),
        (25, 25),
        (0.5, 0.5),
        ("25", 25),
        ("0/1 GB", 1),
        ("3 / 10 TB", 10240),
    ],
)
def test_size(raw: Any, gigabytes: float) -> None:
    """Sizes are read with their unit, as gigabytes without one, and pairs are used/purchased."""
    assert values.size_bytes(raw) == pytest.approx(gigabytes * values.GB_BYTES)


def test_plain_size() -> None:
    """A caller who knows the unit of plain numbers names it; a written unit still wins."""
    assert values.size_bytes("25", plain=1) == 25
    assert values.size_bytes(25, plain=1024) == 25 * 1024
    assert values.size_bytes("1 KB", plain=7) == 1024


@pytest.mark.parametrize("raw", ["-1 GB", -5, "-5"])
def test_negative_size(raw: Any) -> None:
    """A negative size is absent."""
    assert values.size_bytes(raw) is None


@pytest.mark.parametrize(
    "raw", [True, "1134,33 GB", "1 GiB", "0/1", "GB", "1 2 GB", "1e5 GB", "1.7.2 GB", "3 GBs", "/1 GB", 1e308]
)
def test_size_faults(raw: Any) -> None:
    """No form of a size is guessed, and none overflows."""
    with pytest.raises(ValueFault):
        values.size_bytes(raw)


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(["B", "KB", "MB", "GB", "TB", "PB"]))
def test_size_round_trip(amount: int, unit: str) -> None:
    """A whole size comes back exactly in every unit."""
    power = ["B", "KB", "MB", "GB", "TB", "PB"].index(unit)

    assert values.size_bytes(f"{amount} {unit}") == amount * 1024**power


@pytest.mark.parametrize("raw", [True, "True", "yes", " Enabled", 1, "1"])
def test_flag_set(raw: Any) -> None:
    """Every word for yes is yes."""
    assert values.flag(raw) is True


@pytest.mark.parametrize("raw", [False, "false", "No", "DISABLED ", 0, "0"])
def test_flag_clear(raw: Any) -> None:
    """Every word for no is no."""
    assert values.flag(raw) is False


@pytest.mark.parametrize("raw", [2, -1, "on", "2", 1.0, "maybe"])
def test_flag_faults(raw: Any) -> None:
    """What is neither yes nor no is a fault."""
    with pytest.raises(ValueFault):
        values.flag(raw)
