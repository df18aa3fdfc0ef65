"""What docs/logging.md promises of events."""

import re

from exporter.once import TOLD_AT_THE_END
from tools.events import PAGE, events, meanings, page


def test_the_table_is_of_now() -> None:
    """Every event that the code can log stands in the table with its level and keys, and no other does."""
    assert page() == page_as_it_is()


def test_every_event_has_a_meaning() -> None:
    """Each event is explained in a sentence."""
    said = meanings()

    assert said.keys() == events().keys()
    assert [name for name, meaning in said.items() if not meaning.endswith(".") or len(meaning) < 20] == []


def test_names() -> None:
    """An event's name is in snake case, so that it can be searched for as a word."""
    assert [name for name in events() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_events_about_a_source_say_so() -> None:
    """What names a tenant or a collector names the source, too."""
    about = [event for event in events().values() if {"tenant", "collector"} & set(event.keys)]

    assert [event.name for event in about if "source" not in event.keys] == []


def test_once_leaves_out_what_it_tells_itself() -> None:
    """The events that `once` keeps to itself are some that there are."""
    assert events().keys() >= TOLD_AT_THE_END


def page_as_it_is() -> str:
    """Return the page in the repository."""
    return PAGE.read_text(encoding="utf-8")
