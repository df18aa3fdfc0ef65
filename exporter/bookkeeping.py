"""The commands about what is remembered: `state export`, `state import` and `baseline accept`."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from exporter.errors import SettingsError
from exporter.log.printable import printable
from exporter.settings import Settings, load
from exporter.state.baseline import Drift, accept
from exporter.state.transfer import export, import_

AddConfig = Callable[[argparse.ArgumentParser], None]


def add_state_commands(command: argparse.ArgumentParser, add_config: AddConfig) -> None:
    """Add `export` and `import` to the parser of `state`."""
    commands = command.add_subparsers(title="commands", required=True, metavar="COMMAND")
    exporting = commands.add_parser("export", help="write counters, times and answers to a file of their own")
    add_config(exporting)
    _add_state(exporting)
    exporting.add_argument("--source", metavar="S", help="only of this source")
    exporting.add_argument("--tenant", metavar="T", help="only of this tenant, by id or name")
    exporting.add_argument("--output", type=Path, required=True, metavar="FILE", help="a file that does not exist yet")
    exporting.set_defaults(command=_export)

    importing = commands.add_parser("import", help="take over such a file, while the exporter does not run")
    add_config(importing)
    _add_state(importing)
    importing.add_argument("file", type=Path, metavar="FILE", help="what `state export` wrote")
    importing.add_argument("--as", dest="rename", metavar="S", help="the name that its one source has here")
    importing.add_argument("--replace", action="store_true", help="let the file win where a tenant is watched in both")
    importing.set_defaults(command=_import)


def add_baseline_commands(command: argparse.ArgumentParser, add_config: AddConfig) -> None:
    """Add `accept` to the parser of `baseline`."""
    commands = command.add_subparsers(title="commands", required=True, metavar="COMMAND")
    accepting = commands.add_parser("accept", help="take the present settings of scan profiles for their baseline")
    add_config(accepting)
    _add_state(accepting)
    accepting.add_argument("--source", metavar="S", help="only of this source")
    accepting.add_argument("--tenant", metavar="T", help="only of this tenant, by id or name")
    accepting.add_argument("--profile", metavar="P", help="only of this profile, by id or name")
    accepting.set_defaults(command=_accept)


def _add_state(command: argparse.ArgumentParser) -> None:
    command.add_argument("--state", type=Path, metavar="FILE", help="the state file, if not where the config says")


def _state_of(options: argparse.Namespace) -> tuple[Settings, Path]:
    """Return the configuration and the state file that it, the environment or --state names."""
    settings = load(options.config)
    path = options.state or settings.state.file()
    if path is None:
        raise SettingsError([f"{options.config}: state.path: is empty, so nothing is kept that a command could read"])
    named = options.state or settings.state.path or os.environ.get("STATE_DIRECTORY")
    if not named and not path.exists():
        raise SettingsError([f"{path}: there is no state file here; a service has it elsewhere: name it with --state"])
    return settings, path


def _export(options: argparse.Namespace) -> int:
    _, path = _state_of(options)
    tenants = export(path, options.output, source=options.source, tenant=options.tenant)
    sys.stdout.write(f"{options.output}: {tenants} tenant(s)\n")
    return 0


def _import(options: argparse.Namespace) -> int:
    settings, path = _state_of(options)
    if options.rename is not None and options.rename not in settings.sources:
        raise SettingsError([f"{options.config}: sources: there is no {options.rename} that it could be --as"])
    imported = import_(path, options.file, rename=options.rename, replace=options.replace)
    strangers = sorted({source for source, _ in imported.taken} - settings.sources.keys())
    sys.stdout.write(f"{path}: {len(imported.taken)} tenant(s) imported\n")
    for source in strangers:
        sys.stdout.write(f"source {source} is not configured: it is kept for 30 days; --as gives it another name\n")
    for source, tenant in sorted(imported.kept):
        sys.stdout.write(
            f"kept as it is here, for it had left there: source {source}, tenant {printable(tenant)} (or --replace)\n"
        )
    return 0


def _accept(options: argparse.Namespace) -> int:
    settings, path = _state_of(options)
    drifts = accept(path, source=options.source, tenant=options.tenant, profile=options.profile)
    for drift in drifts:
        sys.stdout.write(f"{printable(_told(drift))}{_configured(settings, drift)}\n")
    profiles = len({(drift.source, drift.tenant, drift.profile) for drift in drifts})
    if profiles:
        sys.stdout.write(f"{profiles} profile(s) accepted; the exporter takes it over in seconds, or when it starts\n")
    else:
        sys.stdout.write("nothing has drifted from what was agreed\n")
    return 0


def _told(drift: Drift) -> str:
    tenant, profile = drift.tenant_name or drift.tenant, drift.profile_name or drift.profile
    return f"{drift.source}, {tenant}, profile {profile}: {drift.setting}: {drift.old} -> {drift.new}"


def _configured(settings: Settings, drift: Drift) -> str:
    """Return a warning where the configuration has the last word."""
    source = settings.sources.get(drift.source)
    wanted = {name: value for plan in source.plans() for name, value in plan.baseline.items()} if source else {}
    if wanted.get(drift.setting, drift.new) == drift.new:
        return ""
    return f" (drifts all the same: the configured baseline wants {wanted[drift.setting]})"
