"""What a web configuration file may say: Prometheus' own check is the oracle."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from exporter.errors import SettingsError
from exporter.web.config.protection import read_protection
from tests.client.certificates import certificate, key_pem
from tests.web.secured import TLS, Papers, key_of, leaks, papers_in, promtool_accepts

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
NO_HASH = "basic_auth_users.contoso: should be the bcrypt hash of a password"
PAIR = "cert_file: server.pem, key_file: server.key"
WITH_CA = f"{PAIR}, client_ca_file: authority.pem"

GOOD = [
    "{}",
    f"tls_server_config: {{{PAIR}}}",
    f"tls_server_config: {{{PAIR}, min_version: TLS10}}",
    f"tls_server_config: {{{PAIR}, min_version: TLS11, max_version: TLS12}}",
    f"tls_server_config: {{{PAIR}, min_version: TLS13, max_version: TLS13}}",
    f"tls_server_config: {{{PAIR}, client_auth_type: NoClientCert}}",
    f"tls_server_config: {{{WITH_CA}, client_auth_type: VerifyClientCertIfGiven}}",
    f"tls_server_config: {{{WITH_CA}, client_auth_type: RequireAndVerifyClientCert}}",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]}}",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_AES_128_GCM_SHA256]}}",
    f"tls_server_config: {{{PAIR}, curve_preferences: [CurveP384], prefer_server_cipher_suites: false}}",
    "http_server_config: {http2: false}",
    "http_server_config: {headers: {X-Frame-Options: deny, X-Content-Type-Options: nosniff, X-XSS-Protection: 1}}",
    "http_server_config: {headers: {Content-Security-Policy: default-src, Strict-Transport-Security: max-age=9}}",
    f"basic_auth_users: {{contoso: {HASH}}}",
    f"basic_auth_users: {{contoso: {HASH.replace('$2y', '$2a')}, fabrikam: {HASH.replace('$2y', '$2b')}}}",
]
BAD = {
    "x": "should be a mapping",
    "basic_auth: {}": "basic_auth: is not a known key; did you mean `basic_auth_users`?",
    "tls_server_config: {cert_fil: server.pem}": "tls_server_config.cert_fil: is not a known key",
    "tls_server_config: {cert_file: server.pem}": "tls_server_config: should have either key_file or key",
    "tls_server_config: {key_file: server.key}": "tls_server_config: should have either cert_file or cert",
    "tls_server_config: {cert_file: none.pem, key_file: none.key}": "key_file: cannot be read: No such",
    "tls_server_config: {cert_file: server.pem, key_file: client.key}": "key_file: does not belong to the certificate",
    "tls_server_config: {cert_file: server.key, key_file: server.key}": "cert_file: holds no certificate in PEM form",
    "tls_server_config: {cert_file: server.pem, key_file: server.pem}": "key_file: holds no private key in PEM form",
    f"tls_server_config: {{{WITH_CA}}}": "client_ca_file and a client_auth_type of",
    f"tls_server_config: {{{PAIR}, client_auth_type: Always}}": "tls_server_config.client_auth_type: should be",
    f"tls_server_config: {{{PAIR}, min_version: SSL3}}": "tls_server_config.min_version: should be 'TLS10'",
    f"tls_server_config: {{{PAIR}, min_version: 1.2}}": "tls_server_config.min_version: should be 'TLS10'",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}": "0: is no cipher suite",
    f"tls_server_config: {{{PAIR}, curve_preferences: [CurveP224]}}": "curve_preferences.0: should be",
    f"tls_server_config: {{{PAIR}, cipher_suites: TLS_AES_128_GCM_SHA256}}": "cipher_suites: should be a list",
    "http_server_config: {headers: {X-Frame-Options: DENY}}": "X-Frame-Options should be deny or sameorigin",
    "http_server_config: {headers: {X-Content-Type-Options: ''}}": "X-Content-Type-Options should be nosniff",
    "http_server_config: {headers: {x-frame-options: deny}}": "headers.x-frame-options: should be 'Content-",
    "http_server_config: {headers: {Server: contoso}}": "headers.Server: should be 'Content-Security-Policy'",
    "http_server_config: {http2: maybe}": "http_server_config.http2: should be true or false",
    "basic_auth_users: {contoso: s3cr3t-marker}": NO_HASH,
    f"basic_auth_users: {{contoso: {HASH[:20]}}}": NO_HASH,
    f"basic_auth_users: {{contoso: {HASH.replace('$10', '$03')}}}": NO_HASH,
    f"basic_auth_users: {{contoso: {HASH.replace('$2y', '$3y')}}}": NO_HASH,
}
STRICTER = {
    "": "should be a mapping",
    "tls_server_config:": "tls_server_config: is empty; leave the key out",
    "tls_server_config: {min_version: TLS12}": "tls_server_config: should have either cert_file or cert",
    "basic_auth_users:": "basic_auth_users: is empty; leave the key out",
    "basic_auth_users: {}": "basic_auth_users: should not be empty",
    f"basic_auth_users: {{contoso: {HASH.replace('$2y', '$2x')}}}": NO_HASH,
    f"basic_auth_users: {{contoso: {HASH}xx}}": NO_HASH,
    f"basic_auth_users: {{contoso: {HASH.replace('$10', '$17')}}}": "basic_auth_users.contoso: has a cost above 16",
    f"basic_auth_users: {{1: {HASH}}}": "basic_auth_users.1: should be text",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequestClientCert}}": "client_auth_type: cannot be done here",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAnyClientCert}}": "client_auth_type: cannot be done here",
    f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert}}": "client_ca_file and a",
    f"tls_server_config: {{{PAIR}, client_ca_file: server.key, client_auth_type: VerifyClientCertIfGiven}}": (
        "client_ca_file: holds no certificate in PEM form"
    ),
    f"tls_server_config: {{{PAIR}, curve_preferences: [CurveP256, CurveP384]}}": "curve_preferences: can only be",
    f"tls_server_config: {{{PAIR}, curve_preferences: [X25519]}}": "curve_preferences: can only be one of",
    f"tls_server_config: {{{PAIR}, max_version: TLS11}}": "max_version: should be TLS12 or TLS13",
    f"tls_server_config: {{{PAIR}, min_version: TLS13, max_version: TLS12}}": "max_version is below min_version",
    f"tls_server_config: {{{PAIR}, cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: TLS12}}": "none of TLS 1.2",
    'http_server_config: {headers: {X-XSS-Protection: "0\\nSet-Cookie: a=b"}}': "should be one line of printable text",
}
"""What Prometheus lets pass and docs/web-config.md says why we do not."""
NEWER = [
    f"tls_server_config: {{{WITH_CA}, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [a]}}",
]
"""What only later releases of Prometheus know."""

HALF = {
    f'basic_auth_users: {{"a\\ud800": {HASH}}}': "basic_auth_users.a",
    'tls_server_config: {cert: "a\\ud800", key_file: server.key}': "tls_server_config.cert",
    'tls_server_config: {cert_file: server.pem, key: "a\\udfff"}': "tls_server_config.key",
    'tls_server_config: {cert_file: "a\\ud800", key_file: server.key}': "tls_server_config.cert_file",
    'tls_server_config: {cert_file: server.pem, key_file: "a\\0"}': "tls_server_config.key_file",
    f'tls_server_config: {{{WITH_CA}, client_ca: "\\udfff"}}': "tls_server_config.client_ca",
}
"""Text that YAML can write and nobody can use."""


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return a folder with certificates."""
    return papers_in(tmp_path)


