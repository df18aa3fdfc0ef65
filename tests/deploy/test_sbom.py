"""The bill of materials."""

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from exporter import __version__
from tools.sbom import main

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what is written, to a folder that is not there yet."""
    path = tmp_path_factory.mktemp("sbom") / "build" / "sbom.json"
    assert main([str(path)]) == 0
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bom(written: str) -> Any:
    """Return it as plain data."""
    return json.loads(written)


def test_valid(written: str) -> None:
    """It is CycloneDX 1.6, by the strict schema."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_everything_that_is_pinned(bom: Any) -> None:
    """It holds what requirements.txt pins, no more and no less, and the program itself as what it is about."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")

    components = {(each["name"], each["version"]) for each in bom["components"]}

    assert components == set(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    assert bom["metadata"]["component"]["purl"] == f"pkg:pypi/m365-backup-exporter@{__version__}"


def test_hashes(bom: Any) -> None:
    """All hashes of the lock file are there, each with its package."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")

    hashes = [
        its["content"]
        for component in bom["components"]
        for reference in component["externalReferences"]
        for its in reference["hashes"]
    ]

    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", lock))


def test_licences(bom: Any) -> None:
    """Every package has a licence, and none was guessed."""
    for component in (bom["metadata"]["component"], *bom["components"]):
        (licence,) = component["licenses"]

        assert licence.get("expression") or licence["license"].get("id") or licence["license"].get("name")


def test_installed_is_what_is_pinned(bom: Any) -> None:
    """What the tests run with is what the bill says."""
    installed = {each["name"]: distribution(each["name"]).version for each in bom["components"]}

    assert installed == {each["name"]: each["version"] for each in bom["components"]}


def test_nothing_is_without_a_reason(bom: Any) -> None:
    """Everything is needed by the program, directly or by what it needs."""
    needs = {each["ref"]: each.get("dependsOn", []) for each in bom["dependencies"]}
    program = bom["metadata"]["component"]["bom-ref"]
    reached, ahead = set(), [program]
    while ahead:
        ref = ahead.pop()
        if ref not in reached:
            reached.add(ref)
            ahead += needs[ref]

    assert reached == needs.keys()
