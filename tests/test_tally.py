"""What is counted for a group of jobs: each optional series is born, withheld, shown and believed by itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.records import JobTally, Outcome, Run
from exporter.tally import Group, Tally

NOW = 1_772_400_000.0
HOUR = 3600.0
GROUP = Group("Microsoft 365", "all", "backup")
OPTIONAL = ("objects", "size", "retries")
ENDED = Run(
    tenant="contoso",
    run_id="a",
    job=GROUP,  # type: ignore[arg-type] # its name does not matter here
    status="success",
    objects={"successful": 5},
    size_bytes=7.5,
    retries=2,
)


def bear(tally: Tally, now: float, *series: str) -> bool:
    """Let those of the optional series be born."""
    outcomes: tuple[Outcome, ...] = ("successful",) if "objects" in series else ()
    return tally.bear(now, objects=outcomes, size="size" in series, retries="retries" in series)


def shown(tally: Tally, grown_up: float) -> JobTally:
    """Return what is shown of series that were born until then."""
    return tally.fact("contoso", GROUP, 0, grown_up)


def values(fact: JobTally) -> dict[str, float | None]:
    """Return the optional values."""
    objects = None if fact.objects is None else fact.objects["successful"]
    return {"objects": objects, "size": fact.size_bytes, "retries": fact.retries}


@pytest.mark.parametrize("name", OPTIONAL)
def test_born_once(name: str) -> None:
    """An optional series is born when it is first known to exist, which is told once; the others do not exist."""
    tally = Tally(born=NOW - HOUR)

    assert [bear(tally, NOW), bear(tally, NOW, name), bear(tally, NOW + 1, name)] == [False, True, False]

    assert tally.births() == [NOW - HOUR, NOW]
    assert values(shown(tally, NOW)) == {each: 0 if each == name else None for each in OPTIONAL}


@pytest.mark.parametrize("name", OPTIONAL)
def test_withheld_until_grown_up(name: str) -> None:
    """A series shows 0 until it is grown up, whatever it counted meanwhile; the others are not withheld with it."""
    tally = Tally(born=NOW - HOUR)
    bear(tally, NOW - HOUR, *(set(OPTIONAL) - {name}))
    bear(tally, NOW, name)
    tally.count(ENDED)

    counted = {"objects": 5, "size": 7.5, "retries": 2}
    assert values(shown(tally, NOW - 1)) == counted | {name: 0}
    assert values(shown(tally, NOW)) == counted
    assert shown(tally, NOW - 1).runs == 1


@given(st.lists(st.none() | st.integers(0, 5)))
def test_retries_add_up(retries: list[int | None]) -> None:
    """Retries of all runs are added up; a run that does not tell them adds none."""
    tally = Tally(born=0.0)
    bear(tally, 0.0, "retries")

    for number in retries:
        tally.count(replace(ENDED, retries=number))

    assert shown(tally, NOW).retries == sum(filter(None, retries))


@pytest.mark.parametrize("name", OPTIONAL)
def test_growing_up(name: str) -> None:
    """A birth of before is taken for long past, which is told once; one after it is not."""
    tally = Tally(born=0.0)
    bear(tally, NOW, name)

    assert [tally.grow_up(NOW - 1), tally.grow_up(NOW), tally.grow_up(NOW)] == [False, True, False]

    assert tally.births() == [0.0, 0.0]


@pytest.mark.parametrize("name", OPTIONAL)
def test_birth_ahead(name: str) -> None:
    """A birth that lies ahead is taken for long past, one of before is believed, and none stays none."""
    ahead, before = Tally(born=NOW - HOUR), Tally(born=NOW - HOUR)
    bear(ahead, NOW + HOUR, name)
    bear(before, NOW - 1, name)

    ahead.believe(NOW)
    before.believe(NOW)

    assert ahead.births() == [NOW - HOUR, 0.0]
    assert before.births() == [NOW - HOUR, NOW - 1]


def test_same_facts() -> None:
    """As long as nothing changes what is shown is the same object, until one of the series is grown up."""
    tally = Tally(born=0.0)
    for age, name in enumerate(OPTIONAL):
        bear(tally, NOW + age, name)

    facts = [shown(tally, at) for at in (NOW - 1, NOW - 0.5, NOW, NOW + 0.5, NOW + 1, NOW + 2, NOW + 9)]

    assert facts[0] is facts[1]
    assert facts[2] is facts[3]
    assert facts[5] is facts[6]
    assert len({id(fact) for fact in facts}) == 4
