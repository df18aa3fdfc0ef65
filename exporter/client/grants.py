"""Who we are to a token endpoint: a shared secret or a certificate, read anew for each token.

Source: the vendor reference, sections 2.2 and 2.3.
"""

import asyncio
import base64
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol, Self, runtime_checkable

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exporter.errors import CredentialsRefused

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 300


@runtime_checkable
class Wrapped(Protocol):
    """A value that does not print itself, as pydantic's SecretStr."""

    def get_secret_value(self) -> str:
        """Return the value itself."""
        ...


class Secret:
    """A secret that is either known now or read from its file each time, so that it can be rotated."""

    __slots__ = ("_file", "_value")

    def __init__(self, value: str | None, file: Path | None) -> None:
        self._value = value
        self._file = file

    @classmethod
    def of(cls, value: Wrapped | str | None, file: Path | None) -> Self:
        """Return the secret that settings describe; *value* wins if both are given."""
        return cls(value.get_secret_value() if isinstance(value, Wrapped) else value, file)

    def __repr__(self) -> str:
        return "Secret()"

    async def read(self) -> str:
        """Return the secret, of a file without its last newline.

        Raises CredentialsRefused, with the path, if there is nothing to read.
        """
        if self._value:
            return self._value
        if self._file is None:
            raise CredentialsRefused("no secret is configured")
        content = await asyncio.to_thread(_read_file, self._file)
        try:
            secret = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            secret = None
        # Out of the handler, for the decoder's error holds what it could not decode.
        if secret is None:
            raise CredentialsRefused(f"{self._file} is not text in UTF-8")
        if not secret:
            raise CredentialsRefused(f"{self._file} is empty")
        return secret


class Grant(Protocol):
    """A way to prove who we are."""

    async def form(self, token_url: str, now: float) -> Mapping[str, str]:
        """Return the form of a token request, less the scopes; *now* in Unix seconds."""
        ...


class ClientSecretGrant:
    """Client credentials with a shared secret."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self._client_id = client_id
        self._secret = secret

    async def form(self, token_url: str, now: float) -> dict[str, str]:
        """Return the form; neither address nor time matter to it."""
        del token_url, now
        return {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": await self._secret.read(),
        }


class CertificateGrant:
    """Client credentials with a statement signed by the key of a certificate the vendor knows."""

    def __init__(self, client_id: str, certificate_file: Path, private_key_file: Path) -> None:
        self._client_id = client_id
        self._certificate_file = certificate_file
        self._private_key_file = private_key_file

    async def form(self, token_url: str, now: float) -> dict[str, str]:
        """Return the form with an assertion that is valid for five minutes.

        Raises CredentialsRefused, with the path, if the files cannot be used together.
        """
        return {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": await asyncio.to_thread(self._assertion, token_url, int(now)),
        }

    def _assertion(self, token_url: str, now: int) -> str:
        certificate = self._certificate()
        key = self._private_key()
        if key.public_key() != certificate.public_key():
            raise CredentialsRefused(f"{self._private_key_file} does not fit {self._certificate_file}")
        thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - a name by protocol, no protection
        return jwt.encode(
            {
                "iss": self._client_id,
                "sub": self._client_id,
                "aud": token_url,
                "jti": str(uuid.uuid4()),
                "nbf": now,
                "iat": now,
                "exp": now + _ASSERTION_SECONDS,
            },
            key,
            algorithm="RS256",
            # The vendor's own samples disagree about the key id; these two together satisfy them all.
            headers={
                "kid": thumbprint.hex().upper(),
                "x5t": base64.urlsafe_b64encode(thumbprint).decode().rstrip("="),
            },
        )

    def _certificate(self) -> x509.Certificate:
        content = _read_file(self._certificate_file)
        try:
            return x509.load_pem_x509_certificate(content)
        except ValueError as error:
            raise CredentialsRefused(f"{self._certificate_file} is not a certificate in PEM") from error

    def _private_key(self) -> RSAPrivateKey:
        content = _read_file(self._private_key_file)
        try:
            key = load_pem_private_key(content, password=None)
        except TypeError as error:
            raise CredentialsRefused(f"{self._private_key_file} is encrypted; we know no passphrase") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CredentialsRefused(f"{self._private_key_file} is not a private key in PEM") from error
        if not isinstance(key, RSAPrivateKey):
            raise CredentialsRefused(f"{self._private_key_file} is not an RSA key, which RS256 needs")
        return key


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsRefused(f"{path} cannot be read ({type(error).__name__})") from error
