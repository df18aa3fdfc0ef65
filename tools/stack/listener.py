"""Prints what Alertmanager sends to an address, until it is stopped: `python -m tools.stack.listener HOST:PORT`."""

import asyncio
import signal
import sys

from tools.stack.notifications import Notification, receiving


async def listen(address: str) -> None:
    """Listen until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with receiving(address, write):
        await stop.wait()


def write(notification: Notification) -> None:
    """Print one alert, at once."""
    sys.stdout.write(f"{notification.receiver:<8} {notification.text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1]))
