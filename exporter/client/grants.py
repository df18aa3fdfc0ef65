"""Who we are to a token endpoint: a shared secret, a certificate or a password, read anew for each token.

Source: AvePoint's reference, sections 2.2 and 2.3; Veeam's, section 3.
"""

import asyncio
import base64
import uuid
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol, Self, runtime_checkable

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exporter.errors import CredentialsRefused
from exporter.log.secrets import SECRETS
from exporter.threads import FILES

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS: Final = 300
QUIET_SECONDS: Final = 600.0
"""How long a password that was refused rests: directories lock accounts after a few wrong ones in half an hour."""


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
        content = await asyncio.get_running_loop().run_in_executor(FILES, _read_file, self._file)
        try:
            secret = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            secret = None
        # Out of the handler, for the decoder's error holds what it could not decode.
        if secret is None:
            raise CredentialsRefused(f"{self._file} is not text in UTF-8")
        if not secret:
            raise CredentialsRefused(f"{self._file} is empty")
        SECRETS.learn(secret)
        return secret


class Grant(Protocol):
    """A way to prove who we are; it has no memory unless it says otherwise.

    Between one form and the next it is told of what came of the first.
    """

    advice: str = ""
    """What to look at when it is refused."""

    async def form(self, token_url: str, now: float) -> Mapping[str, str]:
        """Return the form of a token request, less the scopes; *now* in Unix seconds."""
        ...

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Take note of the decoded answer that brought a token."""
        del answer

    def refused(self) -> bool:
        """Take note that the form was refused; return whether the next one is worth a request at once."""
        return False


class ClientSecretGrant(Grant):
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


class CertificateGrant(Grant):
    """Client credentials with a statement signed by the key of a certificate the vendor knows."""

    def __init__(self, client_id: str, certificate_file: Path, private_key_file: Path) -> None:
        self._client_id = client_id
        self._certificate_file = certificate_file
        self._private_key_file = private_key_file

    async def form(self, token_url: str, now: float) -> dict[str, str]:
        """Return the form with an assertion that is valid for five minutes.

        Raises CredentialsRefused, with the path, if the files cannot be used together.
        """
        loop = asyncio.get_running_loop()
        return {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": await loop.run_in_executor(FILES, self._assertion, token_url, int(now)),
        }

    def _assertion(self, token_url: str, now: int) -> str:
        certificate = self._certificate()
        key = self._private_key()
        if key.public_key() != certificate.public_key():
            raise CredentialsRefused(f"{self._private_key_file} does not fit {self._certificate_file}")
        thumbprint = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - a name by protocol, no protection
        assertion = jwt.encode(
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
        SECRETS.borrow(assertion)
        return assertion

    def _certificate(self) -> x509.Certificate:
        content = _read_file(self._certificate_file)
        try:
            return x509.load_pem_x509_certificate(content)
        except ValueError as error:
            raise CredentialsRefused(f"{self._certificate_file} is not a certificate in PEM") from error

    def _private_key(self) -> RSAPrivateKey:
        content = _read_file(self._private_key_file)
        SECRETS.learn(content.decode(errors="replace"))
        try:
            key = load_pem_private_key(content, password=None)
        except TypeError as error:
            raise CredentialsRefused(f"{self._private_key_file} is encrypted; we know no passphrase") from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CredentialsRefused(f"{self._private_key_file} is not a private key in PEM") from error
        if not isinstance(key, RSAPrivateKey):
            raise CredentialsRefused(f"{self._private_key_file} is not an RSA key, which RS256 needs")
        return key


class PasswordGrant(Grant):
    """A user's name and password, replaced for one request by the refresh token of the last answer.

    *extra* goes with either. A refresh token is used once, whatever comes of it: the password always works, and
    a server that lost its sessions must not be asked about them for ever. A password that was refused is not offered
    again for `QUIET_SECONDS` unless it has changed: repeating it would lock the account.
    """

    advice = ": are user name and password right, and is the account not locked?"

    def __init__(self, username: str, secret: Secret, extra: Mapping[str, str]) -> None:
        self._username = username
        self._secret = secret
        self._extra = dict(extra)
        self._refresh_token: Secret | None = None
        self._refreshing = False
        self._offered: tuple[bytes, float] | None = None
        """A digest of the password that was sent last, and when."""
        self._refused: tuple[bytes, float] | None = None

    async def form(self, token_url: str, now: float) -> dict[str, str]:
        """Return the form of the refresh token if there is one, else that of the password.

        Raises CredentialsRefused for a password that was refused a moment ago.
        """
        del token_url
        token, self._refresh_token = self._refresh_token, None
        self._refreshing = token is not None
        if token is not None:
            return {"grant_type": "refresh_token", "refresh_token": await token.read(), **self._extra}
        password = await self._secret.read()
        self._offered = (sha256(password.encode()).digest(), now)
        if self._refused is not None and self._offered[0] == self._refused[0]:
            wait = self._refused[1] + QUIET_SECONDS - now
            if wait > 0:
                raise CredentialsRefused(
                    f"the password was refused; it is offered again in {wait:.0f} s, or at once when it has changed:"
                    " repeating it could lock the account"
                )
        return {"grant_type": "password", "username": self._username, "password": password, **self._extra}

    def granted(self, answer: Mapping[str, Any]) -> None:
        """Keep the refresh token of *answer*, if there is one."""
        self._refused = None
        token = answer.get("refresh_token")
        self._refresh_token = Secret.of(token, None) if isinstance(token, str) and token else None
        if self._refresh_token is not None:
            SECRETS.borrow(str(token))

    def refused(self) -> bool:
        """Return whether it was a refresh token that was refused: then the password is worth a request."""
        if not self._refreshing:
            self._refused = self._offered
        return self._refreshing


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CredentialsRefused(f"{path} cannot be read ({type(error).__name__})") from error
