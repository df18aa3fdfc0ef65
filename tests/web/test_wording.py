import pytest

from exporter.web.wording import ago, ahead, moment, shortened, size, span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (119, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86_399, "23 h"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (86_400 * 40, "40 d"),
    ],
)
def test_span(seconds: float, words: str) -> None:
    """A span is told in one unit, in two where hours or days are few."""
    assert span(seconds) == words


def test_moments() -> None:
    """What is past is so long ago, what is to come in so long, and both have an exact time."""
    assert (ago(None, 100.0), ago(40.0, 100.0)) == ("never", "1 min ago")
    assert (ahead(None, 100.0), ahead(90.0, 100.0), ahead(130.0, 100.0)) == ("not planned", "now", "in 30 s")
    assert (moment(None), moment(1_772_485_200.0)) == ("", "2026-03-02T21:00:00Z")


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (1023, "1023 B"), (2048, "2 KiB"), (5 << 20, "5 MiB"), (3 << 29, "1.5 GiB")]
)
def test_size(count: int, words: str) -> None:
    """A size is told in the largest unit that it fills."""
    assert size(count) == words


def test_shortened() -> None:
    """What is too long ends with an ellipsis within the length."""
    assert (shortened("abc", 3), shortened("abcd", 3)) == ("abc", "ab…")
