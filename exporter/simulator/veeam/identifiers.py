"""Ids of sessions that hide where the session is found, so that none is searched for."""

from hashlib import blake2b
from typing import Final, NamedTuple

RUN_BITS: Final = 32
PLACE_BITS: Final = 4
ATTEMPT_BITS: Final = 4
CUSTOMER_BITS: Final = 20
BITS: Final = RUN_BITS + PLACE_BITS + ATTEMPT_BITS + CUSTOMER_BITS
"""Fifteen hexadecimal digits, half of those that are free in a GUID."""


class Address(NamedTuple):
    """The session *attempt* of *run* of the job at *place* of a customer."""

    customer: int
    place: int
    run: int
    attempt: int


def session_id(seed: int, address: Address) -> str:
    """Return the GUID of a session."""
    number = address.customer
    for value, bits in ((address.place, PLACE_BITS), (address.run, RUN_BITS), (address.attempt, ATTEMPT_BITS)):
        number = number << bits | value
    check = _digest(seed, number)
    high, low = f"{check:015x}", f"{number ^ _digest(seed, check, b'mask'):015x}"
    return f"{high[:8]}-{high[8:12]}-4{high[12:]}-a{low[:3]}-{low[3:]}"


def address_of(seed: int, identifier: str) -> Address | None:
    """Return what session_id hid, or None if it never made this id."""
    digits = identifier.lower().replace("-", "")
    try:
        check, low = int(digits[:12] + digits[13:16], 16), int(digits[17:], 16)
    except ValueError:
        return None
    number = low ^ _digest(seed, check, b"mask")
    address = Address(
        number >> BITS - CUSTOMER_BITS,
        number >> RUN_BITS + ATTEMPT_BITS & (1 << PLACE_BITS) - 1,
        number >> ATTEMPT_BITS & (1 << RUN_BITS) - 1,
        number & (1 << ATTEMPT_BITS) - 1,
    )
    return address if session_id(seed, address) == identifier.lower() else None


def _digest(seed: int, number: int, person: bytes = b"check") -> int:
    text = b"%d %d" % (seed, number)
    return int.from_bytes(blake2b(text, digest_size=8, person=person).digest(), "big") >> 64 - BITS
