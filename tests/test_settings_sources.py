import ssl
from pathlib import Path

import pytest
from aiohttp import Fingerprint
from pydantic import ValidationError

from exporter.source_settings import OAuthSettings, TenantSettings, TlsSettings, is_plain_http
from tests.client.certificates import rsa_key, write_pair

DIGITS = "0123456789abcdef" * 4


def tenants(**options: object) -> TenantSettings:
    """Return which tenants are watched."""
    return TenantSettings.model_validate(options)


def test_everybody_is_watched() -> None:
    """Without a choice everybody is watched and nothing more is known."""
    assert tenants().wants("4711", "Contoso Ltd")
    assert tenants().override("4711", "Contoso Ltd") is None


@pytest.mark.parametrize("glob", ["contoso*", "4711", "CONTOSO LTD", "*ß*", "[ck]ontoso?ltd?strasse"])
def test_globs_over_id_or_name(glob: str) -> None:
    """A glob may fit the id or the name, and the case of letters does not matter."""
    chosen = tenants(include=[glob])

    assert chosen.wants("4711", "Contoso Ltd") or chosen.wants("4712", "Contoso Ltd Straße")
    assert not chosen.wants("4713", "Fabrikam")


def test_exclusion_wins() -> None:
    """Who is excluded is not watched, even if included."""
    chosen = tenants(include=["contoso*"], exclude=["*sandbox*"])

    assert chosen.wants("1", "Contoso")
    assert not chosen.wants("2", "Contoso Sandbox")


def test_first_override_counts() -> None:
    """Of several overrides that fit the first one counts alone."""
    chosen = tenants(overrides=[{"match": "con*", "muted": True}, {"match": "*", "overdue_after": "50h"}])

    contoso, fabrikam = chosen.override("1", "Contoso"), chosen.override("2", "Fabrikam")

    assert contoso is not None
    assert fabrikam is not None
    assert (contoso.muted, contoso.overdue_after) == (True, None)
    assert (fabrikam.muted, fabrikam.overdue_after) == (False, 180_000.0)


def test_certificates_are_verified() -> None:
    """Without options the system's authorities decide; giving that up must be asked for."""
    assert TlsSettings().verification() is True
    assert TlsSettings(insecure_skip_verify=True).verification() is False


@pytest.mark.parametrize(
    "options",
    [
        {"fingerprint_sha256": DIGITS, "insecure_skip_verify": True},
        {"fingerprint_sha256": DIGITS, "ca_file": "ca.pem"},
        {"ca_file": "ca.pem", "insecure_skip_verify": True},
    ],
)
def test_one_way_to_trust(options: dict[str, object]) -> None:
    """Two ways to verify a certificate are a fault: one of them would not count."""
    with pytest.raises(ValidationError, match="give at most one of"):
        TlsSettings.model_validate(options)


@pytest.mark.parametrize("text", [DIGITS, DIGITS.upper(), ":".join(DIGITS[at : at + 2] for at in range(0, 64, 2))])
def test_fingerprint(text: str) -> None:
    """A fingerprint is taken as openssl prints it."""
    pinned = TlsSettings(fingerprint_sha256=text).verification()

    assert isinstance(pinned, Fingerprint)
    assert pinned.fingerprint == bytes.fromhex(DIGITS)


@pytest.mark.parametrize("name", ["vb365.example.com", "vb365", "vb_365.example.com.", "10.0.0.1", "::1"])
def test_name_in_the_certificate(name: str) -> None:
    """The name that a certificate should bear is a host's name or an address."""
    assert TlsSettings(server_name=name).server_name == name


@pytest.mark.parametrize("name", ["", "vb365:4443", "https://vb365", "vb365/", "*.example.com", "a..b", "a b", "a\n"])
def test_name_that_no_host_has(name: str) -> None:
    """What no certificate could bear for a host is a fault, not an error at the first request."""
    with pytest.raises(ValidationError, match="should be a name alone"):
        TlsSettings(server_name=name)


def test_authority_of_our_own(tmp_path: Path) -> None:
    """Only the file's authority is trusted if there is one."""
    file, _ = write_pair(tmp_path, rsa_key())

    context = TlsSettings(ca_file=file).verification()

    assert isinstance(context, ssl.SSLContext)
    assert context.cert_store_stats()["x509"] == 1
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_authority_that_is_none(tmp_path: Path) -> None:
    """A file without a certificate is an error when the source is built, not at the first request."""
    file = tmp_path / "ca.pem"
    file.write_text("s3cr3t-marker", encoding="utf-8")

    with pytest.raises(ssl.SSLError):
        TlsSettings(ca_file=file).verification()


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://api.example.com", False),
        ("http://localhost", False),
        ("http://127.0.0.1:8365", False),
        ("http://[::1]:8365", False),
        ("http://api.example.com", True),
        ("http://127.example.com", True),
        ("http://localhost.example.com", True),
        ("http://10.0.0.1", True),
    ],
)
def test_plain_http(url: str, *, plain: bool) -> None:
    """Only a loopback address is on this machine; a name that begins like one is not."""
    assert is_plain_http(url) is plain


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"client_secret": "s3cr3t-marker", "client_secret_file": "s3cr3t-marker"},
        {"certificate_file": "s3cr3t-marker"},
        {"private_key_file": "s3cr3t-marker", "client_secret": "s3cr3t-marker"},
    ],
)
def test_one_way_in(options: dict[str, str]) -> None:
    """There is exactly one way to authenticate, and refusing more shows no value."""
    with pytest.raises(ValidationError) as caught:
        OAuthSettings.model_validate({"client_id": "contoso", **options})

    assert "s3cr3t-marker" not in str(caught.value)
