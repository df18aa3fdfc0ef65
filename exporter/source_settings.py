"""The options that every vendor's sources share."""

import fnmatch
import re
import ssl
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from aiohttp import Fingerprint
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from exporter.duration import Duration

OWN_LABELS: Final = frozenset({"source", "tenant", "name", "country", "owner_email"})
FOREIGN_LABELS: Final = frozenset({"job", "instance", "service", "endpoint", "region", "owner", "customer", "env"})
"""Prometheus or the operator's relabelling owns these names."""
_LABEL: Final = re.compile(r"^[a-z][a-z0-9_]*$")
_FINGERPRINT: Final = re.compile(r"^[0-9a-f]{64}$")


class Options(BaseModel):
    """A group of options: frozen, unknown keys refused, values never printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - the property raises on a bad port
    except ValueError:
        raise ValueError("should be a URL such as https://api.example.com") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("should be a URL such as https://api.example.com")
    if parts.username or parts.password:
        raise ValueError("should not hold a user or a password; use auth")
    if parts.query or parts.fragment:
        raise ValueError("should end with the path, without ? or #")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]
"""An http(s) address without credentials, query or a slash at its end."""


def is_plain_http(url: str) -> bool:
    """Tell whether *url* would carry secrets unencrypted beyond this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and not (host in {"localhost", "::1"} or host.startswith("127."))


def _label_name(value: str) -> str:
    if not _LABEL.match(value):
        raise ValueError("label names are lower-case letters, digits and _, and begin with a letter")
    if value in OWN_LABELS | FOREIGN_LABELS:
        raise ValueError("this label name is taken; choose another, such as a prefix of your own")
    return value


class LimitSettings(Options):
    """What one credential may ask of the vendor."""

    requests_per_second: float = Field(default=2.0, gt=0, le=1000)
    concurrency: int = Field(default=4, ge=1, le=256)
    timeout: Duration = 60.0


def _fingerprint(value: str) -> str:
    digits = value.replace(":", "").lower()
    if not _FINGERPRINT.match(digits):
        raise ValueError("should be 64 hexadecimal digits (SHA-256), with or without colons")
    return digits


class TlsSettings(Options):
    """How the vendor's certificate is verified."""

    ca_file: Path | None = None
    fingerprint_sha256: Annotated[str, AfterValidator(_fingerprint)] | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False

    def verification(self) -> ssl.SSLContext | Fingerprint | bool:
        """Return what aiohttp calls ``ssl``; reads *ca_file* and raises OSError or ssl.SSLError."""
        if self.fingerprint_sha256:
            return Fingerprint(bytes.fromhex(self.fingerprint_sha256))
        if self.insecure_skip_verify:
            return False
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else True


class Override(Options):
    """What the operator knows better about some tenants."""

    match: str = Field(min_length=1)
    labels: dict[Annotated[str, AfterValidator(_label_name)], str] = {}
    overdue_after: Duration | None = None
    muted: bool = False

    def applies(self, tenant: str, name: str) -> bool:
        """Tell whether the glob fits the tenant's id or name, in any case of letters."""
        return _matches(self.match, tenant, name)


def _matches(glob: str, *words: str) -> bool:
    return any(fnmatch.fnmatchcase(word.casefold(), glob.casefold()) for word in words)


class TenantSettings(Options):
    """Which tenants are watched, and what is said of them."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    def wants(self, tenant: str, name: str) -> bool:
        """Tell whether the globs admit this tenant by its id or name."""
        return any(_matches(glob, tenant, name) for glob in self.include) and not any(
            _matches(glob, tenant, name) for glob in self.exclude
        )

    def override(self, tenant: str, name: str) -> Override | None:
        """Return the first override that fits."""
        return next((override for override in self.overrides if override.applies(tenant, name)), None)


class CollectorSettings(Options):
    """When one collector asks."""

    enabled: bool = True
    interval: Duration
    stale_after: Duration | None = None


class OAuthSettings(Options):
    """OAuth2 client credentials: a secret, a secret's file, or a certificate with its key."""

    token_url: Url = "https://identity.avepointonlineservices.com/connect/token"  # noqa: S105 - an address
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    certificate_file: Path | None = None
    private_key_file: Path | None = None
    scopes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        pair = (self.certificate_file, self.private_key_file)
        if any(pair) and not all(pair):
            raise ValueError("certificate_file and private_key_file go together; give both")
        ways = [self.client_secret, self.client_secret_file, self.certificate_file]
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "give exactly one of client_secret, client_secret_file, or certificate_file with private_key_file"
            )
        return self

    def files(self) -> dict[str, Path]:
        """Return the files that must be readable when a token is fetched, by key."""
        named: dict[str, Any] = {
            key: getattr(self, key) for key in ("client_secret_file", "certificate_file", "private_key_file")
        }
        return {key: path for key, path in named.items() if path is not None}


class SourceSettings(Options):
    """The part of a source's settings that does not depend on its vendor."""

    limits: LimitSettings = LimitSettings()
    tls: TlsSettings = TlsSettings()
    tenants: TenantSettings = TenantSettings()
    personal_data: bool = False
    allow_plain_http: bool = False
    max_body_mib: int = Field(default=32, ge=1, le=1024)

    def check_encrypted(self, **urls: str) -> None:
        """Raise ValueError if any of *urls* would carry a secret unencrypted beyond this machine."""
        for key, url in urls.items():
            if is_plain_http(url) and not self.allow_plain_http:
                raise ValueError(f"{key} would send secrets unencrypted; use https://, or set allow_plain_http: true")
