"""TLS as the file wants it, in the words of Python's ssl; and how it is exchanged under an open port."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exporter.errors import SettingsError
from exporter.web.config.ciphers import CURVES
from exporter.web.config.options import TlsServerConfig

LARGEST: Final = 60_000
"""Bytes of a certificate or a key, more than any has; they must fit into a pipe."""
_ADDRESS: Final = "IP Address"


@dataclass(frozen=True, slots=True)
class Material:
    """What stands in the files, or in their place, as PEM."""

    certificate: bytes
    key: bytes
    authorities: bytes | None


class RenewableContext(ssl.SSLContext):
    """A context for an open port that can be exchanged as a whole: each new connection is made with `current`."""

    current: ssl.SSLContext

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """Begin a connection, as asyncio asks us to."""
        return self.current.wrap_bio(*args, **options)


def renewable(current: ssl.SSLContext) -> RenewableContext:
    """Return a context that stands for *current* until it is given another."""
    context = RenewableContext(ssl.PROTOCOL_TLS_SERVER)
    context.current = current
    return context


def server_context(wanted: TlsServerConfig, material: Material) -> ssl.SSLContext:
    """Return what new connections are made with; `SettingsError` names the option that does not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _choose_versions(context, wanted)
    _load_identity(context, material)
    if wanted.openssl_ciphers:
        try:
            context.set_ciphers(":".join(wanted.openssl_ciphers))
        except ssl.SSLError:
            raise SettingsError(["cipher_suites: none of them is offered by the OpenSSL of this machine"]) from None
    if not wanted.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    for curve in wanted.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    _demand_certificate(context, wanted, material)
    return context


def _choose_versions(context: ssl.SSLContext, wanted: TlsServerConfig) -> None:
    only_newest = wanted.min_version == "TLS13" or (wanted.cipher_suites and not wanted.openssl_ciphers)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if only_newest else ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3 if wanted.max_version == "TLS13" else ssl.TLSVersion.TLSv1_2


def _load_identity(context: ssl.SSLContext, material: Material) -> None:
    _check_pair(material)
    try:
        with _as_file(material.certificate) as certificate, _as_file(material.key) as key:
            context.load_cert_chain(certificate, key)
    except OSError:  # ssl.SSLError is one
        why = "the OpenSSL of this machine does not take them; is the key too short?"
        raise SettingsError([f"cert_file, key_file: {why}"]) from None


def _check_pair(material: Material) -> None:
    """Refuse what OpenSSL would, which does not say why, and would ask the terminal for a passphrase."""
    try:
        certificates = x509.load_pem_x509_certificates(material.certificate)
    except ValueError:
        raise SettingsError(["cert_file: holds no certificate in PEM form"]) from None
    try:
        key = load_pem_private_key(material.key, password=None)
    except TypeError:
        raise SettingsError(["key_file: is encrypted, and there is nobody to ask for the passphrase"]) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(["key_file: holds no private key in PEM form"]) from None
    if key.public_key() != certificates[0].public_key():
        raise SettingsError(["key_file: does not belong to the certificate"])


@contextmanager
def _as_file(pem: bytes) -> Iterator[str]:
    """Give bytes a name in the file system, for `load_cert_chain` takes nothing else, without writing a key to disk."""
    if len(pem) > LARGEST:
        raise SettingsError(["cert_file, key_file: one is larger than a certificate can be"])
    out_of, into = os.pipe()
    try:
        with open(into, "wb") as pipe:  # noqa: PTH123 - no path, a descriptor
            pipe.write(pem)
        yield f"/dev/fd/{out_of}"
    finally:
        os.close(out_of)


def _demand_certificate(context: ssl.SSLContext, wanted: TlsServerConfig, material: Material) -> None:
    """Ask clients for a certificate, if that is wanted."""
    if material.authorities is None:
        return
    try:
        context.load_verify_locations(cadata=material.authorities.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        raise SettingsError(["client_ca_file: holds no certificate in PEM form"]) from None
    required = wanted.client_auth_type == "RequireAndVerifyClientCert"
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    if wanted.client_allowed_sans:
        context.sslobject_class = _admitting(frozenset(map(_name, wanted.client_allowed_sans)))


def _admitting(names: frozenset[str]) -> type[ssl.SSLObject]:
    """Return a connection whose handshake fails unless the client's certificate has one of the *names*."""

    class Admitting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            if names.isdisjoint(_alternative_names(self.getpeercert() or {})):
                raise ssl.SSLCertVerificationError("none of client_allowed_sans is in the client's certificate")

    return Admitting


def _alternative_names(certificate: Any) -> Iterator[str]:
    """Yield the names that ssl tells of a verified certificate."""
    for kind, value in certificate.get("subjectAltName", ()):
        if kind in {"DNS", "email", "URI"}:
            yield value
        elif kind == _ADDRESS:
            yield _name(value)


def _name(text: str) -> str:
    """Return *text*, an address in its usual form: ssl writes those of IPv6 otherwise."""
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return text
