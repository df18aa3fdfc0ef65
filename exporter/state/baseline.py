"""Present settings of scan profiles as their new baseline: asked for by a command, done by the daemon.

The daemon alone writes the books. The command leaves a row for each profile; a running daemon finds it within
seconds, one that does not run at its next start.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from exporter.errors import SettingsError
from exporter.state import reading
from exporter.state.tables import ACCEPTED, SCAN_PROFILES, TENANTS, mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A setting that is not what was once agreed to."""

    source: str
    tenant: str
    tenant_name: str
    profile: str
    profile_name: str
    setting: str
    old: str
    new: str


def accept(
    state: Path, *, source: str | None = None, tenant: str | None = None, profile: str | None = None
) -> list[Drift]:
    """Ask for the present settings of profiles to be their new baseline; return what that changes.

    Tenants and profiles are meant by id or by name, and all of them by ``None``. `SettingsError` if there are none.
    """
    with reading.opened(state) as connection:
        names, profile_names = reading.names(connection), reading.profile_names(connection)
        gone = {row[:2] for row in connection.execute(TENANTS.select) if row[-1] is not None}
        found = []
        drifts: list[Drift] = []
        for its_source, its_tenant, its_profile, _, agreed, settings, *_ in connection.execute(SCAN_PROFILES.select):
            key = (its_source, its_tenant)
            tenant_name, profile_name = names.get(key, ""), profile_names.get((*key, its_profile), "")
            if key in gone or not (
                source in (None, its_source)
                and tenant in (None, its_tenant, tenant_name)
                and profile in (None, its_profile, profile_name)
            ):
                continue
            try:
                before, now = mapping(agreed), mapping(settings)
            except (TypeError, ValueError):  # a broken row: the exporter drops it when it starts
                continue
            found.append((*key, its_profile, datetime.now(tz=UTC).isoformat(), settings))
            drifts += [
                Drift(
                    source=its_source,
                    tenant=its_tenant,
                    tenant_name=tenant_name,
                    profile=its_profile,
                    profile_name=profile_name,
                    setting=setting,
                    old=before[setting],
                    new=value,
                )
                for setting, value in now.items()
                if before.get(setting, value) != value
            ]
        if not found:
            raise SettingsError(["no scan profile fits; names and ids are those of m365backup_scan_profile_info"])
        drifted = {(drift.source, drift.tenant, drift.profile) for drift in drifts}
        _ask(connection, [row for row in found if row[:3] in drifted])
    return drifts


def _ask(connection: sqlite3.Connection, rows: list[tuple[str, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(ACCEPTED.put, rows)
    connection.execute("COMMIT")
