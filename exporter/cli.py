"""The commands."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

from prometheus_client import disable_created_metrics

from exporter import __version__, backfill, bookkeeping, doctor, once
from exporter.app import outgoing_session, run
from exporter.clock import SystemClock
from exporter.demo import demo
from exporter.errors import SettingsError
from exporter.healthcheck import healthcheck
from exporter.heap import bounded_collections
from exporter.log import configure, log_crashes
from exporter.metrics.catalog import markdown
from exporter.output import OutputLost, standard_output
from exporter.settings import json_schema, load, unreadable_files
from exporter.simulate import add_options, add_world_options, simulate
from exporter.web.config.protection import read_protection

USAGE_FAULT: Final = 2
OUTPUT_LOST: Final = 74
"""EX_IOERR of sysexits.h."""
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    try:
        with standard_output():
            options = _parser().parse_args(arguments)
            status = options.command(options)
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        sys.exit(USAGE_FAULT)
    except OutputLost as lost:
        if not lost.unread:
            sys.stderr.write(f"standard output: cannot be written: {lost}\n")
        sys.exit(OUTPUT_LOST)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="m365-backup-exporter", description="Prometheus exporter for backups of Microsoft 365 tenants."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("run", help="poll the configured sources and serve /metrics")
    _add_config(command)
    command.set_defaults(command=_run)

    command = commands.add_parser("check-config", help="tell every fault of a configuration, or say that it is good")
    _add_config(command)
    command.set_defaults(command=_check_config)

    command = commands.add_parser("state", help="move what is remembered between state files")
    bookkeeping.add_state_commands(command, _add_config)

    command = commands.add_parser("baseline", help="agree to how scan profiles are set now")
    bookkeeping.add_baseline_commands(command, _add_config)

    command = commands.add_parser("backfill", help="write the history of jobs as OpenMetrics with timestamps")
    _add_config(command)
    backfill.add_options(command)
    command.set_defaults(command=lambda options: backfill.backfill(options, SystemClock(), outgoing_session))

    _add_trying_commands(commands)

    command = commands.add_parser("config-schema", help="print the JSON Schema of the configuration")
    command.set_defaults(command=_config_schema)

    command = commands.add_parser("metrics", help="print the catalog of metrics as Markdown")
    command.set_defaults(command=_metrics)

    _add_simulator_commands(commands)

    command = commands.add_parser("version", help="print the version")
    command.set_defaults(command=_version)
    return parser


def _add_trying_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("doctor", help="ask each endpoint once; tell what is wrong, and what to do about it")
    _add_config(command)
    doctor.add_options(command)
    command.set_defaults(command=lambda options: doctor.doctor(options, SystemClock(), outgoing_session))

    command = commands.add_parser("once", help="ask everything once; print the metrics, or the records as JSON")
    _add_config(command)
    once.add_options(command)
    command.set_defaults(command=lambda options: once.once(options, SystemClock(), outgoing_session))

    command = commands.add_parser("healthcheck", help="ask the running exporter whether it is healthy, for containers")
    _add_config(command)
    command.set_defaults(command=healthcheck)


def _add_simulator_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("demo", help="show the exporter on an embedded simulator, without credentials")
    add_world_options(command, listen="127.0.0.1:10365")
    command.set_defaults(command=_demo)

    command = commands.add_parser("simulate", help="serve a synthetic world as the vendors' APIs")
    add_options(command)
    command.set_defaults(command=simulate)


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", type=Path, required=True, metavar="FILE", help="YAML; see config.example.yaml for every option"
    )


def _run(options: argparse.Namespace) -> int:
    settings = load(options.config)
    configure(level=settings.log.level, form=settings.log.format)
    log_crashes()
    disable_created_metrics()  # type: ignore[no-untyped-call]
    with bounded_collections():
        asyncio.run(run(settings, SystemClock(), lambda: load(options.config)))
    return 0


def _check_config(options: argparse.Namespace) -> int:
    settings = load(options.config)
    faults = [f"{options.config}: {fault}" for fault in unreadable_files(settings)]
    if settings.web.config_file:
        try:
            read_protection(settings.web.config_file)
        except SettingsError as error:
            faults += error.faults
    if faults:
        raise SettingsError(faults)
    names = ", ".join(settings.sources)
    sys.stdout.write(f"{options.config}: good; {len(settings.sources)} source(s): {names}\n")
    return 0


def _config_schema(_: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
    return 0


def _metrics(_: argparse.Namespace) -> int:
    sys.stdout.write(markdown())
    return 0


def _demo(options: argparse.Namespace) -> int:
    configure(level="warning", form="auto")
    disable_created_metrics()  # type: ignore[no-untyped-call]
    with bounded_collections(), TemporaryDirectory(prefix="m365-backup-exporter-") as folder:
        state = Path(folder) / "state.db"
        asyncio.run(demo(SystemClock(), state, tenants=options.tenants, seed=options.seed, listen=options.listen))
    return 0


def _version(_: argparse.Namespace) -> int:
    sys.stdout.write(f"m365-backup-exporter {__version__}\n")
    return 0
