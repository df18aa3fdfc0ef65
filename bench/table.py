"""What a benchmark says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and the one that is wanted (design of the project; "" where none is)."""

    what: str
    measured: str
    wanted: str = ""


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    width = max(len(row.what) for row in rows)
    measured = max(len(row.measured) for row in rows)
    lines = [f"| {'what':{width}} | {'measured':{measured}} | wanted |", "|---|---|---|"]
    lines += [f"| {row.what:{width}} | {row.measured:{measured}} | {row.wanted} |" for row in rows]
    return "\n".join(lines)
