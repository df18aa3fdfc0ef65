"""Certificates of a server that nobody vouches for, and of a private authority (reference 1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

VALID: Final = timedelta(days=825)
CLOCK_ERROR: Final = timedelta(days=1)
"""How early a certificate is good already, so that a clock may be slow."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey | RSAPrivateKey

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, in small hexadecimal digits."""
        return sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    @property
    def public_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def pem(self) -> bytes:
        """The key and the certificate in one text."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.public_pem

    def context(self) -> SSLContext:
        """Return what a server needs; it reads files, so do not call it on the event loop."""
        context = SSLContext(PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            path = Path(folder, "server.pem")
            path.touch(mode=0o600)
            path.write_bytes(self.pem)
            context.load_cert_chain(path)
        return context


def self_signed(names: Iterable[str], now: float) -> Identified:
    """Return a certificate for host names and addresses that vouches for itself, as the product's setup makes it."""
    key = generate_private_key(SECP256R1())
    names = list(names)
    return Identified(_builder(names[0], names[0], key, now, names, authority=False).sign(key, SHA256()), key)


def authority(now: float) -> Identified:
    """Return a private authority."""
    key = generate_private_key(SECP256R1())
    name = "Synthetic Private Authority"
    return Identified(_builder(name, name, key, now, [], authority=True).sign(key, SHA256()), key)


def issued(by: Identified, names: Iterable[str], now: float) -> Identified:
    """Return a certificate for host names and addresses that an authority vouches for."""
    key = generate_private_key(SECP256R1())
    names = list(names)
    issuer = by.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = _builder(names[0], str(issuer), key, now, names, authority=False)
    return Identified(builder.sign(by.key, SHA256()), key)


def read(pem: bytes) -> Identified:
    """Return the certificate and the key in a PEM text; ValueError if there are no such things."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, (EllipticCurvePrivateKey, RSAPrivateKey)):
        raise ValueError("the private key is of no kind that servers use")  # noqa: TRY004 it is the file that is wrong
    return Identified(x509.load_pem_x509_certificate(pem), key)


def _builder(
    subject: str, issuer: str, key: EllipticCurvePrivateKey, now: float, names: list[str], *, authority: bool
) -> x509.CertificateBuilder:
    then = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(then - CLOCK_ERROR)
        .not_valid_after(then + VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if not names:
        return builder
    return builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
