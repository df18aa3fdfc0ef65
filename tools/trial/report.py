"""The outcome as docs/alerts.md shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.trial.trying import Outcome
from tools.trial.verdict import Row

PAGE: Final = Path(__file__).parents[2] / "docs" / "alerts.md"
BEGIN: Final = "<!-- trial -->"
END: Final = "<!-- /trial -->"


def write(calm: Outcome, struck: Outcome, page: Path = PAGE) -> None:
    """Put the outcomes between the markers of *page*; ValueError if it has none."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page.name} has no {BEGIN} and {END}")
    body = "\n".join(_lines(calm, struck))
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", encoding="utf-8")


def _lines(calm: Outcome, struck: Outcome) -> Iterator[str]:
    cases = {row.title for row in struck.verdict.rows}
    yield (
        f"A fleet of {struck.tenants} tenants is watched by the whole exporter for {struck.days:.0f} days, twice: while"
        f" all is well, and with {len(cases)} incidents. Prometheus' own rule engine evaluates the shipped rules over"
        " what was scraped every five minutes. In between the exporter is restarted, and one scrape is missed."
    )
    yield ""
    yield "| | tenants | series | days | evaluations | incidents | false alarms | took |"
    yield "|---|---|---|---|---|---|---|---|"
    yield _sized("all is well", calm, 0)
    yield _sized("incidents", struck, len(cases))
    yield ""
    yield "The delay counts from the first scrape after a poll that could show the incident; `for` is a part of it."
    yield ""
    yield "| incident | alert | severity | delay | `for` |"
    yield "|---|---|---|---|---|"
    yield from map(_told, struck.verdict.rows)


def _sized(name: str, outcome: Outcome, cases: int) -> str:
    figures = (outcome.tenants, outcome.series, f"{outcome.days:.0f}", outcome.evaluations, cases)
    alarms = len(outcome.verdict.false_alarms)
    return f"| {name} | {' | '.join(map(str, figures))} | {alarms} | {outcome.seconds:.0f} s |"


def _told(row: Row) -> str:
    delay = "never" if row.delay is None else _short(row.delay)
    return f"| {row.title} | {row.alert} | {row.severity} | {delay} | {_short(row.held)} |"


def _short(seconds: float) -> str:
    """Return *seconds* in hours and minutes."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"
