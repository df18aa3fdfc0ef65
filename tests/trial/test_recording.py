from tools.trial.recording import UP, Recording, moved, shown


def scraped(*texts: str | None) -> Recording:
    """Return the recording of these answers; None is a scrape that failed."""
    recording = Recording(1000.0, 300.0)
    for text in texts:
        recording.failed() if text is None else recording.scraped(text)
    return recording


def test_a_series_that_disappears_becomes_stale() -> None:
    """What is not shown any more ends at once, and begins again when it is."""
    recording = scraped('a{b="c d"} 1\n', "e 2\n", 'a{b="c d"} 1\n')

    assert list(recording.values('a{b="c d"}')) == [1.0, "stale", 1.0]
    assert list(recording.values("e")) == [None, 2.0, "stale"]


def test_a_failed_scrape_ends_everything_but_up() -> None:
    """While the exporter is down, up is 0 and there is nothing else."""
    recording = scraped("a 1\n", None, None, "a 1\n")

    assert list(recording.values("a")) == [1.0, "stale", None, 1.0]
    assert list(recording.values(UP)) == [1.0, 0.0, 0.0, 1.0]


def test_a_scrape_that_nobody_made_is_a_gap() -> None:
    """Where Prometheus did not ask there is no value, and nothing ends."""
    recording = scraped("a 1\n")
    recording.skipped()
    recording.scraped("a 1\n")

    assert list(recording.values("a")) == [1.0, None, 1.0]
    assert list(recording.values(UP)) == [1.0, None, 1.0]


def test_only_what_the_rules_ask_for_is_kept() -> None:
    """Samples and comments that nobody asks for cost nothing."""
    recording = Recording(0.0, 300.0, {"a_total"})
    recording.scraped('# HELP a_total b\na_total{x="1"} 1\nb 2\n')

    assert recording.series.keys() == {'a_total{x="1"}', UP}


def test_times_count_from_the_start() -> None:
    """A Unix time is moved to where promtool's time begins, other values are not."""
    assert moved('a_timestamp_seconds{b="c"}', 1300.0, 1000.0) == 300.0
    assert moved("a_seconds", 1300.0, 1000.0) == 1300.0
    assert moved("a_timestamp_seconds", "stale", 1000.0) == "stale"


def test_series_are_shown_as_prometheus_has_them() -> None:
    """The labels that Prometheus adds stand before the exporter's own."""
    assert shown("a") == 'a{job="m365-backup",instance="exporter:10365"}'
    assert shown('a{b="c"}') == 'a{job="m365-backup",instance="exporter:10365",b="c"}'
    assert shown(UP) == UP


def test_tenants_are_divided_and_what_is_about_none_is_everywhere() -> None:
    """Each tenant is in one part, with all of its series; the sources are in every part."""
    recording = scraped('a{tenant="x"} 1\na{tenant="y"} 1\nb{source="s",tenant="x"} 1\nc{source="s"} 1\n')

    one, other = recording.parts(2)

    assert one.series.keys() == {'a{tenant="x"}', 'b{source="s",tenant="x"}', 'c{source="s"}', UP}
    assert other.series.keys() == {'a{tenant="y"}', 'c{source="s"}', UP}
