"""The findings for whoever reads them: a table, and below it a sentence for each that is not well."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.doctor.finding import Finding
from exporter.log.printable import printable

HEADINGS = (
    *("source", "collector", "asked", "verdict", "reachable", "authorised", "permission missing", "rows", "seconds"),
)
COLOURS = {"ok": "green", "failed": "bold red", "absent": "yellow", "not asked": "dim"}
WIDE = 10_000
"""Columns of what is no terminal, so that a line stays one."""


def show(findings: Sequence[Finding], console: Console) -> None:
    """Write all findings; without colours and lines where there is no terminal."""
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDE)
    table = Table(box=box.SIMPLE if console.is_terminal else None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading in {"rows", "seconds"} else "left", overflow="fold")
    for finding in findings:
        table.add_row(*(Text(printable(cell)) for cell in _cells(finding)), style=COLOURS[finding.verdict])
    console.print(table)
    for sentence in sentences(findings):
        console.print(Text(printable(sentence)), soft_wrap=not console.is_terminal)


def sentences(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what is wrong and what to do, for each finding that is not well, then the sum."""
    failed = 0
    for finding in findings:
        if finding.verdict in {"failed", "absent"}:
            where = ": ".join(filter(None, (finding.source, finding.collector, finding.what)))
            yield f"{where}: {finding.trouble}: {finding.error}. Next: {finding.step}."
        failed += finding.verdict == "failed"
    asked = sum(finding.verdict != "not asked" for finding in findings)
    yield f"{failed} of {asked} failed." if failed else f"All is well: {asked} asked."


def _cells(finding: Finding) -> Iterator[str]:
    yield from (finding.source, finding.collector, finding.what)
    yield finding.verdict if finding.verdict != "not asked" else f"not asked: {finding.error}".removesuffix(": ")
    yield from (_yes(finding.reachable), _yes(finding.authorised))
    yield ", ".join(finding.missing)
    yield "" if finding.rows is None else str(finding.rows)
    yield "" if finding.seconds is None else f"{finding.seconds:.2f}"


def _yes(answer: bool | None) -> str:  # noqa: FBT001 - a cell of the table
    return "" if answer is None else "yes" if answer else "no"
