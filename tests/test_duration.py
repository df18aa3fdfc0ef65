import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from exporter.duration import FORM, UNITS, Duration, Interval, duration_seconds, prometheus_duration

YEAR = 31_536_000


class Timetable(BaseModel):
    """Options as the settings have them."""

    once: Duration = 1.0
    often: Interval = 1.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("15m", 900.0),
        ("6h", 21_600.0),
        ("1d", 86_400.0),
        ("2w", 1_209_600.0),
        ("1y", 31_536_000.0),
        ("1h30m", 5400.0),
        ("1y1w1d1h1m1s1ms", 32_230_861.001),
        ("0d1s", 1.0),
        ("001m", 60.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A duration means what it means to Prometheus."""
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "60",
        "1.5h",
        "-5m",
        "+5m",
        "m",
        "1h 30m",
        "30m1h",
        "1h1h",
        "soon",
        "30S",
        "1M",
        "30s\n",
        "٣s",
        "9" * 400 + "y",
    ],
)
def test_other_text(text: str) -> None:
    """What is not of Prometheus' form is refused, with the form and without the text."""
    with pytest.raises(ValueError, match=r"^should be a duration such as 30s, 15m, 1h30m or 1d$"):
        duration_seconds(text)


@pytest.mark.parametrize("value", [60, 1.5, None, True, ["30s"]])
def test_no_text(value: object) -> None:
    """A number without a unit is refused: nobody should have to guess it."""
    with pytest.raises(ValueError, match="should be a duration"):
        duration_seconds(value)


@pytest.mark.parametrize("text", ["0s", "0ms", "0h0m"])
def test_nothing(text: str) -> None:
    """A duration of zero is refused."""
    with pytest.raises(ValueError, match="should be longer than zero"):
        duration_seconds(text)


@given(milliseconds=st.integers(min_value=1, max_value=100 * YEAR * 1000))
def test_written_durations_are_read(milliseconds: int) -> None:
    """Every duration that we write is read again as the same, to the millisecond."""
    seconds = milliseconds / 1000

    text = prometheus_duration(seconds)

    assert duration_seconds(text) == pytest.approx(seconds, abs=1e-6)
    assert re.fullmatch(r"(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?", text)


@given(parts=st.lists(st.integers(min_value=0, max_value=999), min_size=7, max_size=7).filter(any))
def test_read_durations_are_written(parts: list[int]) -> None:
    """Every duration of Prometheus' form is the sum of its parts and survives being written."""
    text = "".join(f"{number}{unit}" for number, unit in zip(parts, reversed(UNITS), strict=True) if number)

    seconds = duration_seconds(text)

    expected = sum(number * UNITS[unit] for number, unit in zip(parts, reversed(UNITS), strict=True))
    assert seconds == pytest.approx(expected)
    assert duration_seconds(prometheus_duration(seconds)) == pytest.approx(seconds, abs=1e-3)
    assert re.search(FORM, text)


@given(text=st.text(alphabet="0123456789ywdhms .-", max_size=12))
def test_any_text(text: str) -> None:
    """Any text is a positive duration or a ValueError, never another error."""
    try:
        seconds = duration_seconds(text)
    except ValueError:
        return

    assert seconds > 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (60, "1m"), (5400, "1h30m"), (86_400, "1d"), (7 * 86_400, "7d"), (0.0001, "0s")],
)
def test_notation(seconds: float, text: str) -> None:
    """A duration is written in the largest whole units up to days."""
    assert prometheus_duration(seconds) == text


def test_options() -> None:
    """An option is seconds in code and text outside."""
    timetable = Timetable.model_validate({"once": "500ms", "often": "1s"})

    assert (timetable.once, timetable.often) == (0.5, 1.0)
    assert timetable.model_dump() == {"once": "500ms", "often": "1s"}


def test_intervals_are_at_least_a_second() -> None:
    """Nobody is asked more often than once a second."""
    with pytest.raises(ValidationError, match="should be at least 1s"):
        Timetable.model_validate({"often": "999ms"})
