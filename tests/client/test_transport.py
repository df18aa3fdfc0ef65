import gzip
import hashlib
import ssl
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web
from yarl import URL

from exporter.client.transport import Transport, read_json
from exporter.errors import AnswerTooLarge, AnswerUnreadable, SourceError, TimedOut, TlsFailed, Unreachable
from tests.client.certificates import rsa_key, write_pair
from tests.client.vendor import Vendor, everything_said, never, raw_server, says, sends, serving
from tests.support.clock import FakeClock

SECRET = {"Authorization": "Bearer top-secret"}


async def test_answer(vendor: Vendor, transport: Transport, clock: FakeClock) -> None:
    """An answer is its status, headers in any case, body, request id and duration, whatever the status."""

    async def slow(_: web.Request) -> web.Response:
        clock.advance(2.5)
        return web.json_response({"a": 1}, status=503, headers={"X-MS-Request-ID": "0HN1:02"})

    vendor.on("/x", slow)

    answer = await transport.send("GET", vendor.url + "/x", headers={"A": "b"}, params={"q": "a b+c|%"})

    assert (answer.status, answer.request_id, answer.seconds) == (503, "0HN1:02", 2.5)
    assert answer.headers["content-type"] == answer.headers["CONTENT-TYPE"]
    assert orjson.loads(answer.body) == {"a": 1}
    assert vendor.seen[0].headers["A"] == "b"
    assert dict(URL(vendor.seen[0].path, encoded=True).query) == {"q": "a b+c|%"}


async def test_bodies(vendor: Vendor, transport: Transport) -> None:
    """A body goes out as JSON or as a form, each under its media type."""
    vendor.on("/x", says({}))

    await transport.send("POST", vendor.url + "/x", json_body={"ids": ["ä"]})
    await transport.send("POST", vendor.url + "/x", form={"scope": "a b", "secret": "+&="})

    json_sent, form_sent = vendor.seen
    assert (json_sent.headers["Content-Type"], json_sent.body) == ("application/json", '{"ids":["ä"]}'.encode())
    assert form_sent.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form_sent.body == b"scope=a+b&secret=%2B%26%3D"


async def test_strange_request_id(vendor: Vendor, transport: Transport) -> None:
    """A request id that is not a plain word is left out."""
    vendor.on("/x", says({}, request_id="x" * 129))

    assert (await transport.send("GET", vendor.url + "/x")).request_id is None


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"name": "x" * 600}], "requestId": "0HN1:03", "traceId": "00-1-2-00"},
        {"requestId": "0HN1:03", "data": [{"name": "x" * 600}]},
        {"RequestID": "0HN1:03"},
    ],
)
async def test_request_id_of_an_envelope(vendor: Vendor, transport: Transport, body: dict[str, object]) -> None:
    """Where no header tells a request id, that of AvePoint's envelope counts, whatever stands between its ends."""
    vendor.on("/x", says(body))

    assert (await transport.send("GET", vendor.url + "/x")).request_id == "0HN1:03"


async def test_redirects_are_answers(vendor: Vendor, stranger: Vendor, transport: Transport) -> None:
    """The transport follows no redirect, for the token is in the headers."""
    vendor.on("/x", says(None, status=302, Location=stranger.url))

    answer = await transport.send("GET", vendor.url + "/x", headers=SECRET)

    assert answer.status == 302
    assert not stranger.seen


