"""Whose password is compared next: networks take turns, so that a guesser waits for himself."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

MOST_OF_ONE: Final = 16
"""Comparisons that may wait for one network: a second's worth of the usual cost."""
MOST: Final = 64
"""Those that may wait for all: four seconds' worth, less than a scrape may take."""
_SHIFT: Final = 64


@dataclass(slots=True, eq=False)
class _Waiting:
    """One that wants a turn, until it is told whether it gets one."""

    gone: Callable[[], bool]
    told: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def over(self) -> bool:
        """Tell whether nobody waits any more: it was cancelled or told already, or is told now that it is in vain."""
        if not self.told.done() and self.gone():
            self.told.set_result(False)
        return self.told.done()


class Turns:
    """One at a time, network by network."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[_Waiting]] = {}
        """Network → those that wait, none of them empty; whose turn is next comes first."""
        self._at_work: str | None = None

    @asynccontextmanager
    async def turn(self, address: str, gone: Callable[[], bool]) -> AsyncIterator[bool]:
        """Wait for a turn, and hold it while the context lasts; ``False`` if there is none.

        That is so if too many of that network wait, if all places are taken and none by a network that has more, or
        if whoever asked is *gone* by then.
        """
        network = network_of(address)
        if not await self._has_turn(network, gone):
            yield False
            return
        try:
            yield True
        finally:
            self._pass_on()

    async def _has_turn(self, network: str, gone: Callable[[], bool]) -> bool:
        if self._at_work is None:
            self._at_work = network
            return True
        if not self._has_place(network):
            return False
        waiting = _Waiting(gone)
        self._queues.setdefault(network, deque()).append(waiting)
        try:
            return await waiting.told
        except asyncio.CancelledError:
            if waiting.told.done() and not waiting.told.cancelled() and waiting.told.result():
                self._pass_on()  # the turn came in the same moment
            raise

    def _has_place(self, network: str) -> bool:
        """Tell whether one more may wait; if all places are taken, the network with the most gives one up."""
        own = len(self._queues.get(network, ()))
        if own + (self._at_work == network) >= MOST_OF_ONE:
            return False
        if sum(map(len, self._queues.values())) >= MOST:
            self._forget_the_gone()
        if sum(map(len, self._queues.values())) < MOST:
            return True
        most = max(self._queues, key=lambda each: len(self._queues[each]))
        if len(self._queues[most]) <= own + 1:
            return False
        self._queues[most].pop().told.set_result(False)  # it waits, or it would have been forgotten
        return True

    def _forget_the_gone(self) -> None:
        for network, queue in list(self._queues.items()):
            there = deque(each for each in queue if not each.over())
            if there:
                self._queues[network] = there
            else:
                del self._queues[network]

    def _pass_on(self) -> None:
        """Give the turn to the next one who still waits for it."""
        self._at_work = None
        while self._queues:
            network = next(iter(self._queues))
            queue = self._queues.pop(network)
            waiting = queue.popleft()
            if queue:
                self._queues[network] = queue  # at the end
            if not waiting.over():
                self._at_work = network
                waiting.told.set_result(True)
                return


def network_of(address: str) -> str:
    """Return what counts as one client: the address, of IPv6 the /64 around it, of which anybody has all."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return address
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(IPv6Network((int(known) >> _SHIFT << _SHIFT, _SHIFT)))
