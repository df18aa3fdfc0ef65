"""TLS on our own port: versions, certificates of clients, and certificates that are renewed."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from exporter.errors import SettingsError
from tests.web.secured import TLS, Papers, behind, opened, papers_in

VERIFIED = {**TLS, "client_ca_file": "authority.pem", "client_auth_type": "RequireAndVerifyClientCert"}

REFUSED = (ssl.SSLError, ConnectionError)
"""How a failed handshake is seen: asyncio may close the connection before the alert is out."""


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return a folder with certificates."""
    return papers_in(tmp_path)


async def asked(url: URL, context: ssl.SSLContext) -> str | None:
    """Return what a client is greeted with; ``None`` if it is not let in."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
            return await response.text()
    except aiohttp.ClientConnectionError:
        return None


async def negotiated(url: URL, context: ssl.SSLContext) -> tuple[str | None, str]:
    """Return version and cipher suite of a connection."""
    _, writer = await asyncio.open_connection(url.host, url.port, ssl=context)
    connection = writer.get_extra_info("ssl_object")
    writer.close()
    return connection.version(), connection.cipher()[0]


async def serial(url: URL, papers: Papers) -> int:
    """Return the number of the certificate that new connections are shown."""
    _, writer = await asyncio.open_connection(url.host, url.port, ssl=papers.client())
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return int(certificate["serialNumber"], 16)


async def test_only_over_tls(papers: Papers) -> None:
    """The port speaks TLS with the certificate of the file, and nothing else."""
    async with behind(await opened(papers.write(tls_server_config=TLS))) as url:
        assert url.scheme == "https"
        assert await asked(url, papers.client()) == "come in"
        assert await asked(url.with_scheme("http"), papers.client()) is None


@pytest.mark.parametrize(
    ("wanted", "offered", "spoken"),
    [
        ({}, "TLSv1_3", "TLSv1.3"),
        ({}, "TLSv1_2", "TLSv1.2"),
        ({"min_version": "TLS13"}, "TLSv1_2", None),
        ({"max_version": "TLS12"}, "TLSv1_3", "TLSv1.2"),
        ({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, "TLSv1_2", None),
    ],
)
async def test_versions(papers: Papers, wanted: dict[str, Any], offered: str, spoken: str | None) -> None:
    """The newest version that both sides know is spoken, within the bounds of the file."""
    client = papers.client()
    client.maximum_version = ssl.TLSVersion[offered]

    async with behind(await opened(papers.write(tls_server_config={**TLS, **wanted}))) as url:
        if spoken is None:
            with pytest.raises(REFUSED):
                await negotiated(url, client)
        else:
            assert (await negotiated(url, client))[0] == spoken


@pytest.mark.parametrize("lowest", ["TLS10", "TLS11", "TLS12"])
async def test_tls_1_1_is_refused(papers: Papers, lowest: str) -> None:
    """A client that knows no more than TLS 1.1 gets no answer, whatever min_version allows; one of TLS 1.2 does."""
    async with behind(await opened(papers.write(tls_server_config={**TLS, "min_version": lowest}))) as url:
        answers = [await answer_to_hello(url, version) for version in (b"\x03\x01", b"\x03\x02", b"\x03\x03")]

    assert answers == [b"", b"", b"\x16"]


async def answer_to_hello(url: URL, version: bytes) -> bytes:
    """Return the first byte of the answer to an old client, written by hand: our own OpenSSL would not send it."""
    suites = b"\xc0\x2b\xc0\x09"  # ECDHE-ECDSA with AES-128-GCM for TLS 1.2, with AES-128-CBC for the older ones
    p256, ecdsa_with_sha256 = b"\x00\x0a\x00\x04\x00\x02\x00\x17", b"\x00\x0d\x00\x04\x00\x02\x04\x03"
    body = version + bytes(33) + len(suites).to_bytes(2) + suites + b"\x01\x00"
    body += len(p256 + ecdsa_with_sha256).to_bytes(2) + p256 + ecdsa_with_sha256
    hello = b"\x01" + len(body).to_bytes(3) + body
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"\x16\x03\x01" + len(hello).to_bytes(2) + hello)
    answer = await reader.read(1)
    writer.close()
    return answer


async def test_cipher_suites_and_curve(papers: Papers) -> None:
    """Go's names choose OpenSSL's suites, in the server's order or the client's."""
    suites = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
    wanted: dict[str, Any] = {
        **TLS,
        "cipher_suites": suites,
        "max_version": "TLS12",
        "curve_preferences": ["CurveP384"],
    }
    client = papers.client()
    client.set_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    other_curve = papers.client()
    other_curve.set_ecdh_curve("prime256v1")

    async with behind(await opened(papers.write(tls_server_config=wanted))) as url:
        assert (await negotiated(url, client))[1] == "ECDHE-ECDSA-AES256-GCM-SHA384"
        with pytest.raises(REFUSED):
            await negotiated(url, other_curve)
    wanted["prefer_server_cipher_suites"] = False
    async with behind(await opened(papers.write(tls_server_config=wanted))) as url:
        assert (await negotiated(url, client))[1] == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize(
    ("kind", "let_in"),
    [
        ("NoClientCert", [None, "client", "stranger"]),
        ("VerifyClientCertIfGiven", [None, "client"]),
        ("RequireAndVerifyClientCert", ["client"]),
    ],
)
async def test_certificates_of_clients(papers: Papers, kind: str, let_in: list[str | None]) -> None:
    """Who needs a certificate to be let in is as in Go's crypto/tls."""
    wanted = {**TLS, "client_auth_type": kind}
    if kind != "NoClientCert":
        wanted["client_ca_file"] = "authority.pem"

    async with behind(await opened(papers.write(tls_server_config=wanted))) as url:
        found = [who for who in (None, "client", "stranger") if await asked(url, papers.client(who))]

    assert found == let_in


