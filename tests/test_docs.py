"""What the documents promise is there."""

import re
from pathlib import Path

import pytest

from exporter.metrics.catalog import CATALOG

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
METRIC = re.compile(r"\bm365backup_[a-z_]+\b")
LINK = re.compile(r"\]\((?!http)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_metrics_that_are_named_exist(page: Path) -> None:
    """Every metric a page names in full is in the catalog."""
    known = {row.name for row in CATALOG}

    named = set(METRIC.findall(page.read_text(encoding="utf-8")))

    assert named - known - {"m365backup_"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_decisions_are_listed() -> None:
    """The list of decisions names every one of them."""
    folder = ROOT / "docs" / "adr"

    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))

    assert listed == {page.name for page in folder.glob("0*.md")}
