"""The manifests as the system's kubectl renders them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml

from tools.kubernetes import MANIFESTS

OVERLAYS: Final = sorted(path.name for path in MANIFESTS.glob("overlays/*"))
WORKLOADS: Final = ("StatefulSet", "Deployment", "Pod")


def read(path: Path) -> list[dict[str, Any]]:
    """Return the objects in a file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """Return all objects of an overlay; the test is skipped where there is no kubectl."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    with TemporaryDirectory() as folder:
        manifests = shutil.copytree(MANIFESTS, Path(folder) / "kubernetes")
        if is_old():
            for path in manifests.glob("**/kustomization.yaml"):
                _say_it_in_old_words(path)
        text = _run("kubectl", "kustomize", str(manifests / "overlays" / overlay))
    return tuple(yaml.safe_load_all(text))


def of_kind(overlay: str, kind: str) -> dict[str, Any]:
    """Return the objects of one kind by name."""
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] == kind}


def only(overlay: str, kind: str) -> Any:
    """Return the one object of a kind that is called after the exporter."""
    return next(each for name, each in of_kind(overlay, kind).items() if name.startswith("m365-backup-exporter"))


def pods(overlay: str) -> Iterator[Any]:
    """Return all templates of pods, each with its labels."""
    return (each["spec"]["template"] for each in rendered(overlay) if each["kind"] in WORKLOADS)


def exporter_pod(overlay: str) -> Any:
    """Return what the exporter's pods are made of."""
    return only(overlay, "StatefulSet")["spec"]["template"]["spec"]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - kubectl, with our files
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_old() -> bool:
    """Tell whether kubectl is older than 1.21, as Debian 12's is: its kustomize is of 2019."""
    version = json.loads(_run("kubectl", "version", "--client", "--output=json"))["clientVersion"]
    return (int(version["major"]), int(version["minor"].rstrip("+"))) < (1, 21)


def _say_it_in_old_words(path: Path) -> None:
    """Put folders under `bases` and patches under `patchesStrategicMerge`; everything else was called the same."""
    (wanted,) = read(path)
    folders = [each for each in wanted.get("resources", []) if (path.parent / each).is_dir()]
    wanted["bases"] = folders
    wanted["resources"] = [each for each in wanted.get("resources", []) if each not in folders]
    wanted["patchesStrategicMerge"] = [each["path"] for each in wanted.pop("patches", [])]
    path.write_text(json.dumps(wanted), encoding="utf-8")
