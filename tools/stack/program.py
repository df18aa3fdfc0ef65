"""One program of the stack: started, waited for, stopped."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

EXPORTER: Final = (sys.executable, "-m", "exporter")
PATIENCE: Final = 60.0
"""Seconds that a program may take until it answers."""
PARTING: Final = 10.0
"""Seconds that it may take to stop."""


class NotStarted(Exception):
    """A program is not installed, ended by itself or does not answer; the text is for people."""


def installed(*names: str) -> str:
    """Return the first of these programs that is on this machine; they are one under different names."""
    for name in names:
        if found := shutil.which(name):
            return found
    raise NotStarted(f"{names[0]} is not installed: deploy/debian-packages {names[0]}")


@asynccontextmanager
async def running(name: str, command: Iterable[str], *, ready: str, log: Path) -> AsyncIterator[None]:
    """Run *command* while the context lasts, from when *ready* (a URL) answers; what it says goes to *log*."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    try:
        await _answered(name, process, ready, log)
        yield
    finally:
        await _stopped(process)


async def _answered(name: str, process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    """Wait until *url* is answered, but not for a program that has ended."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    async with aiohttp.ClientSession() as session:
        while not await _is_ready(session, url):
            if process.returncode is not None:
                raise NotStarted(f"{name} ended by itself:\n{_last_words(log)}")
            if loop.time() > deadline:
                raise NotStarted(f"{name} does not answer at {url}:\n{_last_words(log)}")
            await asyncio.sleep(0.1)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status < HTTPStatus.INTERNAL_SERVER_ERROR  # the simulator wants to know who asks
    except aiohttp.ClientConnectionError:
        return False


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])


async def _stopped(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PARTING)
    except TimeoutError:
        process.kill()
        await process.wait()
