"""The manifests for Kubernetes: rendered by kubectl, and read as the API server and the operator would."""

import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel

from tests.deploy.manifests import OVERLAYS, is_old, of_kind, read, rendered
from tests.deploy.operator_objects import PrometheusRule, ServiceMonitor
from tools.kubernetes import DEPLOY, MANIFESTS, MONITORING, ROOT, made

VERSIONS = ("1.25", kubernetes_validate.latest_version())
"""The oldest that the manifests are for, and the newest that is known."""
OPERATOR: dict[str, type[BaseModel]] = {"ServiceMonitor": ServiceMonitor, "PrometheusRule": PrometheusRule}
"""Kinds that are not of Kubernetes itself."""
WHOLE = [
    path
    for folder in ("*.yaml", "base/*.yaml", "monitoring/dashboards/*.yaml")
    for path in MANIFESTS.glob(folder)
    if path.name not in {"kustomization.yaml", "config.yaml"}
]
"""Files that can be applied as they are, and checked without kubectl."""
LARGEST_ANNOTATION = 256 * 1024
"""Bytes; `kubectl apply` keeps the whole object in one."""
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def test_made_files_are_up_to_date() -> None:
    """What is made from rules, dashboards and the demo stack is what `make kubernetes` makes of them now."""
    expected = made()

    outdated = [path.name for path, content in expected.items() if path.read_text(encoding="utf-8") != content]

    assert outdated == [], "run make kubernetes"
    assert {*MONITORING.glob("*/*")} <= expected.keys()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", WHOLE, ids=lambda path: str(path.name))
def test_files_are_valid(path: Path, version: str) -> None:
    """Every object in our files has only fields that Kubernetes' API knows, of their types."""
    for each in read(path):
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@each_overlay
def test_rendered_objects_are_valid(overlay: str, version: str) -> None:
    """Every object of an overlay has only fields that its API knows, of their types."""
    for each in rendered(overlay):
        model = OPERATOR.get(each["kind"])
        if model:
            model.model_validate(each)
        else:
            kubernetes_validate.validate(each, version, strict=True)


@each_overlay
def test_rendered_objects_can_be_applied(overlay: str) -> None:
    """No two objects are the same one, all are in one namespace, and none is too large for `kubectl apply`."""
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(overlay)]
    spaces = {each["metadata"].get("namespace") for each in rendered(overlay) if each["kind"] != "Namespace"}
    sizes = [len(json.dumps(each)) for each in rendered(overlay)]

    assert len(set(names)) == len(names)
    assert len(spaces) == 1
    assert is_old() or spaces == {*of_kind(overlay, "Namespace")}, "Debian 12's kubectl renames no Namespace"
    assert max(sizes) < LARGEST_ANNOTATION


@each_overlay
def test_rules_are_the_shipped_ones(overlay: str, tmp_path: Path) -> None:
    """The PrometheusRules hold the shipped rules and nothing else, and promtool finds no fault in them."""
    shipped = [DEPLOY / "prometheus" / "links.yml", *(DEPLOY / "prometheus" / "rules").glob("*.yml")]
    specs = [rule["spec"] for rule in of_kind(overlay, "PrometheusRule").values()]
    for number, spec in enumerate(specs):
        (tmp_path / f"{number}.yml").write_text(json.dumps(spec), encoding="utf-8")

    program = shutil.which("promtool") or pytest.fail("promtool is not installed")
    checked = subprocess.run(  # noqa: S603 - our own arguments
        [program, "check", "rules", *tmp_path.iterdir()], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert {spec["groups"][0]["name"]: spec for spec in specs} == {
        groups["groups"][0]["name"]: groups for path in shipped for groups in read(path)
    }


def test_dashboards_are_the_shipped_ones() -> None:
    """Every dashboard is in a ConfigMap that Grafana's sidecar looks for."""
    shipped = {path.name: json.loads(path.read_text()) for path in (ROOT / "grafana" / "dashboards").glob("*.json")}

    found = [
        each["data"]
        for each in of_kind("single", "ConfigMap").values()
        if each["metadata"].get("labels", {}).get("grafana_dashboard") == "1"
    ]

    assert {name: json.loads(text) for data in found for name, text in data.items()} == shipped