def faults(file: Path) -> list[str]:
    """Return what is wrong with a web configuration file."""
    try:
        read_protection(file)
    except SettingsError as error:
        return error.faults
    return []


def written(papers: Papers, text: str) -> Path:
    """Write a web configuration file as it stands here."""
    papers.file.write_text(text, encoding="utf-8")
    return papers.file


@pytest.mark.parametrize("text", HALF)
def test_half_a_character(papers: Papers, text: str) -> None:
    """Half a character, or NUL, is a fault with its place, wherever it stands."""
    (found, *_) = faults(written(papers, text))

    assert found.startswith(f"{papers.file}: {HALF[text]}")
    assert found.endswith(": holds half a character, or NUL, which nobody can write or send")


@pytest.mark.parametrize("text", GOOD)
def test_what_prometheus_takes(papers: Papers, text: str) -> None:
    """What Prometheus accepts, we do."""
    file = written(papers, text)

    assert faults(file) == []
    assert promtool_accepts(file)


@pytest.mark.parametrize("text", BAD)
def test_what_prometheus_refuses(papers: Papers, text: str) -> None:
    """What Prometheus refuses, we do, with file and place, and without any value."""
    file = written(papers, text)

    found = faults(file)

    assert BAD[text] in "\n".join(found)
    assert all(fault.startswith(f"{file}: ") for fault in found)
    assert leaks(found, "s3cr3t-marker", "X0h1gDsPszWURQaxFh", "contoso: $") == []
    assert not promtool_accepts(file)


