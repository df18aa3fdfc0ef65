"""The command that asks for baselines: which profiles it means, what it tells, and what it leaves for the daemon."""

import json
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.records import ScanProfile, Tenant
from exporter.state import tables
from exporter.state.answers import packed
from exporter.state.baseline import Drift, accept
from exporter.state.database import Database
from tests.state.storage import Disk, held, tenants

AGREED = {"mode": "on", "daily": "yes"}
NOW = {"mode": "off", "daily": "yes", "new": "1"}


def made(path: Path, *, gone: tuple[str, ...] = (), named: bool = True) -> None:
    """Make a state file of two tenants, each of which has a profile that drifts and one that does not."""
    database = Database(path)
    database.open()
    batch = tenants("contoso", "fabrikam")
    for tenant in ("contoso", "fabrikam"):
        for profile, settings in (("p", NOW), ("q", AGREED)):
            row = (1.0, json.dumps(AGREED), json.dumps(settings), 1.0, 0)
            batch.put(tables.SCAN_PROFILES, ("s", tenant, profile), row)
        batch.put(tables.TENANTS, ("s", tenant), (1, 5.0 if tenant in gone else None))
        records = [
            Tenant(tenant=tenant, name=tenant.title()),
            ScanProfile(tenant=tenant, profile="p", name=f"Profile of {tenant}"),
        ]
        if named:
            batch.put(tables.ANSWERS, ("s", tenant, "names"), (packed(records),))
    batch.put(tables.ANSWERS, ("s", "contoso", "later"), (b"of another version",))
    database.write(batch)
    database.close()


def asked(path: Path) -> list[tuple[str, str, str, dict[str, str]]]:
    """Return what the daemon is asked for."""
    return [(*row[:3], json.loads(row[4])) for row in held(path)[tables.ACCEPTED]]


def test_all_that_drift(path: Path) -> None:
    """Each setting that is not as agreed is told; the daemon is asked for the settings of profiles that drift."""
    made(path)

    drifts = accept(path)

    assert drifts == [
        Drift(
            source="s",
            tenant=tenant,
            tenant_name=tenant.title(),
            profile="p",
            profile_name=f"Profile of {tenant}",
            setting="mode",
            old="on",
            new="off",
        )
        for tenant in ("contoso", "fabrikam")
    ]
    assert asked(path) == [("s", "contoso", "p", NOW), ("s", "fabrikam", "p", NOW)]


def test_without_names(path: Path) -> None:
    """Where the answers with the names cannot be read, ids do: only the names are missing."""
    made(path, named=False)

    (drift,) = accept(path, tenant="contoso", profile="p")

    assert (drift.tenant_name, drift.profile_name) == ("", "")


@pytest.mark.parametrize(
    "choice",
    [
        {"tenant": "contoso"},
        {"tenant": "Contoso"},
        {"profile": "Profile of contoso"},
        {"source": "s", "tenant": "Contoso", "profile": "p"},
    ],
)
def test_narrowing(path: Path, choice: dict[str, str]) -> None:
    """Tenant and profile are meant by id or by name; what is not meant is not asked for."""
    made(path)

    assert [drift.tenant for drift in accept(path, **choice)] == ["contoso"]

    assert asked(path) == [("s", "contoso", "p", NOW)]


@pytest.mark.parametrize(
    "choice",
    [
        {"source": "t"},
        {"tenant": "tailspin"},
        {"profile": "Profile of nobody"},
        {"tenant": "contoso", "profile": "Profile of fabrikam"},
        {"tenant": "fabrikam"},
    ],
)
def test_nothing_fits(path: Path, choice: dict[str, str]) -> None:
    """A choice that fits no profile, or only one of a tenant that left, is a mistake, and nothing is asked for."""
    made(path, gone=("fabrikam",))

    with pytest.raises(SettingsError, match="no scan profile fits"):
        accept(path, **choice)

    assert asked(path) == []


def test_nothing_drifts(path: Path) -> None:
    """Where all is as agreed there is nothing to tell and nothing to ask for."""
    made(path)

    assert accept(path, profile="q") == []

    assert asked(path) == []


def test_asking_again(path: Path) -> None:
    """What is asked for again while no daemon runs is another wish, later than the first."""
    made(path)

    accept(path, tenant="contoso")
    accept(path, tenant="contoso")

    (first, second) = held(path)[tables.ACCEPTED]
    assert first[:3] == second[:3] == ("s", "contoso", "p")
    assert first[3] < second[3]


def test_full_disk(disk: Disk) -> None:
    """A wish that cannot be written down is told in one line, and nothing is asked for."""
    path = disk.place / "state.db"
    made(path)
    disk.fill()

    with pytest.raises(SettingsError, match=r"state\.db: .*(full|I/O|unable)"):
        accept(path)
    disk.make_room()

    assert asked(path) == []
