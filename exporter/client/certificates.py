"""What is wrong with a peer's TLS, in the words of the settings that mend it.

Only what the peer shows without being trusted is looked at, and only harmless characters of it are repeated.
"""

import asyncio
import hashlib
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import aiohttp
from cryptography import x509

from exporter.client.lookup import Lookup

TLS_ERRORS: Final = (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch, ssl.SSLError)

_MOST_NAMES: Final = 3
_NAME: Final = re.compile(r"[A-Za-z0-9*_.:-]{1,253}")
_WORDS: Final = re.compile(r"[A-Za-z0-9 ,._-]{1,100}")

# OpenSSL's X509_V_ERR_…, which the module ssl does not name.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21, 27})
_OTHER_NAME: Final = frozenset({62, 64})

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of a certificate that nobody vouches for."""

    fingerprint: str = ""
    """SHA-256 in lower-case hex, "" if the certificate could not be had."""
    names: tuple[str, ...] = ()
    """The hosts it is for, a few of those that are safe to print."""
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom we wanted to speak to; *server_name* is whom we expected there."""

    host: str
    port: int
    server_name: str

    async def shown(self, *, within_seconds: float = 5.0) -> Shown:
        """Return what the peer shows to a connection that trusts everybody and sends nothing; never fails.

        Nothing is known if it does not answer in time.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            async with asyncio.timeout(within_seconds):
                writer = await self._connected(context)
        except (OSError, ValueError):  # TimeoutError and ssl.SSLError are OSErrors; ValueError: no name for TLS
            return Shown()
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return read_certificate(certificate or b"")

    async def _connected(self, context: ssl.SSLContext) -> asyncio.StreamWriter:
        """Connect to the first address that lets us; asyncio's own lookup would keep a thread that all else needs."""
        failure = OSError("no address")
        for found in await Lookup().resolve(self.host, self.port, socket.AF_UNSPEC):
            try:
                _, writer = await asyncio.open_connection(
                    found["host"], self.port, ssl=context, server_hostname=self.server_name
                )
            except OSError as error:
                failure = error
            else:
                return writer
        raise failure


def read_certificate(der: bytes) -> Shown:
    """Return what is worth saying of a certificate; of one that cannot be read, its fingerprint."""
    if not der:
        return Shown()
    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = tuple(name for name in _names(certificate) if _NAME.fullmatch(name))
        return Shown(
            fingerprint, names[:_MOST_NAMES], certificate.not_valid_before_utc, certificate.not_valid_after_utc
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return Shown(fingerprint)


def _names(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the hosts a certificate is for; its common name counts only where there are no others."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternatives = None
    for name in alternatives or ():
        if isinstance(name.value, (str, IPv4Address, IPv6Address)):
            yield str(name.value)
    if alternatives is None:
        for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
            yield str(attribute.value)


async def distrust(error: BaseException, peer: Peer, *, direct: bool, now: float) -> str:
    """Say of *peer* what *error*, one of TLS_ERRORS or caused by one, means and what to do; *now* in Unix seconds.

    Unless the way to it is *direct*, its certificate is not looked at.
    """
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return (
            f"{peer.host} shows the certificate {error.got.hex()}, not the pinned one: it was renewed, which changes "
            "tls.fingerprint_sha256, or somebody is in between"
        )
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        shown = await peer.shown() if direct else Shown()
        return f"{peer.host} shows a certificate that {_fault(cause, shown, peer, datetime.fromtimestamp(now, UTC))}"
    if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
        return f"{peer.host} does not speak TLS on this port, {peer.port}"
    return f"{peer.host} is not trusted or speaks no TLS we accept ({type(error).__name__})"


def _fault(error: ssl.SSLCertVerificationError, shown: Shown, peer: Peer, now: datetime) -> str:
    """Return what is wrong with the certificate, by OpenSSL's code; a date of it is told if that explains it."""
    match error.verify_code:
        case code if code in _UNTRUSTED:
            return f"no trusted authority signed; if it is yours, set tls.ca_file, or {_pin(shown)}"
        case code if code in _OTHER_NAME:
            names = ", ".join(shown.names) or "another name"
            return f"is for {names}, not for {peer.server_name}; set tls.server_name"
        case code if code == _EXPIRED and shown.ends is not None and shown.ends <= now:
            return f"expired on {shown.ends:%Y-%m-%d}; it must be renewed"
        case code if code == _EXPIRED:
            return "expired, or whose authority's did; it must be renewed"
        case code if code == _NOT_YET_VALID and shown.begins is not None and shown.begins > now:
            return f"is not valid before {shown.begins:%Y-%m-%d}; is a clock wrong?"
        case _:
            words = error.verify_message if _WORDS.fullmatch(error.verify_message) else "no reason given"
            return f"cannot be verified ({words}); if it is yours, {_pin(shown)}"


def _pin(shown: Shown) -> str:
    return f"pin it with tls.fingerprint_sha256{shown.fingerprint and ': '}{shown.fingerprint}"
