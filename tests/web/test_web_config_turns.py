"""Whose turn it is, whoever pushes."""

import asyncio
from collections import Counter

import pytest

from exporter.web.config.turns import MOST, MOST_OF_ONE, Turns, network_of


class Line:
    """Clients who want turns, and the order in which they had them."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.served: list[str] = []
        self.go = asyncio.Event()
        self.gone: set[str] = set()
        self._tasks: list[asyncio.Task[bool]] = []

    async def come(self, *addresses: str) -> list[asyncio.Task[bool]]:
        """Let clients of these addresses ask, in this order."""
        come = [asyncio.create_task(self._ask(address)) for address in addresses]
        self._tasks += come
        await asyncio.sleep(0)
        return come

    async def end(self) -> list[bool]:
        """Let the first go on, and all others; return who had a turn."""
        self.go.set()
        return await asyncio.gather(*self._tasks)

    async def _ask(self, address: str) -> bool:
        async with self.turns.turn(address, lambda: address in self.gone) as granted:
            if granted:
                await self.go.wait()
                self.served.append(address)
            return granted


def many(number: int, *, beside: str = "192.0.2") -> list[str]:
    """Return so many addresses."""
    return [f"{beside}.{each}" for each in range(number)]


async def test_networks_take_turns() -> None:
    """Whoever comes later than a crowd of one address has its turn after one of them."""
    line = Line()
    await line.come("a", "a", "a", "a", "b", "c", "b")

    assert all(await line.end())
    assert line.served == ["a", "a", "b", "c", "a", "b", "a"]


async def test_one_network_has_so_many() -> None:
    """Of one network only so many wait, also of IPv6, where each address in a /64 is the same one's."""
    line = Line()
    await line.come(*(f"2001:db8::{number:x}" for number in range(MOST_OF_ONE + 3)), "2001:db8:0:1::1")

    assert await line.end() == [True] * MOST_OF_ONE + [False] * 3 + [True]


async def test_a_place_for_who_has_less() -> None:
    """When all places are taken, one who has none gets that of whoever has most; who has as many does not."""
    line = Line()
    crowd = [address for address in many(8) for _ in range(MOST_OF_ONE)]
    await line.come("first", *crowd)
    (late,) = await line.come("late")
    (pushing,) = await line.come("192.0.2.0")
    await line.end()

    assert (late.result(), pushing.result()) == (True, False)
    assert len(line.served) == 1 + MOST
    assert max(Counter(line.served).values()) <= MOST // 8 + 1
    assert line.served.index("late") <= 9


async def test_a_crowd_of_networks() -> None:
    """When as many networks wait as there are places, another one does not."""
    line = Line()
    await line.come("first", *many(MOST), "late")

    assert (await line.end())[-1] is False


async def test_who_has_gone() -> None:
    """Who has hung up has no turn, and leaves the place to others."""
    line = Line()
    await line.come("first", *many(MOST))
    line.gone.update(many(MOST - 1))
    (late,) = await line.come("late")
    await line.end()

    assert late.result()
    assert line.served == ["first", f"192.0.2.{MOST - 1}", "late"]


@pytest.mark.parametrize("granted", [False, True])
async def test_who_is_cancelled(granted: bool) -> None:  # noqa: FBT001 - parametrized
    """One that is cancelled while it waits, or in the moment of its turn, holds up nobody."""
    line = Line()
    line.go.set()
    async with line.turns.turn("first", lambda: False):
        second, third = await line.come("b", "c")
        if not granted:
            second.cancel()
    second.cancel()

    assert await third
    assert (second.cancelled(), line.served) == (True, ["c"])


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """An address of IPv4 is one client, of IPv6 the /64 is; what is no address stands for itself."""
    assert network_of(address) == network
