"""How far the vendor's clock is ahead of ours, by the dates of its answers."""

from email.utils import formatdate

import pytest
from aiohttp import web

from exporter.client.transport import SAME_TIME_SECONDS, Transport
from exporter.errors import Unreachable
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Handler, Vendor, raw_server, says
from tests.support.clock import FakeClock

HOUR = 3600.0


def dated(date: str) -> Handler:
    """Answer with this date."""
    return says({}, Date=date)


@pytest.mark.parametrize("ahead", [2 * HOUR, -1.5 * HOUR, -20 * 60, SAME_TIME_SECONDS + 1, -SAME_TIME_SECONDS - 1])
async def test_another_time(vendor: Vendor, transport: Transport, clock: FakeClock, ahead: float) -> None:
    """A server whose answers are dated by another clock is as far ahead, or behind, as that says."""
    vendor.on("/x", dated(formatdate(clock.now() + ahead, usegmt=True)))

    await transport.send("GET", vendor.url + "/x")

    assert transport.ahead_seconds() == ahead
    clock.advance(HOUR)
    assert transport.ahead_seconds() == ahead


@pytest.mark.parametrize("ahead", [0.0, 1.0, -1.0, SAME_TIME_SECONDS, -SAME_TIME_SECONDS])
async def test_the_same_time(vendor: Vendor, transport: Transport, clock: FakeClock, ahead: float) -> None:
    """Clocks that differ by half a minute or less agree."""
    vendor.on("/x", dated(formatdate(clock.now() + ahead, usegmt=True)))

    await transport.send("GET", vendor.url + "/x")

    assert transport.ahead_seconds() == 0.0


@pytest.mark.parametrize(
    "date", ["", "rubbish", "Thu, 99 Foo 2026 10:00:00 GMT", "1772485200", "0", "9" * 400, "2026-03-01T00:00:00Z"]
)
async def test_rubbish(vendor: Vendor, transport: Transport, date: str) -> None:
    """A date that is none says nothing."""
    vendor.on("/x", dated(date))

    await transport.send("GET", vendor.url + "/x")

    assert transport.ahead_seconds() == 0.0


async def test_no_date(transport: Transport) -> None:
    """Before any answer, and by one without a date, the time is ours."""
    before = transport.ahead_seconds()
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as url:
        await transport.send("GET", url)

    assert (before, transport.ahead_seconds()) == (0.0, 0.0)


async def test_the_last_answer_tells(vendor: Vendor, transport: Transport, clock: FakeClock) -> None:
    """The newest answer's date counts, whatever its status; no answer leaves it as it was."""
    early, late = (formatdate(clock.now() + seconds, usegmt=True) for seconds in (-HOUR, HOUR))
    vendor.on("/x", dated(early), says({}, status=503, Date=late))
    told = []
    for _ in range(2):
        await transport.send("GET", vendor.url + "/x")
        told.append(transport.ahead_seconds())

    with pytest.raises(Unreachable):
        await transport.send("GET", "http://127.0.0.1:1/x")

    assert told == [-HOUR, HOUR]
    assert transport.ahead_seconds() == HOUR


async def test_a_slow_answer(vendor: Vendor, transport: Transport, clock: FakeClock) -> None:
    """The date is compared with the time when the answer came, not when it was asked for."""

    async def slow(_: web.Request) -> web.Response:
        clock.advance(300)
        return web.json_response({}, headers={"Date": formatdate(clock.now(), usegmt=True)})

    vendor.on("/x", slow)

    await transport.send("GET", vendor.url + "/x")

    assert transport.ahead_seconds() == 0.0


@pytest.mark.parametrize("status", [500, 503, 408])
async def test_once(
    vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock, status: int
) -> None:
    """What is asked for once is not asked for again when it fails, and nobody waits."""
    vendor.on("/api/x", says({}, status=status), says({"a": 1}))

    with pytest.raises(Exception, match=str(status)):
        await client_of().get("x", "x", once=True)

    assert vendor.paths == ["/api/x"]
    assert (clock.waits, observer.retries) == ([], [])
