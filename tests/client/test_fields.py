"""Objects read property by property."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.fields import Fields, objects
from exporter.client.values import count, text
from exporter.errors import ValueFault


class Notes:
    """What was reported, in order."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.unknown: list[str] = []

    def value_failed(self, field: str) -> None:
        """Note it."""
        self.failed.append(field)

    def value_unknown(self, field: str) -> None:
        """Note it."""
        self.unknown.append(field)


@pytest.fixture
def notes() -> Notes:
    """Listen."""
    return Notes()


@pytest.mark.parametrize("raw", [None, [], [{"a": 1}], "text", 7, True])
def test_only_objects(raw: Any, notes: Notes) -> None:
    """What is no object is refused, and the refusal does not repeat it."""
    with pytest.raises(ValueFault, match=r"^expected an object$"):
        Fields(raw, notes)


@pytest.mark.parametrize("name", ["totalCount", "TotalCount", "totalcount", "TOTALCOUNT"])
def test_names_in_any_case(name: str, notes: Notes) -> None:
    """A property is found whatever the case of its name."""
    fields = Fields({name: "7"}, notes)

    assert fields.read(count, "totalCount") == 7
    assert fields.raw("totalCount") == "7"


def test_the_exact_name_first(notes: Notes) -> None:
    """Of two names that differ in case only, the one asked for counts, wherever it stands."""
    assert Fields({"name": "a", "Name": "b"}, notes).raw("name") == "a"
    assert Fields({"Name": "b", "name": "a"}, notes).raw("Name") == "b"


@pytest.mark.parametrize("raw", [{}, {"a": None}, {"a": ""}, {"a": "N/A"}, {"other": "x"}])
def test_silence(raw: Any, notes: Notes) -> None:
    """A property that is missing or says nothing is None, and no fault."""
    assert Fields(raw, notes).read(text, "a", "b") is None
    assert notes.failed == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"new": "1", "old": "2"}, 1),
        ({"old": "2", "new": "1"}, 1),
        ({"new": "N/A", "old": "2"}, 2),
        ({"old": "2"}, 2),
        ({"new": 0, "old": "2"}, 0),
    ],
)
def test_spellings(raw: Any, expected: int, notes: Notes) -> None:
    """The first spelling that says anything counts, a zero included."""
    assert Fields(raw, notes).read(count, "new", "old") == expected
    assert notes.failed == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [({"new": "x"}, None), ({"new": "x", "old": "2"}, 2), ({"new": "x", "old": []}, None), ({"old": "x"}, None)],
)
def test_faults(raw: Any, expected: int | None, notes: Notes) -> None:
    """What cannot be parsed is reported once, as the first spelling, and the next spelling is tried."""
    assert Fields(raw, notes).read(count, "new", "old") == expected
    assert notes.failed == ["new"]


@pytest.mark.parametrize("raw", [{}, {"id": "N/A"}, {"id": []}, {"id": None}])
def test_needed(raw: Any, notes: Notes) -> None:
    """A value without which the object is nothing is reported once if it cannot be had."""
    assert Fields(raw, notes).read(text, "id", needed=True) is None
    assert notes.failed == ["id"]


def test_needed_and_there(notes: Notes) -> None:
    """A needed value that is there is nothing to report."""
    assert Fields({"Id": "c1"}, notes).read(text, "id", needed=True) == "c1"
    assert notes.failed == []


def test_unknown_words(notes: Notes) -> None:
    """A word that nobody documented is reported by its field."""
    Fields({}, notes).unknown("status")

    assert notes.unknown == ["status"]


@given(st.dictionaries(st.text(max_size=5), st.integers()), st.text(max_size=5))
def test_any_object(raw: dict[str, int], name: str) -> None:
    """Whatever the names, a value is found exactly if its name is there in some case."""
    found = Fields(raw, Notes()).raw(name)

    assert (found is not None) == (name.lower() in {each.lower() for each in raw})


def test_one_of_a_list(notes: Notes) -> None:
    """Of a property that is a list each value is read on its own; one that cannot be is told of by the list's name."""
    fields = Fields({"numbers": ["1", "x", None, 3]}, notes)

    assert [fields.parsed(count, "numbers", each) for each in fields.raw("numbers")] == [1, None, None, 3]
    assert notes.failed == ["numbers"]


@given(st.lists(st.none() | st.integers() | st.text() | st.lists(st.none()) | st.just({"a": 1})))
def test_objects_of_a_list(rows: list[Any]) -> None:
    """Rows that are objects are read, the others told of, one by one."""
    notes = Notes()

    found = objects(rows, notes, "rows")

    assert [fields.raw("a") for fields in found] == [1] * rows.count({"a": 1})
    assert notes.failed == ["rows"] * (len(rows) - len(found))
