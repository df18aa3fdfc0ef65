"""Whatever a vendor might send instead of what it promises."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def anything(names: Sequence[str], forms: Sequence[Any]) -> SearchStrategy[Any]:
    """Draw any JSON, in which the vendor's *names* and *forms* of values turn up more often than by chance."""
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20)
        | st.sampled_from(forms)
    )
    keys = named(names)
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
    )


def rows_of_anything(names: Sequence[str], values: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    """Draw up to four rows: objects with the vendor's *names*, or no objects at all."""
    return st.lists(values | st.dictionaries(named(names), values, max_size=12), max_size=4)


def named(names: Sequence[str]) -> SearchStrategy[str]:
    """Draw a key: one of the vendor's *names*, as it is or in capitals, or anything short."""
    return st.sampled_from(names) | st.sampled_from([name.upper() for name in names]) | st.text(max_size=8)
