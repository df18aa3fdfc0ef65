"""What schedule policies become: an interval, the longest gap, and words for people."""

from typing import Any

import pytest

from exporter.client.fields import Fields
from exporter.sources.veeam.schedules import FOLLOWS, MANUAL, Schedule, backup_schedule, copy_schedule
from tests.sources.veeam.stage import DAILY, DAY, HOUR
from tests.support.avepoint import Notes


def backup(**policy: Any) -> Schedule | None:
    """Return the schedule of a backup job with this policy."""
    return backup_schedule(Fields(policy, Notes()))


@pytest.mark.parametrize(
    ("policy", "words", "interval", "gap"),
    [
        ({"type": "Periodically", "periodicallyEvery": "Minutes5"}, "every 5m", 300, 300),
        ({"type": "Periodically", "periodicallyEvery": "Minutes30"}, "every 30m", 1800, 1800),
        ({"type": "Periodically", "periodicallyEvery": "Hours12"}, "every 12h", 12 * HOUR, 12 * HOUR),
        (
            {"type": "Periodically", "periodicallyEvery": "Hours1", "periodicallyWindowEnabled": True},
            *("every 1h", HOUR, DAY),
        ),
        ({"type": "Daily", "dailyType": "Everyday", "dailyTime": "22:00:00"}, "daily 22:00", DAY, DAY),
        ({"type": "Daily", "dailyType": "Workdays", "dailyTime": "22:00"}, "workdays 22:00", 7 * DAY / 5, 3 * DAY),
        ({"type": "Daily", "dailyType": "Weekends"}, "weekends", 3.5 * DAY, 6 * DAY),
        (
            {"type": "Daily", "dailyType": "Tuesday", "dailyTime": "04:30:00.0000000"},
            *("tuesday 04:30", 7 * DAY, 7 * DAY),
        ),
        ({"type": "Daily", "dailyType": "Everyday", "scheduleEnabled": None}, "daily", DAY, DAY),
        ({"type": "daily", "dailyType": "everyday", "dailyTime": "soon"}, "daily", DAY, DAY),
    ],
)
def test_schedule(policy: dict[str, Any], words: str, interval: float, gap: float) -> None:
    """Each kind of schedule gives its mean interval and the longest time between two starts."""
    assert backup(**policy) == Schedule(words, interval, gap)


@pytest.mark.parametrize("policy", [{"type": "ManualOnly"}, {**DAILY, "scheduleEnabled": False}])
def test_by_hand_only(policy: dict[str, Any]) -> None:
    """A job without schedule, or with one that is switched off, is known to have none."""
    assert backup(**policy) == MANUAL


def test_retries() -> None:
    """Retries count where they are switched on, their wait in minutes."""
    found = backup(**DAILY)

    assert found is not None
    assert (found.retries, found.retry_wait_seconds) == (3, 600.0)
    assert backup(**{**DAILY, "retryEnabled": False}) == Schedule("daily 22:00", DAY, DAY)
    assert backup(**{**DAILY, "retryNumber": None, "retryWaitInterval": "x"}) == Schedule("daily 22:00", DAY, DAY)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"type": "Lunar"}, "schedulePolicy"),
        ({"type": "Periodically", "periodicallyEvery": "Fortnight"}, "periodicallyEvery"),
        ({"type": "Periodically", "periodicallyEvery": "Hours0"}, "periodicallyEvery"),
        ({"type": "Daily", "dailyType": "Holidays"}, "dailyType"),
    ],
)
def test_words_of_the_future(policy: dict[str, Any], field: str) -> None:
    """A word that is not documented leaves the schedule unknown and is counted."""
    notes = Notes()

    assert backup_schedule(Fields(policy, notes)) is None
    assert notes.unknown == {field: 1}


@pytest.mark.parametrize("policy", [{}, {"type": None}, {"type": 5}, {"type": "Daily"}, {"type": "Periodically"}])
def test_silence(policy: dict[str, Any]) -> None:
    """Nulls leave the schedule unknown, and are nothing to complain of."""
    notes = Notes()

    assert backup_schedule(Fields(policy, notes)) is None
    assert not notes.unknown


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"type": "Immediate"}, FOLLOWS),
        ({"type": "Periodically", "periodicallyEvery": "Hours4"}, Schedule("every 4h", 4 * HOUR, 4 * HOUR)),
        (
            {"type": "Periodically", "periodicallyEvery": "Hours4", "backupCopyWindowEnabled": True},
            Schedule("every 4h", 4 * HOUR, DAY),
        ),
        ({"type": "DailyAtTime", "dailyType": "Everyday", "dailyTime": "03:00:00"}, Schedule("daily 03:00", DAY, DAY)),
        ({"type": "Later"}, None),
    ],
)
def test_copy_jobs(policy: dict[str, Any], expected: Schedule | None) -> None:
    """Copy jobs follow their backup job, or have a schedule of their own."""
    assert copy_schedule(Fields(policy, Notes())) == expected