async def test_body_at_the_limit(vendor: Vendor, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """The limit itself is still read, one byte more is not."""
    transport = Transport(session=session, clock=clock, timeout_seconds=20, max_body_bytes=1000)
    vendor.on("/fits", sends(b"x" * 1000))
    vendor.on("/exceeds", sends(b"x" * 1001, request_id="r-1"))

    fits = await transport.send("GET", vendor.url + "/fits")
    with pytest.raises(AnswerTooLarge, match=r"127\.0\.0\.1 answered more than 1000 bytes") as caught:
        await transport.send("GET", vendor.url + "/exceeds")

    assert len(fits.body) == 1000
    assert caught.value.request_id == "r-1"


async def test_announced_length(transport: Transport) -> None:
    """A body that announces itself as too large is not even begun."""
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 200001\r\n\r\n") as url:
        with pytest.raises(AnswerTooLarge):
            await transport.send("GET", url)


async def test_endless_body(vendor: Vendor, transport: Transport) -> None:
    """A body of unannounced length is read as far as the limit."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"[" * 10_000)
            sent += 10_000

    vendor.on("/x", endless)

    with pytest.raises(AnswerTooLarge):
        await transport.send("GET", vendor.url + "/x")

    assert sent < 50_000_000


async def test_gzip_bomb(vendor: Vendor, transport: Transport) -> None:
    """What unpacks to more than the limit is not unpacked to its end."""
    bomb = gzip.compress(b"0" * 30_000_000)
    vendor.on("/x", sends(bomb, Content_Encoding="gzip"))

    with pytest.raises(AnswerTooLarge):
        await transport.send("GET", vendor.url + "/x")

    assert len(bomb) < 200_000


async def test_timeout(vendor: Vendor, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """No answer in time is a timeout that names host and limit."""
    transport = Transport(session=session, clock=clock, timeout_seconds=0.05)
    vendor.on("/x", never)

    with pytest.raises(TimedOut, match=r"127\.0\.0\.1 gave no complete answer in 0\.05 s"):
        await transport.send("GET", vendor.url + "/x")


async def test_stalled_body(vendor: Vendor, session: aiohttp.ClientSession, clock: FakeClock) -> None:
    """The timeout covers the body, not only its beginning."""

    async def stalls(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[1,")
        return await never(request)

    transport = Transport(session=session, clock=clock, timeout_seconds=0.05)
    vendor.on("/x", stalls)

    with pytest.raises(TimedOut):
        await transport.send("GET", vendor.url + "/x")


@pytest.mark.parametrize(
    ("answer", "reset", "expected"),
    [
        (b"", False, Unreachable),
        (b"", True, Unreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[1", False, Unreachable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2", False, Unreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot-gzip!", False, Unreachable),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", False, AnswerUnreadable),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", False, AnswerUnreadable),
    ],
)
async def test_broken_answers(*, answer: bytes, reset: bool, expected: type[SourceError], transport: Transport) -> None:
    """A broken connection and an answer that is no HTTP are told apart, and neither tells our secrets."""
    async with raw_server(answer, reset=reset) as url:
        with pytest.raises(expected, match=r"^127\.0\.0\.1 ") as caught:
            await transport.send("GET", url + "/x?key=top-secret", headers=SECRET)

    assert "top-secret" not in everything_said(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://name.invalid/"])
async def test_unreachable(url: str, transport: Transport) -> None:
    """A closed port and an unknown name are both unreachable, with the cause behind them."""
    with pytest.raises(Unreachable, match=URL(url).host) as caught:
        await transport.send("GET", url, headers=SECRET)

    assert isinstance(caught.value.__cause__, OSError)
    assert "top-secret" not in everything_said(caught.value)


@pytest.mark.parametrize(
    "url", ["http://", "http://host:port/?key=top-secret", "nonsense?key=top-secret", "http://a..b/?top-secret"]
)
async def test_no_url(url: str, transport: Transport) -> None:
    """An address that is no URL is refused without repeating it."""
    with pytest.raises(AnswerUnreadable, match="not a URL") as caught:
        await transport.send("GET", url)

    assert "top-secret" not in everything_said(caught.value)


async def test_tls(session: aiohttp.ClientSession, clock: FakeClock, tmp_path: Path) -> None:
    """A self-signed certificate is refused unless it is pinned or its authority trusted."""
    pair = write_pair(tmp_path, rsa_key())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)
    vendor = Vendor()
    vendor.on("/", says({}))

    async def status(trust: ssl.SSLContext | aiohttp.Fingerprint | bool, name: str | None = None) -> int:  # noqa: FBT001 - aiohttp's own type
        transport = Transport(session=session, clock=clock, timeout_seconds=5, ssl=trust, server_name=name)
        return (await transport.send("GET", vendor.url, headers=SECRET)).status

    async with serving(vendor, context):
        for trust in (True, aiohttp.Fingerprint(b"\0" * 32)):
            with pytest.raises(TlsFailed, match=r"^127\.0\.0\.1 shows "):
                await status(trust)
        refused = list(vendor.seen)
        authority = ssl.create_default_context(cafile=str(pair[0]))
        with pytest.raises(TlsFailed):
            await status(authority, "elsewhere.example")
        accepted = [await status(authority), await status(trust=False)]

    assert refused == []
    assert accepted == [200, 200]


async def test_pinned_certificate(session: aiohttp.ClientSession, clock: FakeClock, tmp_path: Path) -> None:
    """A pinned certificate is trusted whoever signed it."""
    files = write_pair(tmp_path, rsa_key())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    pem = files[0].read_text()
    pin = aiohttp.Fingerprint(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest())
    transport = Transport(session=session, clock=clock, timeout_seconds=5, ssl=pin)
    vendor = Vendor()
    vendor.on("/", says({}))

    async with serving(vendor, context):
        answer = await transport.send("GET", vendor.url)

    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        (b"<html>someone@example.com", "text/html", "with text/html, not JSON: a proxy's or login page"),
        (b" <?xml", "application/json", "application/json, not JSON: a proxy's or login page"),
        (b'{"a": [1, 2', "application/json", "application/json, not JSON: 11 bytes, cut short"),
        (b"\xff\xfe", "", "no media type, not JSON"),
        (b'{"a": NaN}', "someone@example.com/x", "no media type, not JSON"),
    ],
)
async def test_not_json(body: bytes, media_type: str, expected: str, transport: Transport) -> None:
    """What is not JSON is named by its media type, never by what it says."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: %s\r\nRequest-Id: r-1\r\n\r\n"
    async with raw_server(head % (len(body), media_type.encode()) + body) as url:
        answer = await transport.send("GET", url)

    with pytest.raises(AnswerUnreadable, match=expected) as caught:
        read_json(answer, operation="jobs", host="vendor")

    assert str(caught.value).startswith("jobs: vendor answered 200 with ")
    assert caught.value.request_id == "r-1"
    assert "example.com" not in everything_said(caught.value)
