from pathlib import Path

import pytest

from tools.trial.report import write
from tools.trial.trying import Outcome
from tools.trial.verdict import Row, Verdict


def outcome(*rows: Row) -> Outcome:
    """Return the outcome of a day."""
    return Outcome(Verdict(rows=list(rows)), tenants=20, series=5000, evaluations=288, seconds=61.4)


def test_the_table_stands_between_the_markers(tmp_path: Path) -> None:
    """Only what is between the markers is written, each time anew."""
    page = tmp_path / "alerts.md"
    page.write_text("# Alerts\n<!-- trial -->\nold\n<!-- /trial -->\nafter\n", encoding="utf-8")
    late = Row("a backup no longer runs", "M365BackupJobOverdue", "critical", 4500.0, 900.0)
    never = Row("a disk is full", "M365BackupRepositoryFull", "critical", None, 3600.0)

    write(outcome(), outcome(late, never), page)
    write(outcome(), outcome(late, never), page)

    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Alerts\n<!-- trial -->\nA fleet of 20 tenants is watched")
    assert text.endswith("\n<!-- /trial -->\nafter\n")
    assert "| incidents | 20 | 5000 | 1 | 288 | 2 | 0 | 61 s |" in text
    assert "| a backup no longer runs | M365BackupJobOverdue | critical | 1 h 15 min | 15 min |" in text
    assert "| a disk is full | M365BackupRepositoryFull | critical | never | 1 h |" in text
    assert text.count("a disk is full") == 1


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    """The table is not put anywhere else."""
    page = tmp_path / "alerts.md"
    page.write_text("# Alerts\n", encoding="utf-8")

    with pytest.raises(ValueError, match="has no <!-- trial -->"):
        write(outcome(), outcome(), page)
