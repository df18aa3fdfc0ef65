"""What systemd, or whatever else started us as a service, is told of how we do; see sd_notify(3)."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog

from exporter.clock import Clock
from exporter.fleet import Watched

LOG: Final = structlog.get_logger("exporter.service")
LOOK_EVERY: Final = 1.0
"""Seconds until a change of the status is told; sooner if the watchdog wants to hear of us sooner."""


@dataclass(slots=True, eq=False)
class Supervisor:
    """Who started us and listens to how we do, if anybody does."""

    address: str
    """Its datagram socket; one that begins with @ has no file. Empty: nobody listens, and nothing is said."""
    patience: float | None = None
    """Seconds after which silence counts as death."""
    _unsaid: dict[str, str] = field(default_factory=dict)
    """The newest word on each matter that could not be sent yet."""
    _heard: bool = True

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> "Supervisor":
        """Return the one that the *environment* of our process, which is *pid*, tells of."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        watches = meant and microseconds.isdecimal() and int(microseconds) > 0
        return cls(environment.get("NOTIFY_SOCKET", ""), int(microseconds) / 1e6 if watches else None)

    @asynccontextmanager
    async def attended(
        self, clock: Clock, *, healthy: Callable[[], str | None], status: Callable[[], str]
    ) -> AsyncIterator[None]:
        """Say that we are ready; while the context lasts, how we do; as it ends, that we stop.

        *healthy* returns why not, or None; the watchdog hears of us only while it does. *status* is one line.
        """
        if not self.address:
            yield
            return
        self.say("state", "READY=1")
        attending = asyncio.create_task(self._attend(clock, healthy, status), name="service")
        try:
            yield
        finally:
            self.say("state", "STOPPING=1")
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    async def reload_at(self, hang_up: asyncio.Event, reload: Callable[[], Awaitable[object]]) -> None:
        """Call *reload* whenever *hang_up* is set, and say that it begins and that it is over."""
        while True:
            await hang_up.wait()
            hang_up.clear()
            self.say("state", f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                await reload()
            except Exception:
                LOG.exception("reload_broken")
            self.say("state", "READY=1")

    def say(self, matter: str, words: str) -> None:
        """Send *words*, and all that could not be sent before; what cannot be sent now is not waited for."""
        self._unsaid[matter] = words
        self._send()

    def _send(self) -> None:
        if not self.address or not self._unsaid:
            return
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(0)
                channel.sendto("\n".join(self._unsaid.values()).encode(), address)
        except OSError as error:
            if self._heard:
                LOG.warning("supervisor_not_told", error=error.strerror or str(error), socket=self.address)
            self._heard = False
        else:
            self._heard = True
            self._unsaid.clear()

    async def _attend(self, clock: Clock, healthy: Callable[[], str | None], status: Callable[[], str]) -> None:
        half = self.patience / 2 if self.patience else None
        every = min(LOOK_EVERY, half or LOOK_EVERY)
        loop = asyncio.get_running_loop()
        last, due = "", loop.time()
        while True:
            try:
                if half and loop.time() >= due and healthy() is None:
                    self.say("watchdog", "WATCHDOG=1")
                    due = loop.time() + half
                if (line := status()) != last:
                    last = line
                    self.say("status", f"STATUS={line}")
                self._send()
            except Exception:
                LOG.exception("supervision_broken")
            await clock.sleep(every)


def heard() -> tuple[asyncio.Event, asyncio.Event]:
    """Return what SIGTERM or SIGINT sets, and what SIGHUP sets, also one that came while it was blocked."""
    stop, hang_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hang_up.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return stop, hang_up


def status_line(fleet: Collection[Watched]) -> str:
    """Return what ``systemctl status`` shows of us."""
    tenants = sum(len(each.intake.roster.tenants) for each in fleet)
    down = sum(each.intake.standing.up is False for each in fleet)
    facts = [_number(len(fleet), "source"), _number(tenants, "tenant")]
    return ", ".join([*facts, f"{_number(down, 'source')} down"] if down else facts)


def _number(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"
