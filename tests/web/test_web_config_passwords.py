"""Whether passwords fit, and that guessing them hurts nobody."""

import asyncio
import time

import pytest

from exporter.web.config.passwords import MOST_REFUSED, Passwords
from exporter.web.config.turns import MOST_OF_ONE
from tests.web.secured import hashed

HERE = "192.0.2.1"
ELSEWHERE = "192.0.2.2"


def users(cost: int = 4, **passwords: str) -> dict[bytes, bytes]:
    """Return users as they are kept."""
    return {name.encode(): hashed(password, cost=cost).encode() for name, password in passwords.items()}


async def fit(passwords: Passwords, name: str, password: str, address: str = HERE) -> bool | None:
    """Return the verdict about text."""
    return await passwords.fit(name.encode(), password.encode(), address)


@pytest.mark.parametrize("password", ["contoso", "", "with:colon", "grün & schön", "x" * 72, "nul\x00byte"])
@pytest.mark.parametrize("form", [b"$2a$", b"$2b$", b"$2y$"])
async def test_verdicts(password: str, form: bytes) -> None:
    """The password of a user fits, whatever it is made of; no other does, nor for another user."""
    stored = {name: each.replace(b"$2b$", form) for name, each in users(contoso=password, fabrikam="other").items()}
    passwords = Passwords(stored)

    for _ in range(2):  # computed, then remembered
        assert await fit(passwords, "contoso", password) is True
        assert await fit(passwords, "contoso", password[:50] + "!") is False
        assert await fit(passwords, "fabrikam", password) is False
        assert await fit(passwords, "nobody", password) is False


async def test_what_bcrypt_does_not_look_at() -> None:
    """A password of more than 72 bytes is compared as far as bcrypt goes, instead of being an error."""
    passwords = Passwords(users(contoso="x" * 72))

    assert await fit(passwords, "contoso", "x" * 100) is True


async def test_changed_users() -> None:
    """A changed password counts at once, the old one and those of users who are gone do not, remembered or not."""
    passwords = Passwords(users(contoso="old", fabrikam="gone"))
    assert await fit(passwords, "contoso", "old")
    assert await fit(passwords, "fabrikam", "gone")

    passwords.change(users(contoso="new"))

    assert await fit(passwords, "contoso", "old") is False
    assert await fit(passwords, "contoso", "new") is True
    assert await fit(passwords, "fabrikam", "gone") is False


async def test_a_known_scraper_does_not_wait() -> None:
    """Who was let in once is let in while wrong passwords queue for their turn, however many there have been."""
    passwords = Passwords(users(contoso="right"))
    assert await fit(passwords, "contoso", "right")
    for number in range(MOST_REFUSED + 10):
        assert await fit(passwords, "contoso", f"wrong {number}") is False
    guesses = [asyncio.create_task(fit(passwords, "contoso", f"guess {number}", ELSEWHERE)) for number in range(10)]
    await asyncio.sleep(0)

    assert await fit(passwords, "contoso", "right") is True

    assert not any(guess.done() for guess in guesses)
    assert await asyncio.gather(*guesses) == [False] * 10


async def test_a_queue_has_an_end() -> None:
    """From one address only so many comparisons wait; another still gets its turn, and that one later."""
    passwords = Passwords(users(contoso="right"))
    guesses = [asyncio.create_task(fit(passwords, "contoso", f"guess {number}")) for number in range(MOST_OF_ONE + 5)]
    await asyncio.sleep(0)

    assert await fit(passwords, "contoso", "right") is None
    assert await fit(passwords, "contoso", "right", ELSEWHERE) is True
    assert await asyncio.gather(*guesses) == [False] * MOST_OF_ONE + [None] * 5
    assert await fit(passwords, "contoso", "fifth") is False


async def test_a_new_scraper_waits_for_one_guess_of_each_network() -> None:
    """A right password that is not known yet gets its turn after one guess of every address, however many queue."""
    passwords = Passwords(users(contoso="right"))
    guesses = [
        asyncio.create_task(fit(passwords, "contoso", f"guess {each} {number}", f"192.0.2.{each}"))
        for each in range(60)
        for number in range(MOST_OF_ONE)
    ]
    await asyncio.sleep(0)

    assert await fit(passwords, "contoso", "right", "198.51.100.1") is True

    compared = [guess for guess in guesses if guess.done() and guess.result() is False]
    assert len(compared) <= 61
    await asyncio.gather(*guesses)


async def test_who_hung_up_is_not_compared() -> None:
    """Whose client has gone by its turn costs nothing."""
    passwords = Passwords(users(contoso="right"))
    asked = [
        asyncio.create_task(passwords.fit(b"contoso", b"right", f"192.0.2.{each}", gone=lambda: True))
        for each in range(3)
    ]

    assert await asyncio.gather(*asked) == [True, None, None]  # the first did not wait


async def test_the_same_question_is_answered_once() -> None:
    """Scrapes that come together at a start wait for one comparison, not each for its own."""
    passwords = Passwords(users(10, contoso="right"))
    begun = time.perf_counter()
    await fit(passwords, "contoso", "wrong")
    once = time.perf_counter() - begun

    begun = time.perf_counter()
    verdicts = await asyncio.gather(*(fit(passwords, "contoso", "right") for _ in range(MOST_OF_ONE)))

    assert verdicts == [True] * MOST_OF_ONE
    assert time.perf_counter() - begun < once * MOST_OF_ONE / 2


async def test_names_are_not_told() -> None:
    """A name that does not exist takes about as long as one that does, and the same each time it is asked about."""
    passwords = Passwords(users(8, contoso="right"))

    async def quickest(name: str) -> float:
        took = []
        for number in range(5):
            begun = time.perf_counter()
            await fit(passwords, name, f"{name} {number}")
            took.append(time.perf_counter() - begun)
        return min(took)

    known, unknown = await quickest("contoso"), await quickest("nobody")

    assert 0.5 < known / unknown < 2


async def test_costs_do_not_tell_names() -> None:
    """Where users' hashes differ in cost, names that do not exist differ as they do."""
    passwords = Passwords({**users(4, contoso="right"), **users(10, fabrikam="right")})
    slow = 0
    for number in range(30):
        begun = time.perf_counter()
        await fit(passwords, f"nobody {number}", "guess")
        slow += time.perf_counter() - begun > 0.02

    assert 0 < slow < 30
