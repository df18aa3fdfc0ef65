import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from exporter.client.certificates import Peer, Shown, read_certificate
from exporter.client.transport import Transport
from exporter.errors import TlsFailed
from tests.client.certificates import authority_certificate, key_pem, rsa_key, server_certificate
from tests.client.vendor import Vendor, everything_said, says, serving, settled
from tests.support.clock import FakeClock

LOCAL = IPv4Address("127.0.0.1")
Serve = Callable[[x509.Certificate], AbstractAsyncContextManager[Vendor]]
Ask = Callable[..., Awaitable[int]]


def fingerprint(certificate: x509.Certificate) -> str:
    """Return what the setting takes."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def trust(authority: x509.Certificate) -> ssl.SSLContext:
    """Return what the setting of an authority becomes."""
    return ssl.create_default_context(cadata=authority.public_bytes(Encoding.PEM).decode())


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return a way to run a vendor that shows a certificate of key 0."""

    @asynccontextmanager
    async def run(certificate: x509.Certificate) -> AsyncIterator[Vendor]:
        (tmp_path / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM) + key_pem(rsa_key(0)))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "server.pem")
        vendor = Vendor()
        vendor.on("/", says({}))
        async with serving(vendor, context):
            yield vendor

    return run


@pytest.fixture
def ask(clock: FakeClock) -> Ask:
    """Return a way to ask a vendor under some trust, expecting some name."""

    async def status(url: str, *, ssl: Any = True, name: str | None = None) -> int:
        async with aiohttp.ClientSession() as session:
            transport = Transport(session=session, clock=clock, timeout_seconds=5, ssl=ssl, server_name=name)
            return (await transport.send("GET", url, headers={"Authorization": "Bearer top-secret"})).status

    return status


async def test_unknown_authority(serve: Serve, ask: Ask) -> None:
    """A self-signed certificate is refused with the fingerprint that makes it trusted; nothing is sent before."""
    certificate = server_certificate("veeam.example")
    async with serve(certificate) as vendor:
        with pytest.raises(TlsFailed) as caught:
            await ask(vendor.url)
        sent = len(vendor.seen)
        told = str(caught.value).rpartition("tls.fingerprint_sha256: ")[2]
        accepted = await ask(vendor.url, ssl=aiohttp.Fingerprint(bytes.fromhex(told)))

    assert str(caught.value) == (
        "127.0.0.1 shows a certificate that no trusted authority signed; if it is yours, set tls.ca_file, or pin it "
        f"with tls.fingerprint_sha256: {fingerprint(certificate)}"
    )
    assert (sent, accepted) == (0, 200)
    assert "top-secret" not in everything_said(caught.value)


async def test_known_authority(serve: Serve, ask: Ask) -> None:
    """What a trusted authority signed is trusted, what another one signed is not."""
    authority = authority_certificate()
    async with serve(server_certificate(LOCAL, authority=authority)) as vendor:
        accepted = await ask(vendor.url, ssl=trust(authority))
        with pytest.raises(TlsFailed, match="no trusted authority signed"):
            await ask(vendor.url)

    assert accepted == 200


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["veeam.example", "*.backup.example"], r"veeam\.example, \*\.backup\.example"),
        (["veeam.example", IPv4Address("192.0.2.7")], r"veeam\.example, 192\.0\.2\.7"),
        (["a.example", "b.example", "c.example", "veeam.example"], r"a\.example, b\.example, c\.example"),
        (["bad name\x1b[2J.example", "veeam.example"], r"veeam\.example"),
        ([], r"veeam\.example"),
    ],
)
async def test_other_name(names: list[Any], told: str, serve: Serve, ask: Ask) -> None:
    """A certificate for other hosts is refused with up to three of their names, safe to print, and one will do."""
    authority = authority_certificate()
    certificate = server_certificate(*names, common_name="veeam.example", authority=authority)
    async with serve(certificate) as vendor:
        with pytest.raises(TlsFailed, match=rf"is for {told}, not for 127\.0\.0\.1; set tls\.server_name$"):
            await ask(vendor.url, ssl=trust(authority))
        accepted = await ask(vendor.url, ssl=trust(authority), name="veeam.example")

    assert accepted == 200


async def test_server_name_that_is_wrong(serve: Serve, ask: Ask) -> None:
    """A configured name that the certificate does not bear is the one that is told."""
    authority = authority_certificate()
    async with serve(server_certificate("veeam.example", authority=authority)) as vendor:
        with pytest.raises(TlsFailed, match=r"is for veeam\.example, not for typo\.example"):
            await ask(vendor.url, ssl=trust(authority), name="typo.example")


async def test_no_name_to_tell(serve: Serve, ask: Ask) -> None:
    """A certificate without a name that is safe to print is one for another name."""
    authority = authority_certificate()
    certificate = server_certificate(common_name="evil\n\x1b[31m", authority=authority)
    async with serve(certificate) as vendor:
        with pytest.raises(TlsFailed, match=r"is for another name, not for 127\.0\.0\.1"):
            await ask(vendor.url, ssl=trust(authority))


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        (datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 31, tzinfo=UTC), "that expired on 2020-01-31; it must"),
        (datetime(2100, 2, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC), "not valid before 2100-02-01; is a clock"),
    ],
)
async def test_outside_its_time(begins: datetime, ends: datetime, told: str, serve: Serve, ask: Ask) -> None:
    """A certificate whose time is over, or has not come, is refused with the date."""
    authority = authority_certificate()
    async with serve(server_certificate(LOCAL, authority=authority, begins=begins, ends=ends)) as vendor:
        with pytest.raises(TlsFailed, match=told):
            await ask(vendor.url, ssl=trust(authority))


