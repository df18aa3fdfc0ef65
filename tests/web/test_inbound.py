"""Connections of clients that say nothing, ask by halves or do not read."""

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.web.inbound import FIRST_REQUEST_WITHIN, KEEPALIVE, MOST, NO_DESCRIPTORS, SERVER, STALLED_AFTER, room
from tests.support.warp import warped
from tests.web.secured import papers_in
from tests.web.site import Site, open_site
from tests.web.test_app import PATHS, grow, hang

HALF = b"GET /-/healthy HTTP/1.1\r\nHost: exporter.exam"
WHOLE = b"GET /-/healthy HTTP/1.1\r\nHost: exporter.example.com\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def with_site(test: Callable[[Site], Awaitable[None]], *, most: int = 100, tls: ssl.SSLContext | None = None) -> None:
    """Run *test* with a site, on a loop whose time jumps."""

    async def work() -> None:
        async with open_site(most, tls) as site:
            await test(site)

    warped(work)


async def connect(site: Site, said: bytes) -> Streams:
    """Open a connection, say something, and wait until it is heard."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(said)
    if said.endswith(b"\r\n\r\n"):
        await reader.readuntil(b"healthy\n")
    else:
        await asyncio.sleep(0.001)
    return reader, writer


async def is_over(streams: Streams) -> bool:
    """Tell whether the server has ended the connection by now."""
    await asyncio.sleep(0.001)
    return streams[0].at_eof() or streams[0].exception() is not None


def leave(*all_streams: Streams) -> None:
    """Close the clients' ends."""
    for _, writer in all_streams:
        writer.close()


async def ended_after(streams: Streams) -> float:
    """Return how many seconds pass until the server ends the connection."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    assert await streams[0].read() == b""
    streams[1].close()
    return loop.time() - begin


@pytest.mark.parametrize(
    ("said", "seconds"), [(b"", FIRST_REQUEST_WITHIN), (HALF, FIRST_REQUEST_WITHIN), (WHOLE, KEEPALIVE)]
)
def test_silence(said: bytes, seconds: float) -> None:
    """Who has not asked after 15 seconds, or not again 75 after an answer, is not waited for; nothing is logged."""

    async def test(site: Site) -> None:
        assert await ended_after(await connect(site, said)) == pytest.approx(seconds, abs=1.5)
        assert await ended_after(await connect(site, said)) == pytest.approx(seconds, abs=1.5)

    with_site(test)


def test_half_a_handshake(tmp_path: Path) -> None:
    """A TLS handshake that does not go on is not waited for longer than a request."""
    papers = papers_in(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(papers.folder / "server.pem", papers.folder / "server.key")

    async def test(site: Site) -> None:
        assert await ended_after(await connect(site, b"\x16\x03\x01")) == pytest.approx(FIRST_REQUEST_WITHIN, abs=1.5)

    with_site(test, tls=tls)


def test_half_a_second_request() -> None:
    """Half a request after an answer is not waited for longer than for one."""

    async def test(site: Site) -> None:
        streams = await connect(site, WHOLE)
        streams[1].write(HALF)

        assert await ended_after(streams) <= KEEPALIVE + 1.5

    with_site(test)


def test_who_does_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """A client that takes nothing for half a minute is given up, and its answer with it; no error is logged."""

    async def test(site: Site) -> None:
        grow(site)
        with socket.socket() as hanging, caplog.at_level(logging.WARNING):
            await hang(hanging, site.port)
            await asyncio.sleep(STALLED_AFTER - 1)
            assert site.open_connections() == 1
            await asyncio.sleep(2)
            assert site.open_connections() == 0

    with_site(test)
    assert [record.getMessage() for record in caplog.records] == []


def test_who_reads_slowly() -> None:
    """A client that takes some of the answer every now and then is not given up."""

    async def test(site: Site) -> None:
        grow(site)
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: exporter.example.com\r\n\r\n")
        for _ in range(5):
            await asyncio.sleep(STALLED_AFTER - 1)
            await reader.readexactly(4_000_000)

        assert site.open_connections() == 1
        writer.close()

    with_site(test)


def test_no_room() -> None:
    """If there are too many, those that never asked end, the oldest first, and whoever asks is answered."""

    async def test(site: Site) -> None:
        asked = await connect(site, WHOLE)
        silent = [await connect(site, HALF) for _ in range(4)]

        assert [await is_over(each) for each in silent] == [True, True, False, False]
        assert (await site.ask("/-/healthy")).status == 200
        assert not await is_over(asked)
        leave(asked, *silent)

    with capture_logs() as events:
        with_site(test, most=3)
    assert [event["event"] for event in events] == ["connections_dropped"]


def test_no_room_but_for_idle_ones() -> None:
    """If all have asked, the one that ended asking first makes room."""

    async def test(site: Site) -> None:
        asked = [await connect(site, WHOLE) for _ in range(4)]

        assert [await is_over(each) for each in asked] == [True, False, False, False]
        leave(*asked)

    with_site(test, most=3)


def test_no_room_beside_who_does_not_read() -> None:
    """Clients that do not read their answers keep nobody out."""

    async def test(site: Site) -> None:
        grow(site)
        with socket.socket() as first, socket.socket() as second:
            await hang(first, site.port)
            await hang(second, site.port)

            assert (await site.ask("/-/healthy")).status == 200
            assert site.open_connections() <= 2

    with_site(test, most=2)


def test_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the descriptors are for connections from outside, but never more than a thousand."""
    answers = {200: 100, 1: 1, 1 << 20: MOST, resource.RLIM_INFINITY: MOST}
    for soft, expected in answers.items():
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert room() == expected


def test_no_descriptors(caplog: pytest.LogCaptureFixture) -> None:
    """That no connection can be accepted is said once a minute; what else the loop has to tell, each time."""

    async def test(_: Site) -> None:
        loop = asyncio.get_running_loop()
        for _number in range(100):
            loop.call_exception_handler({"message": NO_DESCRIPTORS, "exception": OSError(24, "Too many open files")})
        loop.call_exception_handler({"message": "something else"})
        await asyncio.sleep(61)
        loop.call_exception_handler({"message": NO_DESCRIPTORS, "exception": OSError(24, "Too many open files")})

    with capture_logs() as events:
        with_site(test)
    assert [event["event"] for event in events] == ["accept_failed", "accept_failed"]
    assert [record.getMessage() for record in caplog.records] == ["something else"]


@pytest.mark.parametrize("path", [*PATHS, "/nobody"])
async def test_our_name(path: str, site: Site) -> None:
    """No answer tells what it was made with."""
    assert (await site.ask(path)).headers["Server"] == SERVER


async def test_our_name_to_who_does_not_speak_http(site: Site) -> None:
    """Nor does the answer to what is no request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.1\r\nno header\r\n\r\n")
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.0 400 ")
    assert f"Server: {SERVER}\r\n".encode() in answer