@pytest.mark.parametrize(
    ("allowed", "let_in"),
    [
        (["prometheus.example.com"], True),
        (["2001:db8:0::1"], True),
        (["other.example.com", "prometheus.example.com"], True),
        (["*.example.com", "example.com"], False),
        (["2001:db8::2"], False),
    ],
)
async def test_names_of_clients(papers: Papers, allowed: list[str], *, let_in: bool) -> None:
    """With client_allowed_sans one of its names must be in the certificate, exactly."""
    async with behind(
        await opened(papers.write(tls_server_config={**VERIFIED, "client_allowed_sans": allowed}))
    ) as url:
        for version in ("TLSv1_2", "TLSv1_3"):
            client = papers.client("client")
            client.maximum_version = ssl.TLSVersion[version]
            assert (await asked(url, client) == "come in") is let_in


async def test_renewal(papers: Papers) -> None:
    """A renewed certificate is shown to new connections without closing the port; those open go on."""
    door = await opened(papers.write(tls_server_config=TLS))
    async with behind(door) as url, aiohttp.ClientSession() as session:
        before = await serial(url, papers)
        async with session.get(url, ssl=papers.client()) as response:
            await response.text()
        new = papers.renew()
        await door.look()

        assert before != await serial(url, papers) == new.certificate.serial_number
        assert session.connector is not None
        async with session.get(url, ssl=False) as response:  # the same connection would be refused if it were closed
            assert await response.text() == "come in"


async def test_half_a_renewal(papers: Papers) -> None:
    """While certificate and key do not fit, the old ones stay; that is logged once, and what fits is taken up."""
    door = await opened(papers.write(tls_server_config=TLS))
    old_key = (papers.folder / "server.key").read_bytes()
    async with behind(door) as url:
        before = await serial(url, papers)
        new = papers.renew()
        new_key = (papers.folder / "server.key").read_bytes()
        with capture_logs() as logs:
            (papers.folder / "server.key").write_bytes(old_key)
            await door.look()
            await door.look()
            still = await serial(url, papers)
            (papers.folder / "server.key").write_bytes(new_key)
            await door.look()
            await door.look()
            assert await serial(url, papers) == new.certificate.serial_number

    assert still == before
    assert [line["event"] for line in logs] == ["web_config_refused", "web_config_taken_over"]
    assert "key_file: does not belong to the certificate" in logs[0]["faults"][0]


async def test_who_may_come_in_changes(papers: Papers) -> None:
    """Another authority, other versions: everything about TLS is exchanged, for new connections."""
    door = await opened(papers.write(tls_server_config=TLS))
    async with behind(door) as url:
        assert await asked(url, papers.client())
        papers.write(tls_server_config={**VERIFIED, "min_version": "TLS13"})
        await door.look()

        assert await asked(url, papers.client()) is None
        assert (await negotiated(url, papers.client("client")))[0] == "TLSv1.3"


async def test_tls_is_not_turned_off(papers: Papers) -> None:
    """A file that loses its tls_server_config is refused: the port goes on speaking TLS, and the reverse."""
    door = await opened(papers.write(tls_server_config=TLS))
    papers.write()
    with pytest.raises(SettingsError, match="needs a restart"):
        await door.reread()
    async with behind(door) as url:
        with capture_logs() as logs:
            await door.look()
        assert await asked(url, papers.client()) == "come in"

    plain = await opened(papers.file)
    papers.write(tls_server_config=TLS)
    with pytest.raises(SettingsError, match="needs a restart"):
        await plain.reread()
    assert [line["event"] for line in logs] == ["web_config_refused"]
