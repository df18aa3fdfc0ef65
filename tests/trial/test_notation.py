from math import isnan

from hypothesis import given
from hypothesis import strategies as st

from tools.trial.notation import Value, read, written

values = st.lists(st.one_of(st.none(), st.just("stale"), st.floats(), st.sampled_from([0.0, 1.0, 1.7e9])))


def same(one: Value, other: Value) -> bool:
    """Tell whether two values are the same, NaN being itself."""
    if isinstance(one, float) and isinstance(other, float) and isnan(one):
        return isnan(other)
    return one == other


@given(values)
def test_what_is_written_is_read_again(series: list[Value]) -> None:
    """Whatever a series did, its notation means exactly that."""
    again = read(written(series))

    assert len(again) == len(series)
    assert all(map(same, series, again))


def test_runs_are_short() -> None:
    """A value that stays is one word, however long it stays."""
    series: list[Value] = [None, None, *[1.0] * 4000, "stale", None, 0.5]

    assert written(series) == "_x2 1+0x3999 stale _x1 0.5"
