"""Keys and certificates made on the spot."""

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """Return the same key for the same number: making one is slow."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: Key) -> x509.Certificate:
    """Sign a certificate of this machine with its own key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def key_pem(key: Key, passphrase: str | None = None) -> bytes:
    """Return the private key as its file."""
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def write_pair(folder: Path, key: Key, certified: Key | None = None) -> tuple[Path, Path]:
    """Write a certificate and a private key, which need not fit; return both paths."""
    certificate_file, key_file = folder / "client.pem", folder / "client.key"
    certificate_file.write_bytes(certificate(certified or key).public_bytes(Encoding.PEM))
    key_file.write_bytes(key_pem(key))
    return certificate_file, key_file
