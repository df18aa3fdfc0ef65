"""Where the process begins: it may be told to stop or reload before the rest is loaded, most of a second later."""

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    if sys.argv[1:2] == ["run"]:
        _expect_signals()
    from exporter.cli import main as command  # noqa: PLC0415 - not before signals are expected

    command()


def _expect_signals() -> None:
    """Have SIGHUP wait until it can be answered, instead of ending us; SIGTERM ends us even where we are process 1."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing is open yet


if __name__ == "__main__":
    main()