@pytest.mark.parametrize("text", STRICTER)
def test_where_we_are_stricter(papers: Papers, text: str) -> None:
    """What cannot be done here, or would protect nothing, is refused although Prometheus accepts it."""
    file = written(papers, text)

    assert STRICTER[text] in "\n".join(faults(file))
    assert promtool_accepts(file)


@pytest.mark.parametrize("text", NEWER)
def test_what_came_later(papers: Papers, text: str) -> None:
    """Options of the toolkit that the oracle is too old for are taken."""
    assert faults(written(papers, text)) == []


def test_certificates_in_the_file(papers: Papers) -> None:
    """Certificate, key and authority may stand in the file itself, but not besides a file."""
    new = papers.renew()
    text = {"cert": new.public_pem.decode(), "key": key_of(new).decode(), "client_ca": new.public_pem.decode()}
    verified = {"client_auth_type": "RequireAndVerifyClientCert"}

    assert faults(papers.write(tls_server_config={**text, **verified})) == []
    for name in text:
        (fault,) = faults(papers.write(tls_server_config={**text, **verified, f"{name}_file": "server.pem"}))
        assert fault.startswith(f"{papers.file}: tls_server_config: should have either {name}_file or {name}")
        assert leaks([fault], "BEGIN") == []


def test_all_files_at_once(papers: Papers) -> None:
    """Every file that cannot be read is told in one go."""
    wanted = {"cert_file": "a", "key_file": "b", "client_ca_file": "c", "client_auth_type": "VerifyClientCertIfGiven"}

    found = faults(papers.write(tls_server_config=wanted))

    assert [fault.split(": ")[1] for fault in found] == [
        f"tls_server_config.{option}" for option in ("cert_file", "key_file", "client_ca_file")
    ]


def test_nobody_to_ask_for_a_passphrase(papers: Papers) -> None:
    """An encrypted key is a fault instead of a question on the terminal."""
    new = papers.renew()
    locked = new.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"s3cr3t-marker"))
    (papers.folder / "server.key").write_bytes(locked)

    (fault,) = faults(papers.write(tls_server_config=TLS))

    assert "key_file: is encrypted" in fault


def test_what_is_no_certificate_at_all(papers: Papers) -> None:
    """A file beyond the size of any certificate is a fault, and does not hold up the start."""
    (papers.folder / "server.key").write_bytes(key_of(papers.renew()) + b"x" * 100_000)

    (fault,) = faults(papers.write(tls_server_config=TLS))

    assert "larger than a certificate" in fault


def test_a_key_that_is_too_short(papers: Papers) -> None:
    """What OpenSSL refuses to serve with is told when the file is checked, not at the first handshake."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is to be refused
    (papers.folder / "server.pem").write_bytes(certificate(short).public_bytes(Encoding.PEM))
    (papers.folder / "server.key").write_bytes(key_pem(short))

    (fault,) = faults(papers.write(tls_server_config=TLS))

    assert "the OpenSSL of this machine does not take them" in fault
