import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.metrics.exposition import Format
from exporter.web.accept import OFFERS, negotiate, takes_gzip, wishes

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping="
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="

PROMETHEUS_2_5 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_2_40 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;escaping=allow-utf-8;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;escaping=allow-utf-8;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_LEGACY_NAMES = PROMETHEUS_3.replace("allow-utf-8", "underscores")
PROMETHEUS_3_DOTS = PROMETHEUS_3.replace("allow-utf-8", "dots")
PROMETHEUS_3_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_TEXT_1 = "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
PROMETHEUS_3_TEXT = "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (PROMETHEUS_2_5, ("text", TEXT)),
        (PROMETHEUS_2_40, ("openmetrics", OPENMETRICS + "underscores")),
        (PROMETHEUS_3, ("openmetrics", OPENMETRICS + "allow-utf-8")),
        (PROMETHEUS_3_3, ("openmetrics", OPENMETRICS + "allow-utf-8")),
        (PROMETHEUS_3_LEGACY_NAMES, ("openmetrics", OPENMETRICS + "underscores")),
        (PROMETHEUS_3_DOTS, ("openmetrics", OPENMETRICS + "underscores")),
        (PROMETHEUS_3_PROTOBUF, ("openmetrics", OPENMETRICS + "allow-utf-8")),
        (PROMETHEUS_3_TEXT_1, ("text", TEXT_1 + "allow-utf-8")),
        (PROMETHEUS_3_TEXT, ("text", TEXT)),
        (BROWSER, ("text", TEXT)),
    ],
)
def test_real_headers(accept: str, answer: tuple[Format, str]) -> None:
    """Every Prometheus gets what it likes best of what we have, and a browser gets text."""
    assert negotiate(accept) == answer


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("text/plain;version=1.0.0", ("text", TEXT_1 + "underscores")),
        ("text/plain;version=1.0.0;escaping=values", ("text", TEXT_1 + "values")),
        ('text/plain; version="1.0.0"; escaping="allow-utf-8"', ("text", TEXT_1 + "allow-utf-8")),
        ("text/plain;version=1.0.0;escaping=\x00evil", ("text", TEXT_1 + "underscores")),
        ("text/plain;version=0.0.4;escaping=allow-utf-8", ("text", TEXT)),
        ("application/openmetrics-text;escaping=dots", ("openmetrics", OPENMETRICS + "underscores")),
    ],
)
def test_escaping(accept: str, answer: tuple[Format, str]) -> None:
    """An escaping that leaves our names as they are is granted, any other is answered with the default.

    Formats 1.0.0 always name it, as Prometheus demands; format 0.0.4 never does.
    """
    assert negotiate(accept) == answer


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text"),
        ("*/*", "text"),
        ("text/*", "text"),
        ("application/*", "openmetrics"),
        ("application/openmetrics-text", "openmetrics"),
        ("Application/OpenMetrics-Text; Version=1.0.0", "openmetrics"),
        ("text/plain, application/openmetrics-text", "text"),
        ("text/plain;q=0.4, application/openmetrics-text;q=0.5", "openmetrics"),
        ("text/plain;q=0.6, application/openmetrics-text;q=0.5", "text"),
        ("application/openmetrics-text, */*", "openmetrics"),
        ("text/plain;q=1, text/plain;version=0.0.4;q=0.1, application/openmetrics-text;q=0.5", "openmetrics"),
        ("application/openmetrics-text;q=0.1, */*", "text"),
    ],
)
def test_preference(accept: str, form: Format) -> None:
    """The better liked format is given; of two liked equally the one asked for more exactly, then text."""
    assert negotiate(accept)[0] == form


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("application/openmetrics-text;q=0, */*", TEXT),
        ("text/plain;q=0, application/openmetrics-text;q=0.1", OPENMETRICS + "underscores"),
        ("text/plain;q=0, */*;q=0.1", OPENMETRICS + "underscores"),
        ("*/*;q=0, application/openmetrics-text;q=0.001", OPENMETRICS + "underscores"),
        ("text/*, text/plain;version=0.0.4;q=0, text/plain;version=1.0.0;q=0.1", TEXT_1 + "underscores"),
    ],
)
def test_refused(accept: str, answer: str) -> None:
    """What is refused with q=0 is not given where anything else is admitted, whatever less exact wishes say."""
    assert negotiate(accept)[1] == answer


@pytest.mark.parametrize(
    "accept",
    [
        "*/*;q=0",
        "text/plain;q=0",
        "application/openmetrics-text;q=0",
        "text/plain;version=1.0.0;q=0",
        "image/png",
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=9.9.9",
        "text/plain;version=abc",
        "text/plain;q=abc",
        "application/openmetrics-text;q=1.1",
        "application/openmetrics-text;q=-1",
        "application/openmetrics-text;q=nan",
        ";;,,;q=;=,",
    ],
)
def test_last_resort(accept: str) -> None:
    """Where nothing that we have is asked for, and in no version, the answer is text 0.0.4."""
    assert negotiate(accept) == ("text", TEXT)


PIECES = st.sampled_from(
    [
        *("text/plain", "text/*", "*/*", "application/openmetrics-text", "gzip", "identity", "*", ",", ";", "=", '"'),
        *("version=1.0.0", "version=0.0.4", "version", "escaping=dots", "q=0", "q=1", "q=0.5", "q=", "q=inf", " "),
    ]
)


@given(st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(";".join))
@example("q=1e999")
def test_rubbish(header: str) -> None:
    """Whatever stands in the headers, there is an answer, and its content type is one of ours."""
    form, content_type = negotiate(header)
    takes_gzip(header)

    assert any(offer.form == form and content_type.startswith(offer.content_type()[:40]) for offer in OFFERS)
    assert content_type.isprintable()
    assert all(0 <= wish.quality <= 1 for wish in wishes(header))


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip, identity", True),
        ("*", True),
        ("*;q=0.1", True),
        ("gzip;q=1.0, identity; q=0.5, *;q=0", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("identity, *;q=0", False),
        ("identity;q=1, gzip;q=0.2", False),
        ("gzip;q=rubbish", False),
    ],
)
def test_gzip(accept_encoding: str, *, gzip: bool) -> None:
    """The answer is compressed if gzip is admitted and plain is not liked better."""
    assert takes_gzip(accept_encoding) is gzip
