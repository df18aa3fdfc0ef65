# ruff: noqa: INP001 - a script beside the package
"""Writes rules, dashboards and the demo's files as Kubernetes wants them: `python -m tools.kubernetes`.

Kustomize reads nothing outside of its own folder, and the Prometheus Operator wants rules in objects of its own. So
these files are made from the ones that everybody else uses; a test compares.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from exporter import __version__

ROOT: Final = Path(__file__).parent.parent
DEPLOY: Final = ROOT / "deploy"
MANIFESTS: Final = DEPLOY / "kubernetes"
MONITORING: Final = MANIFESTS / "monitoring"
DEMO: Final = MANIFESTS / "overlays" / "demo"
MADE: Final = "# Made by `make kubernetes` from {origin}.\n"
LABELS: Final = {"app.kubernetes.io/name": "m365-backup-exporter"}
SIMULATOR: Final = "http://m365-backup-simulator:8365"
SECRET_FILE: Final = "/run/secrets/m365-backup-exporter/simulator"  # noqa: S105 - where it is, not what
STATE: Final = "/var/lib/m365-backup-exporter/state.db"
TAG: Final = re.compile(r'(?<=newTag: ")[^"]*|(?<=/m365-backup-exporter:)[\w.-]+')


class _Plain(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and nothing by reference, so that a difference can be read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - whatever it is
        """Write everything where it stands."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def made() -> dict[Path, str]:
    """Return everything that is made from something else: file → content."""
    monitoring = _rules() | _dashboards()
    return monitoring | {MONITORING / "kustomization.yaml": _kustomization(monitoring)} | _demo() | _tagged()


def main() -> None:
    """Write it, and remove what is not made any more."""
    files = made()
    for folder in (MONITORING / "rules", MONITORING / "dashboards"):
        folder.mkdir(exist_ok=True)
        for path in set(folder.iterdir()) - files.keys():
            path.unlink()
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")


def _rules() -> dict[Path, str]:
    """Return a PrometheusRule for each file of rules."""
    folder = DEPLOY / "prometheus"
    found = {}
    for origin in [folder / "links.yml", *sorted((folder / "rules").glob("*.yml"))]:
        rule = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"m365-backup-{origin.stem}", "labels": LABELS},
            "spec": _read(origin),
        }
        found[MONITORING / "rules" / f"{origin.stem}.yaml"] = _written(rule, origin)
    return found


def _dashboards() -> dict[Path, str]:
    """Return a ConfigMap for each dashboard, labelled as the sidecar of Grafana's chart looks for them."""
    found = {}
    for origin in sorted((ROOT / "grafana" / "dashboards").glob("*.json")):
        config_map = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"dashboard-{origin.stem}",
                "labels": {**LABELS, "grafana_dashboard": "1"},
                "annotations": {"grafana_folder": "M365 backup"},
            },
            # On one line: `kubectl apply` keeps a copy in an annotation, which has to be below 256 KiB.
            "data": {origin.name: json.dumps(json.loads(origin.read_text(encoding="utf-8")), separators=(",", ":"))},
        }
        found[MONITORING / "dashboards" / f"{origin.stem}.yaml"] = _written(config_map, origin)
    return found


def _kustomization(monitoring: Mapping[Path, str]) -> str:
    names = [str(path.relative_to(MONITORING)) for path in monitoring]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["servicemonitor.yaml", *names],
    }
    return MADE.format(origin="what is beside it") + _dumped(kustomization)


def _demo() -> dict[Path, str]:
    """Return the configuration and the incidents of `make stack`, for a simulator with a name of its own."""
    origin, incidents = DEPLOY / "stack" / "exporter.yaml", DEPLOY / "stack" / "incidents.yaml"
    config = _read(origin)
    config |= {"web": {"listen": ["0.0.0.0:10365"]}, "state": {"path": STATE}}
    for source in config["sources"].values():
        source |= {"base_url": SIMULATOR, "allow_plain_http": True, "auth": _from_a_file(source["auth"])}
    return {
        DEMO / "config.yaml": _written(config, origin),
        DEMO / "incidents.yaml": MADE.format(origin=_shown(incidents)) + incidents.read_text(encoding="utf-8"),
    }


def _from_a_file(auth: Mapping[str, str]) -> dict[str, str]:
    """Return the same access, with the secret in a file, as real ones should be."""
    files = {"client_secret": "client_secret_file", "password": "password_file"}
    moved = {files.get(key, key): SECRET_FILE if key in files else value for key, value in auth.items()}
    return moved | ({"token_url": f"{SIMULATOR}/connect/token"} if "token_url" in moved else {})


def _tagged() -> dict[Path, str]:
    """Return what names an image, with the tag of this version."""
    paths = [MANIFESTS / "mover.yaml", *sorted(MANIFESTS.glob("overlays/*/kustomization.yaml"))]
    return {path: TAG.sub(__version__, path.read_text(encoding="utf-8")) for path in paths}


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _written(content: Any, origin: Path) -> str:
    return MADE.format(origin=_shown(origin)) + _dumped(content)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _dumped(content: Any) -> str:
    return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    main()
