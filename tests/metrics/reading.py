"""An exposition as prometheus_client's parsers read it."""

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from exporter.metrics.exposition import Format


def parsed(form: Format, body: str) -> list[Metric]:
    """Return the families as the format's parser reads them."""
    if form == "text":
        return list(read_text(body))
    return list(openmetrics.text_string_to_metric_families(body))  # type: ignore[no-untyped-call]
