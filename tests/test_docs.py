"""What the documents promise is there."""

import os
import re
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from exporter.faults import kinds_of
from exporter.metrics.catalog import CATALOG
from exporter.settings import load
from tools.configuration import SOURCES

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
METRIC = re.compile(r"(?:[a-z_]+:)?\bm365backup_[a-z_]+\b(?::\w+)?")
LINK = re.compile(r"\]\((?!http)([^)#]+)[^)]*\)")
YAML = re.compile(r"^( *)```yaml\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
CONFIGURATIONS = [
    pytest.param(dedent(block), id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, (_, block) in enumerate(YAML.findall(page.read_text(encoding="utf-8")))
    if dedent(block).startswith("sources:")
]


@cache
def recorded() -> set[str]:
    """Return the names of the series that the shipped rules record."""
    files = (ROOT / "deploy" / "prometheus").rglob("*.yml")
    return {
        name for file in files for name in re.findall(r"^ *- record: (\S+)$", file.read_text("utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_metrics_that_are_named_exist(page: Path) -> None:
    """Every metric a page names in full is in the catalog, or recorded by a rule."""
    known = {row.name for row in CATALOG} | recorded()

    named = set(METRIC.findall(page.read_text(encoding="utf-8")))

    assert named - known - {"m365backup_"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("content", CONFIGURATIONS)
def test_configurations_load(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every configuration that a page shows can be used as it is."""
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config.yaml").write_text(content, encoding="utf-8")

    assert load(tmp_path / "config.yaml").sources


def test_every_kind_has_its_page() -> None:
    """Each kind of source has a page with a configuration of it, and the front page leads there."""
    front = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))

    for kind in kinds_of(SOURCES):
        assert f"docs/sources/{kind}.md" in front
        if kind != "elements":  # its configuration stands on the front page
            assert f"kind: {kind}" in (ROOT / "docs" / "sources" / f"{kind}.md").read_text(encoding="utf-8")


def test_decisions_are_listed() -> None:
    """The list of decisions names every one of them."""
    folder = ROOT / "docs" / "adr"

    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))

    assert listed == {page.name for page in folder.glob("0*.md")}
