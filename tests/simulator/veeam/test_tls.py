import asyncio
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, Fingerprint, ServerFingerprintMismatch
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from exporter.simulator import tls
from exporter.simulator.server import build_app, serve
from tests.simulator.stage import START, StandingClock, small_world

NAMES = ("vb365.example.com", "127.0.0.1")
TODAY = START - 60 * 86400
"""Certificates are judged by the real clock; that they are good now is not what is tested."""


async def status_of(identified: tls.Identified, *, trust: ssl.SSLContext | Fingerprint | bool) -> int:
    """Return the HTTP status that a client with this trust gets from a server with this certificate."""
    context = await asyncio.to_thread(identified.context)
    server = await serve(build_app(small_world(), clock=StandingClock()), "127.0.0.1", 0, context)
    assert server.base_url.startswith("https://127.0.0.1:")
    try:
        async with ClientSession() as session, session.get(f"{server.base_url}/v8/License", ssl=trust) as answer:
            return answer.status
    finally:
        await server.close()


async def test_a_pinned_certificate() -> None:
    """The fingerprint of a self-signed certificate is the one that is shown on the wire."""
    identified = tls.self_signed(NAMES, TODAY)

    assert await status_of(identified, trust=Fingerprint(bytes.fromhex(identified.fingerprint))) == 401
    with pytest.raises(ServerFingerprintMismatch):
        await status_of(identified, trust=Fingerprint(bytes.fromhex(tls.self_signed(NAMES, TODAY).fingerprint)))


async def test_nobody_vouches_for_a_self_signed_certificate() -> None:
    """A client that trusts the usual authorities refuses it."""
    with pytest.raises(ClientConnectorCertificateError):
        await status_of(tls.self_signed(NAMES, TODAY), trust=True)


def test_names() -> None:
    """A certificate is for host names and addresses."""
    certificate = tls.self_signed(NAMES, TODAY).certificate
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["vb365.example.com"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("127.0.0.1")]


async def test_a_private_authority() -> None:
    """Who trusts the private authority trusts what it issued, and nothing of another."""
    one, other = tls.authority(TODAY), tls.authority(TODAY)
    leaf = tls.issued(one, NAMES, TODAY)

    assert await status_of(leaf, trust=ssl.create_default_context(cadata=one.public_pem.decode())) == 401
    with pytest.raises(ClientConnectorCertificateError):
        await status_of(leaf, trust=ssl.create_default_context(cadata=other.public_pem.decode()))


async def test_two_places() -> None:
    """A server can listen in the clear and over TLS; both tell the same world."""
    identified = tls.self_signed(NAMES, TODAY)
    context = await asyncio.to_thread(identified.context)
    server = await serve(build_app(small_world(), clock=StandingClock()), "127.0.0.1", 0)
    secure = await server.also("127.0.0.1", 0, context)
    try:
        assert (server.base_url[:7], secure.base_url[:8]) == ("http://", "https://")
        async with ClientSession() as session:
            for place in (server, secure):
                answer = await session.get(f"{place.base_url}/v9/License", ssl=False)
                assert answer.status == 404
    finally:
        await server.close()


def test_files(tmp_path: Path) -> None:
    """A certificate survives its file; what is no certificate is refused."""
    identified = tls.self_signed(NAMES, TODAY)
    path = tmp_path / "server.pem"
    path.write_bytes(identified.pem)

    assert tls.read(path.read_bytes()).fingerprint == identified.fingerprint
    with pytest.raises(ValueError, match="PEM"):
        tls.read(b"nonsense")
    odd = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="of no kind that servers use"):
        tls.read(odd + identified.public_pem)
