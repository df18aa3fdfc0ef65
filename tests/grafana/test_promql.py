"""What the other tests are told about an expression."""

import pytest

from tests.grafana.promql import Selector, mentioned


def test_selectors_and_what_is_around_them() -> None:
    """Metrics are found with their labels, range and functions, however the aggregation is written."""
    found = mentioned(
        'sum by (source) (max by (source, tenant) (increase(a_total{source=~"$source",x!="{y}"}[$__rate_interval])))'
        " / on (source) group_left (name) (max(b:c:d) by (source, name) > 0) unless time() - e offset 1d > 60"
    )

    assert found.selectors == (
        Selector("a_total", ("source", "x"), ("sum", "max", "increase"), "$__rate_interval"),
        Selector("b:c:d", (), ("max",), ""),
        Selector("e", (), (), ""),
    )
    assert found.kept == {"source", "tenant", "name"}
    assert found.matched == {"source"}


def test_words_within_texts_are_no_metrics() -> None:
    """A label's new name and a matcher's value are texts, not metrics."""
    found = mentioned(r'label_replace(up{job="a \"b\" c"}, "job_name", "-", "job_name", "")')

    assert found.selectors == (Selector("up", ("job",), ("label_replace",), ""),)


def test_a_subquery_belongs_to_its_selector() -> None:
    """The range of a subquery is told with its step."""
    found = mentioned("topk(5, predict_linear(a[$__range:$__interval], 60))")

    assert found.selectors == (Selector("a", (), ("topk", "predict_linear"), "$__range:$__interval"),)


def test_a_selector_needs_a_name() -> None:
    """Asking for every metric with a label is refused."""
    with pytest.raises(AssertionError, match="without a name"):
        mentioned('count({job="m365-backup"})')
