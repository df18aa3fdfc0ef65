"""What the web configuration file may say: the format's words, and which of them cannot be done here."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from exporter.errors import SettingsError
from exporter.faults import did_you_mean, faults_of
from exporter.settings.files import read
from exporter.source_settings import Options
from exporter.web.config.ciphers import ALWAYS_ON, CURVES, OPENSSL

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
ClientAuth = Literal[
    "NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"
]
Header = Literal[
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
]

_VERIFYING: Final = frozenset({"VerifyClientCertIfGiven", "RequireAndVerifyClientCert"})
_ALLOWED: Final = {"X-Content-Type-Options": ("nosniff",), "X-Frame-Options": ("deny", "sameorigin")}
_BCRYPT: Final = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_LOWEST_COST: Final = 4
_HIGHEST_COST: Final = 16
"""Four seconds: more would outlast a scrape, and hold up the end of the daemon."""


def _cipher(name: str) -> str:
    if name in OPENSSL or name in ALWAYS_ON:
        return name
    near = did_you_mean(name, {*OPENSSL, *ALWAYS_ON})
    raise ValueError(f"is no cipher suite that can be offered{near if 'did you mean' in near else ''}")


def _bcrypt(stored: SecretStr) -> SecretStr:
    form = _BCRYPT.fullmatch(stored.get_secret_value())
    if not form or int(form["cost"]) < _LOWEST_COST:
        raise ValueError("should be the bcrypt hash of a password, such as `htpasswd -nBC 10 ''` writes")
    if int(form["cost"]) > _HIGHEST_COST:
        raise ValueError(f"has a cost above {_HIGHEST_COST}, which takes longer than a scrape may; 10 is usual")
    return stored


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("should be one line of printable text")
    return value


def _whole(value: str) -> str:
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds half a character, or NUL, which nobody can write or send")
    return value


def _whole_path(path: Path) -> Path:
    return Path(_whole(str(path)))


def _whole_secret(secret: SecretStr) -> SecretStr:
    return SecretStr(_whole(secret.get_secret_value()))


_Text = Annotated[str, AfterValidator(_whole)]
_File = Annotated[Path, AfterValidator(_whole_path)]


class TlsServerConfig(Options):
    """How TLS is spoken. Paths are relative to the file; certificates and keys are PEM."""

    cert: _Text | None = None
    """The certificate itself, with those between it and its authority, instead of `cert_file`."""
    key: Annotated[SecretStr, AfterValidator(_whole_secret)] | None = None
    """The private key itself, instead of `key_file`."""
    client_ca: _Text | None = None
    """The certificates themselves, instead of `client_ca_file`."""
    cert_file: _File | None = None
    """What the exporter shows of itself."""
    key_file: _File | None = None
    """The private key, not encrypted."""
    client_ca_file: _File | None = None
    """Who may vouch for clients."""
    client_auth_type: ClientAuth = "NoClientCert"
    """Whether clients must show a certificate."""
    client_allowed_sans: tuple[_Text, ...] = ()
    """If any: one of these must be among the alternative names of a client's certificate."""
    min_version: Version = "TLS12"
    """TLS10 and TLS11 mean TLS12: OpenSSL as it is delivered refuses them."""
    max_version: Version = "TLS13"
    """The newest version spoken."""
    cipher_suites: tuple[Annotated[str, AfterValidator(_cipher)], ...] = ()
    """Go's names; for TLS 1.2, those of TLS 1.3 are always on."""
    curve_preferences: tuple[Literal["CurveP256", "CurveP384", "CurveP521", "X25519"], ...] = ()
    """One of the first three: OpenSSL can be told no more through Python."""
    prefer_server_cipher_suites: bool = True
    """Whose order of cipher suites counts."""

    @field_validator("client_auth_type")
    @classmethod
    def _that_python_can(cls, word: ClientAuth) -> ClientAuth:
        if word in {"RequestClientCert", "RequireAnyClientCert"}:
            raise ValueError(
                "cannot be done here: a certificate that is asked for is also verified; "
                "use RequireAndVerifyClientCert, or NoClientCert, which keeps out nobody either"
            )
        return word

    @field_validator("curve_preferences")
    @classmethod
    def _one_curve(cls, curves: tuple[str, ...]) -> tuple[str, ...]:
        if len(curves) > 1 or any(curve not in CURVES for curve in curves):
            raise ValueError(f"can only be one of {', '.join(CURVES)} here; without it the usual curves are offered")
        return curves

    @field_validator("max_version")
    @classmethod
    def _still_spoken(cls, version: Version) -> Version:
        if version in {"TLS10", "TLS11"}:
            raise ValueError("should be TLS12 or TLS13: OpenSSL as it is delivered refuses the older ones")
        return version

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        for text, file in (("cert", "cert_file"), ("key", "key_file")):
            if self._given(text) + self._given(file) != 1:
                raise ValueError(f"should have either {file} or {text}")
        authorities = self._given("client_ca") + self._given("client_ca_file")
        if authorities > 1:
            raise ValueError("should have either client_ca_file or client_ca")
        if authorities != (self.client_auth_type in _VERIFYING):
            words = " or ".join(sorted(_VERIFYING))
            raise ValueError(f"client_ca_file and a client_auth_type of {words} go together")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs the client_auth_type RequireAndVerifyClientCert")
        return self

    @model_validator(mode="after")
    def _some_version(self) -> Self:
        if self.max_version < self.min_version:
            raise ValueError("max_version is below min_version")
        if self.cipher_suites and not self.openssl_ciphers and self.max_version == "TLS12":
            raise ValueError("cipher_suites has none of TLS 1.2, which max_version asks for")
        return self

    @property
    def openssl_ciphers(self) -> list[str]:
        """The chosen suites of TLS 1.2 in OpenSSL's words."""
        return [OPENSSL[name] for name in self.cipher_suites if name in OPENSSL]

    def _given(self, option: str) -> bool:
        return getattr(self, option) is not None


class HttpServerConfig(Options):
    """How HTTP is spoken."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    http2: bool = True
    """Taken note of only: HTTP/1.1 is all we speak, and every client falls back to it."""
    headers: dict[Header, Annotated[str, AfterValidator(_one_line)]] = Field(default_factory=dict)
    """Added to every answer, in place of our own of that name; an empty one leaves it out."""

    @field_validator("headers")
    @classmethod
    def _allowed(cls, headers: dict[Header, str]) -> dict[Header, str]:
        for name, words in _ALLOWED.items():
            if headers.get(name, words[0]) not in words:  # type: ignore[call-overload]
                raise ValueError(f"{name} should be {' or '.join(words)}")
        return headers


class WebConfig(Options):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[_Text, Annotated[SecretStr, AfterValidator(_bcrypt)]] | None = Field(
        default=None, min_length=1
    )
    """Who may come in: names and the bcrypt hashes of their passwords."""

    @field_validator("tls_server_config", "basic_auth_users", mode="before")
    @classmethod
    def _not_by_accident(cls, section: object) -> object:
        if section is None:
            raise ValueError("is empty; leave the key out if that is meant")
        return section


def web_config(path: Path) -> WebConfig:
    """Read the file at *path*; `SettingsError` tells all faults at once, and no value."""
    raw = read(path)
    try:
        return WebConfig(**raw)
    except ValidationError as error:
        faults = faults_of(error, WebConfig, path=str(path), origins={})
    raise SettingsError(faults)
