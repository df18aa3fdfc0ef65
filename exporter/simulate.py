"""The command that serves only the simulator."""

import argparse
import asyncio
import math
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import islice
from pathlib import Path
from typing import Any, Final, get_args

from exporter.clock import Clock, SystemClock
from exporter.errors import SettingsError
from exporter.settings import host_and_port, split_address
from exporter.simulator import tls
from exporter.simulator.config import (
    CloudBackupApi,
    ElementsApi,
    VeeamApi,
    cloudbackup_config_for,
    config_for,
    veeam_config_for,
)
from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.incident_file import BadIncidents, read_incidents
from exporter.simulator.server import Server, build_app, serve
from exporter.simulator.world import World

HISTORY: Final = 30 * 86400.0
"""How long the world has been backed up already when the simulator starts, at its own pace."""

APIS: Final[dict[str, tuple[str, ...]]] = {
    "elements": get_args(ElementsApi),
    "cloudbackup": get_args(CloudBackupApi),
    "veeam": get_args(VeeamApi),
}
"""The generations of each vendor, the newest first; "auto" finds it out."""

TENANTS_PRINTED: Final = 2
"""So many tenants of Cloud Backup are printed: one could hide that each is a source."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `simulate` to its parser."""
    add_world_options(command, listen="127.0.0.1:8365")
    command.add_argument("--latency", type=_duration, default=0.0, metavar="SECONDS", help="of each answer (default 0)")
    command.add_argument("--rate-limit", type=_rate, metavar="R", help="requests a second before 429 (default none)")
    command.add_argument(
        "--faults",
        type=_faults,
        default=Faults(),
        metavar="KIND=RATE,...",
        help='such as "429=0.02,500=0.01,reset=0.01"',
    )
    command.add_argument("--calm", action="store_true", help="a world in which nothing is wrong")
    command.add_argument(
        "--incidents",
        type=Path,
        metavar="FILE",
        help="what goes wrong: YAML, - {kind: backup_fails, tenant: 0, workload: Teams, after: 1h, for: 6h}",
    )
    command.add_argument("--pace", type=_rate, default=1.0, metavar="P", help="how much faster time passes (default 1)")
    command.add_argument(
        "--rows-per-customer", type=_count, metavar="N", help="job rows of each customer (default: as customers have)"
    )
    command.add_argument(
        "--vendor", choices=tuple(APIS), default="elements", help="for --print-config (default elements)"
    )
    command.add_argument(
        "--api",
        help="for --print-config: v3 or v1 of elements, v2, v1 or legacy of cloudbackup, auto, v8, v7 or v6 of veeam",
    )
    command.add_argument("--tls-listen", type=_address, metavar="HOST:PORT", help="serve everything over TLS here too")
    command.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="certificate and key for that (PEM); made if it does not exist (default: a temporary one)",
    )
    command.add_argument("--print-config", action="store_true", help="print a config for `run` that fits, and exit")


def add_world_options(command: argparse.ArgumentParser, *, listen: str) -> None:
    """Add what `demo` and `simulate` have in common: which world, and the address that is listened on."""
    command.add_argument("--tenants", type=_count, default=25, metavar="N", help="how many customers (default 25)")
    command.add_argument("--seed", type=int, default=1, metavar="S", help="which world (default 1)")
    command.add_argument("--listen", type=_address, default=listen, metavar="HOST:PORT", help=f"default {listen}")


def simulate(options: argparse.Namespace) -> int:
    """Serve a synthetic world until interrupted, or print the config that fits it."""
    api = _api(options.vendor, options.api)
    if options.print_config:
        sys.stdout.write(_config(options, api))
        return 0
    identified = _identified(options) if options.tls_listen else None
    clock = SystemClock()
    world = _struck(_world(options, clock.now() - HISTORY / options.pace), options.incidents, clock.now())
    asyncio.run(_serve(options, world, clock, identified))
    return 0