async def test_fault_of_another_kind(serve: Serve, ask: Ask) -> None:
    """What else is wrong with a certificate is told in the words of the TLS library, and how to trust it still."""
    authority = authority_certificate()
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = server_certificate(LOCAL, authority=authority, purpose=purpose)
    async with serve(certificate) as vendor:
        with pytest.raises(TlsFailed, match=r"cannot be verified \([a-z ]*purpose\); if it is yours") as caught:
            await ask(vendor.url, ssl=trust(authority))

    assert str(caught.value).endswith(f": {fingerprint(certificate)}")


async def test_date_that_does_not_explain_it(serve: Serve, ask: Ask, clock: FakeClock) -> None:
    """An end that is still to come by our clock is not told: it may be the authority that expired."""
    clock.set(datetime(2019, 6, 1, tzinfo=UTC).timestamp())
    authority = authority_certificate()
    begins, ends = datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 31, tzinfo=UTC)
    async with serve(server_certificate(LOCAL, authority=authority, begins=begins, ends=ends)) as vendor:
        with pytest.raises(TlsFailed, match="that expired, or whose authority's did"):
            await ask(vendor.url, ssl=trust(authority))


async def test_changed_pin(serve: Serve, ask: Ask) -> None:
    """A pinned certificate that was replaced is refused with the new fingerprint and both explanations."""
    certificate = server_certificate(LOCAL)
    async with serve(certificate) as vendor:
        with pytest.raises(TlsFailed, match="not the pinned one") as caught:
            await ask(vendor.url, ssl=aiohttp.Fingerprint(b"\0" * 32))

    assert f"shows the certificate {fingerprint(certificate)}, not" in str(caught.value)
    assert "somebody is in between" in str(caught.value)
    assert vendor.seen == []


@pytest.mark.parametrize("verification", [True, False])
async def test_plain_http(*, verification: bool, vendor: Vendor, ask: Ask) -> None:
    """A port that speaks plain HTTP is said to do so, however certificates are verified."""
    url = vendor.url.replace("http:", "https:")

    with pytest.raises(TlsFailed, match=r"^127\.0\.0\.1 does not speak TLS on this port, [0-9]+$"):
        await ask(url, ssl=verification)


async def test_handshake_refused(ask: Ask) -> None:
    """A handshake that fails for another reason is still a fault of TLS."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x15\x03\x03\x00\x02\x02\x28")  # the alert handshake_failure
        await writer.drain()
        writer.close()

    async with listening(refuse) as port:
        with pytest.raises(TlsFailed, match=r"^127\.0\.0\.1 is not trusted or speaks no TLS we accept"):
            await ask(f"https://127.0.0.1:{port}")


async def test_server_that_vanishes(serve: Serve, ask: Ask) -> None:
    """Where the second look finds nobody, the message goes without a fingerprint."""
    visits = 0

    async def admit_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        if visits == 1:
            await forward(reader, writer, URL(vendor.url).port or 0)
        writer.close()

    async with serve(server_certificate(LOCAL)) as vendor, listening(admit_one) as port:
        with pytest.raises(TlsFailed, match=r"set tls\.ca_file, or pin it with tls\.fingerprint_sha256$"):
            await ask(f"https://127.0.0.1:{port}")

    assert visits == 2


async def test_look_that_takes_too_long() -> None:
    """A peer that says nothing is not waited for."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(listen) as port:
        assert await Peer("127.0.0.1", port, "127.0.0.1").shown(within_seconds=0.05) == Shown()


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 300])
async def test_look_for_no_name(name: str) -> None:
    """A name that TLS cannot ask for leaves the certificate unknown."""
    assert await Peer("127.0.0.1", 1, name).shown() == Shown()


async def test_through_a_proxy(serve: Serve, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy the certificate is not looked at, for the direct way may be closed or lead elsewhere."""
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await forward(reader, writer, URL(vendor.url).port or 0)

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with serve(server_certificate(LOCAL)) as vendor, listening(proxy) as port:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        with pytest.raises(TlsFailed, match=r"set tls\.ca_file, or pin it with tls\.fingerprint_sha256$"):
            await ask(vendor.url)

    assert [request.split()[0] for request in asked] == [b"CONNECT"]


@asynccontextmanager
async def listening(
    serve_one: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve each connection by *serve_one*; yield the port, and see all connections ended."""
    tasks: set[asyncio.Task[None]] = set()

    async def watched(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(serve_one(reader, writer)))

    server = await asyncio.start_server(watched, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await settled()
        await asyncio.gather(*tasks)
        await settled()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Carry bytes to a port of this machine and back until both sides hang up."""

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            sink.write(chunk)
        sink.close()

    there, back = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)


@given(st.binary())
def test_rubbish_for_a_certificate(der: bytes) -> None:
    """Bytes that are no certificate have a fingerprint and nothing else."""
    expected = Shown(hashlib.sha256(der).hexdigest()) if der else Shown()

    assert read_certificate(der) == expected
