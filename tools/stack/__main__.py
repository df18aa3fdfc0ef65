"""Runs the stack until interrupted, and prints what Alertmanager says: `python -m tools.stack`."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.stack.configs import CUSTOMERS, Addresses
from tools.stack.listener import write
from tools.stack.notifications import receiving
from tools.stack.program import NotStarted
from tools.stack.stack import running_stack

HURRY: Final = 1.0


def main() -> int:
    """Run it."""
    options = _parser().parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="m365-backup-stack-") as folder:
            asyncio.run(_run(Path(folder), options.hurry))
    except NotStarted as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__)
    parser.add_argument(
        "--hurry", type=float, default=HURRY, metavar="N", help="wait N times shorter than the rules do (default 1)"
    )
    return parser


async def _run(folder: Path, hurry: float) -> None:
    addresses = Addresses()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sys.stdout.write("starting simulator, exporter, Prometheus and Alertmanager ...\n")
    sys.stdout.flush()
    async with receiving(addresses.notifications, write), running_stack(folder, addresses, hurry=hurry):
        _say_where(folder, addresses)
        await stop.wait()


def _say_where(folder: Path, addresses: Addresses) -> None:
    lines = (
        f"{CUSTOMERS} synthetic tenants are being backed up; some are in trouble, see deploy/stack/incidents.yaml.",
        "Stop with Ctrl-C.",
        "",
        f"  exporter      http://{addresses.exporter}/metrics",
        f"  Prometheus    http://{addresses.prometheus}/alerts",
        f"  Alertmanager  http://{addresses.alertmanager}/",
        f"  simulator     http://{addresses.simulator}",
        f"  logs          {folder}",
        "",
        "Notifications appear below as Alertmanager sends them, the first after two minutes:",
        "",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