def _api(vendor: str, api: str | None) -> Any:
    """Return the generation asked for, the newest by default; SettingsError if *vendor* has none of this name."""
    choices = APIS[vendor]
    if api is None:
        return choices[0]
    if api not in choices:
        raise SettingsError([f"argument --api: invalid choice: {api!r} (choose from {', '.join(choices)})"])
    return api


def _config(options: argparse.Namespace, api: Any) -> str:
    base_url = f"http://{options.listen}"
    if options.vendor == "elements":
        return config_for(base_url, api=api)
    if options.vendor == "veeam":
        return _veeam_config(options, base_url, api)
    customers = (each for each in _world(options, 0.0).customers(0.0) if each.has("Microsoft 365"))
    return cloudbackup_config_for(base_url, islice(customers, TENANTS_PRINTED), api=api)


def _veeam_config(options: argparse.Namespace, base_url: str, api: VeeamApi) -> str:
    """Return the config for Veeam, over TLS if a certificate is known that will still be there tomorrow."""
    if options.tls_listen is None or options.certificate is None:
        return veeam_config_for(base_url, api=api)
    return veeam_config_for(f"https://{options.tls_listen}", api=api, fingerprint=_identified(options).fingerprint)


def _identified(options: argparse.Namespace) -> tls.Identified:
    """Return the certificate in the file, which is made if there is none; without a file, a new one."""
    path: Path | None = options.certificate
    host, _ = split_address(options.tls_listen)
    try:
        if path is not None and path.exists():
            return tls.read(path.read_bytes())
        made = tls.self_signed(dict.fromkeys((host, "localhost", "127.0.0.1")), time.time())
        if path is not None:
            path.touch(mode=0o600)
            path.write_bytes(made.pem)
    except (OSError, ValueError) as error:
        raise SettingsError([f"--certificate: {path} cannot be used: {error}"]) from error
    return made


def _faults(text: str) -> Faults:
    try:
        return parse_faults(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _address(text: str) -> str:
    try:
        return host_and_port(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:10]) <= 1_000_000):  # noqa: PLR2004 - plenty
        raise argparse.ArgumentTypeError("should be a whole number from 1 to 1000000")
    return int(text)


def _rate(text: str) -> float:
    number = _duration(text)
    if number == 0:
        raise argparse.ArgumentTypeError("should be more than 0")
    return number


def _duration(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError("should be a number, not below 0")
    return number


def _world(options: argparse.Namespace, start: float) -> World:
    return World(
        seed=options.seed,
        tenants=options.tenants,
        start=start,
        pace=options.pace,
        rows_per_customer=options.rows_per_customer,
        calm=options.calm,
    )


def _struck(world: World, path: Path | None, now: float) -> World:
    """Return *world* with the incidents in the file, whose times count from *now*."""
    if path is None:
        return world
    try:
        return world.strike(*read_incidents(path.read_text(encoding="utf-8"), world, now))
    except BadIncidents as error:
        raise SettingsError([f"--incidents: {path}: {fault}" for fault in error.faults]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"--incidents: {path} cannot be read: {error}"]) from error


async def _serve(options: argparse.Namespace, world: World, clock: Clock, identified: tls.Identified | None) -> None:
    context = await asyncio.to_thread(identified.context) if identified else None
    app = build_app(world, clock=clock, latency=options.latency, rate_limit=options.rate_limit, faults=options.faults)
    server = await _listening("--listen", options.listen, lambda host, port: serve(app, host, port))
    try:
        lines = [f"simulating {options.tenants} customers on {server.base_url}; client secret: simulated"]
        if context and identified:
            secure = await _listening(
                "--tls-listen", options.tls_listen, lambda host, port: server.also(host, port, context)
            )
            lines.append(f"also on {secure.base_url}; SHA-256 fingerprint: {identified.fingerprint}")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await server.close()


async def _listening(option: str, address: str, listen: Callable[[str, int], Awaitable[Server]]) -> Server:
    """Return the server that listens at *address*; SettingsError if that cannot be had."""
    try:
        return await listen(*split_address(address))
    except OSError as error:
        raise SettingsError([f"{option}: {address} cannot be opened: {error.strerror}"]) from error
