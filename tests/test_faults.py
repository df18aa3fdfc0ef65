import traceback
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from exporter.faults import Place, alternatives, annotations_at, did_you_mean, faults_of, keys_at


class Group(BaseModel):
    """What our settings share."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class One(Group):
    """A vendor's options."""

    kind: Literal["one"]
    rate: float = Field(default=1.0, allow_inf_nan=False)
    count: int = 0


class Two(Group):
    """Another vendor's options."""

    kind: Literal["two"]
    wait: bool = False


class Pair(Group):
    """Two options of which one is given."""

    left: str | None = None
    right: str | None = None

    @model_validator(mode="after")
    def _one(self) -> "Pair":
        if self.left and self.right:
            raise ValueError("left and right are given; keep one")
        return self


class Whole(Group):
    """The top."""

    sources: dict[str, One | Two] = Field(min_length=1)
    pairs: tuple[Pair, ...] = ()
    empty: Literal["x"] | None = None

    @model_validator(mode="after")
    def _no_pairs_of_two(self) -> "Whole":
        if len(self.pairs) > 1:
            raise ValueError("there may be one pair")
        return self


GOOD = {"sources": {"a": {"kind": "two"}}}


def told(content: object, origins: dict[Place, str] | None = None) -> list[str]:
    """Return the lines about some content."""
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(content)
    return faults_of(caught.value, Whole, path="f", origins=origins or {})


def test_the_file_itself() -> None:
    """A fault of the whole has no key to be named by."""
    assert told({**GOOD, "pairs": [{}, {}]}) == ["f: the file: there may be one pair"]


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ({"rate": "much"}, "should be a number"),
        ({"rate": float("inf")}, "should be a finite number"),
        ({"count": "9" * 5000}, "should be a whole number"),
        ({"count": 1.5}, "should be a whole number"),
        ({"count": []}, "should be a whole number"),
    ],
)
def test_hints(option: dict[str, object], line: str) -> None:
    """What is expected is said in an operator's words, not in Python's."""
    faults = told({"sources": {"a": {"kind": "one", **option}}})

    assert f"f: sources.a.One.{next(iter(option))}: {line}" in faults


def test_no_sources() -> None:
    """A configuration without any source points at the example."""
    assert told({}) == ["f: sources: no source is configured; see config.example.yaml"]
    assert told({"sources": {}}) == ["f: sources: no source is configured; see config.example.yaml"]


def test_origins() -> None:
    """A fault is told of where its value came from: the file, an included one or a variable."""
    content = {"sources": {"a": {"kind": "two", "wait": "x"}}, "pairs": 1, "emty": 1}
    origins: dict[Place, str] = {("sources", "a"): "more.yaml", ("pairs",): "environment: M365_BACKUP_PAIRS"}

    lines = told(content, origins)

    assert "more.yaml: sources.a.Two.wait: should be true or false" in lines
    assert "environment: M365_BACKUP_PAIRS: pairs: should be a list" in lines
    assert "f: emty: is not a known key; did you mean `empty`?" in lines


def test_variables_behind_a_group() -> None:
    """A fault of a group names the variables that set what it speaks of, and no others."""
    content = {**GOOD, "pairs": [{"left": "s3cr3t-marker", "right": "s3cr3t-marker"}]}
    origins: dict[Place, str] = {("pairs", "0", "left"): "environment: LEFT", ("sources", "a"): "environment: RIGHT"}

    lines = told(content, origins)

    assert lines == ["f: pairs.0: left and right are given; keep one (left is set by LEFT in the environment)"]


def test_no_values() -> None:
    """The error that pydantic raises shows no value either, should it ever reach a log."""
    content = {"sources": {"a": {"kind": 4711_4711}}}

    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(content)

    assert "47114711" not in "".join(traceback.format_exception(caught.value))


def test_equal_lines_once() -> None:
    """The same fault by two members of a union is told once."""
    lines = told({"sources": {"a": 1}})

    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("levle", ["level", "format"], "; did you mean `level`?"),
        ("zzz", ["level", "format"], "; known here: format, level"),
        ("zzz", [], ""),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    """A typo is answered by the nearest word, nonsense by all of them."""
    assert did_you_mean(word, known) == hint


@pytest.mark.parametrize(
    ("place", "keys"),
    [
        ((), ["sources", "pairs", "empty"]),
        (("sources",), []),
        (("sources", "a"), ["kind", "rate", "count", "kind", "wait"]),
        (("pairs", "0"), ["left", "right"]),
        (("pairs", "first"), []),
        (("empty", "deeper"), []),
        (("nothing", "deeper"), []),
    ],
)
def test_keys_at(place: tuple[str, ...], keys: list[str]) -> None:
    """The known keys are found through mappings, lists, and unions of vendors."""
    assert keys_at(annotations_at(Whole, place)) == keys


def test_alternatives() -> None:
    """A union is its members, whichever way it is written."""
    assert alternatives(One | Two | None) == [One, Two, type(None)]
    assert alternatives(int) == [int]
