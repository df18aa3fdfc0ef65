import base64
import hashlib
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from exporter.client.tokens import CertificateGrant, ClientSecretGrant, Secret
from exporter.errors import CredentialsRefused
from tests.client.certificates import certificate, key_pem, rsa_key, write_pair
from tests.client.vendor import everything_said, write

URL = "https://identity.example/connect/token"
NOW = 1_772_485_200.7


class Hidden:
    """Like pydantic's SecretStr."""

    def get_secret_value(self) -> str:
        """Return the value."""
        return "s3cret"


@pytest.mark.parametrize("value", ["s3cret", Hidden()])
async def test_secret_of_settings(value: str | Hidden) -> None:
    """A secret may be text or a value that hides itself, and it does not print itself."""
    secret = Secret.of(value, None)

    assert await secret.read() == "s3cret"
    assert "s3cret" not in f"{secret} {secret!r}"


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
async def test_secret_of_file(content: bytes, tmp_path: Path) -> None:
    """A secret from a file loses its last newline and nothing else."""
    secret = Secret.of(None, write(tmp_path / "secret", content))

    assert await secret.read() == "s3cret"


async def test_rotated_secret(tmp_path: Path) -> None:
    """A secret's file is read each time, so that rotating it needs no restart."""
    secret = Secret.of(None, write(tmp_path / "secret", b"old\n\n"))

    first = await secret.read()
    write(tmp_path / "secret", b"new")

    assert (first, await secret.read()) == ("old\n", "new")


@pytest.mark.parametrize("content", [None, b"", b"\n", b"s3cret\xff"], ids=["missing", "empty", "blank", "binary"])
async def test_unusable_secret(content: bytes | None, tmp_path: Path) -> None:
    """A file that is missing, empty or not text is refused by its path, never by its content."""
    path = tmp_path / "secret"
    if content is not None:
        write(path, content)

    with pytest.raises(CredentialsRefused, match=str(path)) as caught:
        await Secret.of(None, path).read()

    assert "s3cret" not in everything_said(caught.value)


async def test_no_secret() -> None:
    """Neither value nor file is refused as well."""
    with pytest.raises(CredentialsRefused):
        await Secret.of(None, None).read()


async def test_client_secret_form() -> None:
    """The form of a shared secret is what the vendor documents."""
    form = await ClientSecretGrant("my-id", Secret.of("s3cret", None)).form(URL, NOW)

    assert form == {"grant_type": "client_credentials", "client_id": "my-id", "client_secret": "s3cret"}


async def test_assertion(tmp_path: Path) -> None:
    """The assertion of a certificate verifies with its key and says what the vendor documents."""
    key = rsa_key()
    pem_file, key_file = write_pair(tmp_path, key)

    form = await CertificateGrant("my-id", pem_file, key_file).form(URL, NOW)

    token = form.pop("client_assertion")
    claims = jwt.decode(
        token, key.public_key(), ["RS256"], audience=URL, options={"verify_exp": False, "verify_iat": False}
    )
    body = "".join(pem_file.read_text().splitlines()[1:-1])
    thumbprint = hashlib.sha1(base64.b64decode(body)).digest()  # noqa: S324 - the protocol's name for it
    assert form == {
        "grant_type": "client_credentials",
        "client_id": "my-id",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": thumbprint.hex().upper(),
        "x5t": base64.urlsafe_b64encode(thumbprint).decode().rstrip("="),
    }
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "my-id",
        "sub": "my-id",
        "aud": URL,
        "nbf": int(NOW),
        "iat": int(NOW),
        "exp": int(NOW) + 300,
    }


async def test_assertions_differ(tmp_path: Path) -> None:
    """No assertion is used twice."""
    grant = CertificateGrant("my-id", *write_pair(tmp_path, rsa_key()))

    assert await grant.form(URL, NOW) != await grant.form(URL, NOW)


async def test_foreign_key(tmp_path: Path) -> None:
    """A key that does not fit the certificate is found here, not by a puzzling refusal."""
    grant = CertificateGrant("my-id", *write_pair(tmp_path, rsa_key(0), rsa_key(1)))

    with pytest.raises(CredentialsRefused, match="does not fit"):
        await grant.form(URL, NOW)


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("client.pem", None, "cannot be read"),
        ("client.key", None, "cannot be read"),
        ("client.pem", b"nonsense", "not a certificate in PEM"),
        ("client.key", b"nonsense", "not a private key in PEM"),
        ("client.pem", certificate(rsa_key()).public_bytes(Encoding.DER), "not a certificate in PEM"),
        ("client.key", key_pem(rsa_key(), "passphrase"), "is encrypted"),
        ("client.key", key_pem(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
    ],
)
async def test_unusable_files(file: str, content: bytes | None, expected: str, tmp_path: Path) -> None:
    """A file that cannot be used is named together with what is wrong with it."""
    grant = CertificateGrant("my-id", *write_pair(tmp_path, rsa_key()))
    path = tmp_path / file
    path.unlink()
    if content is not None:
        write(path, content)

    with pytest.raises(CredentialsRefused, match=rf"{path} .*{expected}"):
        await grant.form(URL, NOW)


async def test_certificate_of_another_kind(tmp_path: Path) -> None:
    """A certificate of a key that is not RSA does not fit either."""
    curve = ec.generate_private_key(ec.SECP256R1())
    grant = CertificateGrant("my-id", *write_pair(tmp_path, rsa_key(), curve))

    with pytest.raises(CredentialsRefused, match="does not fit"):
        await grant.form(URL, NOW)
