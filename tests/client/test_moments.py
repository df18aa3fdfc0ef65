from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client import values
from exporter.errors import ValueFault

MIDNIGHT = datetime(2027, 3, 14, tzinfo=UTC).timestamp()


EVENING = datetime(2026, 3, 2, 21, 15, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("2026-03-02T21:15:30Z", EVENING),
        ("2026-03-02T21:15:30", EVENING),
        ("2026-03-02 21:15:30", EVENING),
        ("2026-03-02T21:15:30.4170000Z", EVENING + 0.417),
        ("2026-03-02T21:15:30.417+00:00", EVENING + 0.417),
        ("2026-03-02T21:15:30.0123456Z", EVENING + 0.0123456),
        ("2026-03-02T14:15:30.0123456-07:00", EVENING + 0.0123456),
        ("2026-03-02T23:15:30+02:00", EVENING),
        ("2026-03-02T16:45:30-0430", EVENING),
        ("03-02-2026T21:15:30Z", EVENING),
        ("03/02/2026 21:15:30", EVENING),
        ("2027-03-14", MIDNIGHT),
        ("2027/03/14", MIDNIGHT),
        ("03/14/2027", MIDNIGHT),
        (639080829304170000, 1772486130.417),
        ("639080829304170000", 1772486130.417),
        (1772486130417, 1772486130.417),
        (1772486130, 1772486130),
        ("1772486130", 1772486130),
        (1772486130.5, 1772486130.5),
    ],
)
def test_timestamp(raw: Any, seconds: float) -> None:
    """Every documented form of a time becomes Unix seconds; without a zone it is UTC."""
    assert values.timestamp(raw) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize(
    "raw", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "1970-01-01", "1753-01-01", 0, -1, "0", 10**17]
)
def test_zero_times(raw: Any) -> None:
    """A vendor's zero of time is no time."""
    assert values.timestamp(raw) is None
    assert values.expiry_date(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        True,
        20260302,
        "20260302",
        "2026-02-30",
        "2026-03-02T24:00:00Z",
        "2026-03/02",
        "14/03/2027",
        "2026-03-02T21:15",
        "2026-03-02T21:15:30+99:00",
        "٢٠٢٦-٠٣-٠٢",
        "yesterday",
        10**14 * 5,
        4 * 10**18,
        300_000_000_000,
        "0000-01-01",
    ],
)
def test_timestamp_faults(raw: Any) -> None:
    """No form of a time is guessed, and none leaves the calendar."""
    with pytest.raises(ValueFault):
        values.timestamp(raw)


@given(st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - aware by timezones
def test_timestamp_round_trip(moment: datetime) -> None:
    """A time written by ISO 8601 comes back to the microsecond."""
    assert values.timestamp(moment.isoformat()) == pytest.approx(moment.timestamp(), abs=1e-4)


@pytest.mark.parametrize(
    "raw",
    [
        "03-14-2027T12:00:00Z",
        "2027-03-14T00:00:00Z",
        "2027-03-14T23:30:00-05:00",
        "2027-03-14",
        "03/14/2027",
        MIDNIGHT + 43_200,
    ],
)
def test_expiry_date(raw: Any) -> None:
    """An expiry is the date as written, at midnight UTC, whatever the time of day says."""
    assert values.expiry_date(raw) == MIDNIGHT


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("1h13m30s", 4410),
        ("2m33s", 153),
        ("38s", 38),
        ("0 S", 0),
        ("1d2h", 93600),
        ("1h 5m", 3900),
        ("00:04:01", 241),
        ("00:04:01.5", 241.5),
        ("1.16:00:44", 144044),
    ],
)
def test_duration(raw: str, seconds: float) -> None:
    """Durations are read with units or as d.hh:mm:ss."""
    assert values.duration_seconds(raw) == seconds


@pytest.mark.parametrize("raw", [5, 0.5, True, "5", "0.709", "s", "5x", "1m1h", "-5s", "25:00:00", "00:60:00"])
def test_duration_faults(raw: Any) -> None:
    """A bare number is no duration, since it is hours here and ticks there."""
    with pytest.raises(ValueFault):
        values.duration_seconds(raw)


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_duration_round_trip(days: int, hours: int, minutes: int, seconds: int) -> None:
    """Both spellings of a duration mean the same seconds."""
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    assert values.duration_seconds(f"{days}d{hours}h{minutes}m{seconds}s") == total
    assert values.duration_seconds(f"{days}.{hours:02}:{minutes:02}:{seconds:02}") == total
