# ruff: noqa: INP001 - a script beside the package
"""What runs, as CycloneDX, from the lock file and the installed packages: `python -m tools.sbom build/sbom.json`."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT: Final = Path(__file__).parent.parent
PROGRAM: Final = "m365-backup-exporter"
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main(arguments: list[str]) -> int:
    """Write it to the file that is named."""
    (file,) = arguments
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sbom(ROOT / "requirements.txt"), encoding="utf-8")
    return 0


def sbom(lock: Path) -> str:
    """Return the bill of materials of all that *lock* pins for this platform, as JSON; it must be installed."""
    program = _component(PROGRAM, distribution(PROGRAM).version, [], ComponentType.APPLICATION)
    parts = {canonicalize_name(each.name): _part(each, hashes) for each, hashes in pinned(lock)}
    bom = Bom(components=parts.values())
    bom.metadata.component = program
    for component in (program, *parts.values()):
        bom.register_dependency(component, [parts[name] for name in _needs(component.name) if name in parts])
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def pinned(lock: Path) -> Iterator[tuple[Requirement, list[str]]]:
    """Return what the lock file pins for this platform, each with its SHA-256 hashes."""
    for entry in lock.read_text(encoding="utf-8").replace("\\\n", "").splitlines():
        wanted = Requirement(entry.partition("--hash")[0])
        if wanted.marker is None or wanted.marker.evaluate():
            yield wanted, _HASH.findall(entry)


def _part(wanted: Requirement, hashes: list[str]) -> Component:
    (exactly,) = wanted.specifier
    return _component(wanted.name, exactly.version, hashes, ComponentType.LIBRARY)


def _component(name: str, version: str, hashes: list[str], kind: ComponentType) -> Component:
    """Return a package; it has many files and thus hashes, each of them that of a distribution."""
    address = PackageURL("pypi", name=canonicalize_name(name), version=version)
    files = [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(str(address)),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each)],
        )
        for each in hashes
    ]
    licence = _licence(distribution(name).metadata)
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=str(address),
        purl=address,
        licenses=[licence],
        external_references=files,
    )


def _licence(metadata: PackageMetadata) -> License:
    """Return the licence: as an SPDX expression if it is given as one, else in the words of the package."""
    classifiers = [each for each in metadata.get_all("Classifier") or [] if each.startswith("License ::")]
    words = [*(metadata.get_all("License-Expression") or []), *(metadata.get_all("License") or [])]
    short = [each for each in words if each and "\n" not in each]
    names = ", ".join(each.rpartition(" :: ")[2] for each in classifiers)
    return LicenseFactory().make_from_string(short[0] if short else names)


def _needs(name: str) -> list[NormalizedName]:
    """Return what a package needs on this platform, without extras."""
    wanted = [Requirement(each) for each in distribution(name).requires or []]
    return [
        canonicalize_name(each.name) for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
