"""The files that a Grafana starts with."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.grafana.shown import FOLDER, ROOT, dashboards

PROVISIONING: Final = ROOT / "grafana" / "provisioning"
DEFAULTS: Final = ROOT / "grafana" / "defaults.env"
RULES: Final = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))


def read(path: Path) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_dashboards_are_found() -> None:
    """The provider looks beside its own folder, where the dashboards are, and puts all of them in one folder."""
    (provider,) = read(PROVISIONING / "dashboards" / "m365-backup.yml")["providers"]

    path = provider["options"]["path"].replace("${GF_PATHS_PROVISIONING}", str(PROVISIONING))

    assert Path(path).resolve() == FOLDER
    assert provider["folder"] == "M365 backup"
    assert provider["allowUiUpdates"] is False


def test_the_data_sources_can_be_reached() -> None:
    """Both have an id of their own and an address from a variable for which there is a default."""
    sources = {each["uid"]: each for each in read(PROVISIONING / "datasources" / "m365-backup.yml")["datasources"]}
    lines = [line for line in DEFAULTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    defaults = dict(line.split("=", 1) for line in lines)

    found = {uid: defaults[each["url"].removeprefix("${").removesuffix("}")] for uid, each in sources.items()}

    assert found == {"prometheus": "http://prometheus:9090", "alertmanager": "http://alertmanager:9093"}
    assert sources["prometheus"]["jsonData"]["alertmanagerUid"] in sources


def test_rates_span_several_scrapes() -> None:
    """Grafana is told the scrape interval that Prometheus is shipped with."""
    sources = read(PROVISIONING / "datasources" / "m365-backup.yml")["datasources"]
    prometheus = read(ROOT / "deploy" / "prometheus" / "prometheus.yml")

    assert sources[0]["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]


@pytest.mark.parametrize("rules", RULES, ids=lambda path: str(path.name))
def test_alerts_lead_to_dashboards(rules: Path) -> None:
    """Every dashboard that an alert names exists, and has the variables that the link sets."""
    variables = {each["uid"]: {one["name"] for one in each["templating"]["list"]} for each in dashboards()}
    for link in re.findall(r"/d/([^'\"]+)", rules.read_text(encoding="utf-8")):
        uid, _, query = link.partition("?")

        assert set(re.findall(r"var-(\w+)=", query)) <= variables[uid]
