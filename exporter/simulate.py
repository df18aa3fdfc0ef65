"""The command that serves only the simulator."""

import argparse
import asyncio
import math
import signal
import sys
from typing import Final

from exporter.clock import Clock, SystemClock
from exporter.errors import SettingsError
from exporter.settings import host_and_port, split_address
from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.server import build_app, config_for, serve
from exporter.simulator.world import World

HISTORY: Final = 30 * 86400.0
"""How long the world has been backed up already when the simulator starts, at its own pace."""


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
    command.add_argument("--pace", type=_rate, default=1.0, metavar="P", help="how much faster time passes (default 1)")
    command.add_argument(
        "--rows-per-customer", type=_count, metavar="N", help="job rows of each customer (default: as customers have)"
    )
    command.add_argument("--api", choices=("v3", "v1"), default="v3", help="for --print-config (default v3)")
    command.add_argument("--print-config", action="store_true", help="print a config for `run` that fits, and exit")


def add_world_options(command: argparse.ArgumentParser, *, listen: str) -> None:
    """Add what `demo` and `simulate` have in common: which world, and the address that is listened on."""
    command.add_argument("--tenants", type=_count, default=25, metavar="N", help="how many customers (default 25)")
    command.add_argument("--seed", type=int, default=1, metavar="S", help="which world (default 1)")
    command.add_argument("--listen", type=_address, default=listen, metavar="HOST:PORT", help=f"default {listen}")


def simulate(options: argparse.Namespace) -> int:
    """Serve a synthetic world until interrupted, or print the config that fits it."""
    if options.print_config:
        sys.stdout.write(config_for(f"http://{options.listen}", api=options.api))
        return 0
    asyncio.run(_serve(options, SystemClock(), *split_address(options.listen)))
    return 0


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


async def _serve(options: argparse.Namespace, clock: Clock, host: str, port: int) -> None:
    world = World(
        seed=options.seed,
        tenants=options.tenants,
        start=clock.now() - HISTORY / options.pace,
        pace=options.pace,
        rows_per_customer=options.rows_per_customer,
    )
    app = build_app(world, clock=clock, latency=options.latency, rate_limit=options.rate_limit, faults=options.faults)
    try:
        server = await serve(app, host, port)
    except OSError as error:
        raise SettingsError([f"--listen: {host}:{port} cannot be opened: {error.strerror}"]) from error
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sys.stdout.write(f"simulating {options.tenants} customers on {server.base_url}; client secret: simulated\n")
    sys.stdout.flush()
    await stop.wait()
    await server.close()
