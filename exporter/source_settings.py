"""The options that every vendor's sources share."""

import fnmatch
import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from aiohttp import Fingerprint
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from exporter.duration import Duration, Interval
from exporter.log.secrets import SECRETS

OWN_LABELS: Final = frozenset({"source", "tenant", "name", "country", "owner_email"})
FOREIGN_LABELS: Final = frozenset({"job", "instance", "service", "endpoint", "region", "owner", "customer", "env"})
"""Prometheus or the operator's relabelling owns these names."""
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]*")
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]")
_WILD: Final = re.compile(r"[*?\[]")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
_HOST_NAME: Final = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


class Options(BaseModel):
    """A group of options: frozen, unknown keys refused, values never printed.

    The docstring below an option is what JSON Schema and docs/configuration.md say of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - the property raises on a bad port
    except ValueError:
        raise ValueError("should be a URL such as https://api.example.com") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or _BLANK.search(value):
        raise ValueError("should be a URL such as https://api.example.com")
    if parts.username or parts.password:
        raise ValueError("should not hold a user or a password; use auth")
    if parts.query or parts.fragment:
        raise ValueError("should end with the path, without ? or #")
    return value.rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]
"""An http(s) address without credentials, query or a slash at its end."""


def _learned(secret: SecretStr) -> SecretStr:
    SECRETS.learn(secret.get_secret_value())
    return secret


SecretText = Annotated[SecretStr, AfterValidator(_learned)]
"""A secret in the configuration; from the moment it is read, no log shows it."""


def is_plain_http(url: str) -> bool:
    """Tell whether *url* would carry secrets unencrypted beyond this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _label_name(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError("label names are lower-case letters, digits and _, and begin with a letter")
    if value in OWN_LABELS | FOREIGN_LABELS:
        raise ValueError("this label name is taken; choose another, such as a prefix of your own")
    return value


class LimitSettings(Options):
    """What one credential may ask of the vendor."""

    requests_per_second: float = Field(default=2.0, gt=0, le=1000)
    """The highest rate, over all collectors; halved after a 429 and raised again slowly. Divided by ``shard.total``."""
    concurrency: int = Field(default=4, ge=1, le=256)
    """How many requests may be under way at once."""
    timeout: Duration = 60.0
    """How long one request may take."""


def _host_name(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        if not _HOST_NAME.fullmatch(value):
            raise ValueError("should be a name alone, such as backup.example.com, without https:// or a port") from None
    return value


def _fingerprint(value: str) -> str:
    digits = value.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise ValueError("should be 64 hexadecimal digits (SHA-256), with or without colons")
    return digits


class TlsSettings(Options):
    """How the vendor's certificate is verified."""

    ca_file: Path | None = None
    """PEM file of the authorities to trust instead of the system's."""
    fingerprint_sha256: Annotated[str, AfterValidator(_fingerprint)] | None = None
    """SHA-256 of the only certificate to accept, as 64 hexadecimal digits; no authority is asked then."""
    server_name: Annotated[str, AfterValidator(_host_name)] | None = None
    """The name that the certificate should bear, if it is not the host of the URL."""
    insecure_skip_verify: bool = False
    """Whether any certificate is accepted; for tests only."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.ca_file, self.fingerprint_sha256, self.insecure_skip_verify))) > 1:
            raise ValueError("give at most one of ca_file, fingerprint_sha256 and insecure_skip_verify")
        return self

    def verification(self) -> ssl.SSLContext | Fingerprint | bool:
        """Return what aiohttp calls ``ssl``; reads *ca_file* and raises OSError or ssl.SSLError."""
        if self.fingerprint_sha256:
            return Fingerprint(bytes.fromhex(self.fingerprint_sha256))
        if self.insecure_skip_verify:
            return False
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else True


def _whole_letters(value: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("holds half a surrogate pair; write the letter itself, or \\U and its eight digits")
    return value


Text = Annotated[str, AfterValidator(_whole_letters)]
"""What is compared to names or shown as a label, so that it must be possible to write it as UTF-8."""


class Override(Options):
    """What the operator knows better about some tenants."""

    match: str = Field(min_length=1)
    """A glob over id or name, in any case of letters; of several overrides the first that fits counts."""
    labels: dict[Annotated[str, AfterValidator(_label_name)], Text] = {}
    """Labels of your own on ``m365backup_tenant_info``; names such as ``job`` or ``tenant`` are taken."""
    overdue_after: Duration | None = None
    """The allowed age of a job's last completed run; null: derived from the known schedule, else 26h."""
    muted: bool = False
    """Whether the alerts leave these tenants alone."""

    def applies(self, tenant: str, name: str) -> bool:
        """Tell whether the glob fits the tenant's id or name, in any case of letters."""
        return matches(self.match, tenant, name)


def matches(glob: str, *words: str) -> bool:
    """Tell whether the glob fits any of the words, in any case of letters."""
    return any(fnmatch.fnmatchcase(word.casefold(), glob.casefold()) for word in words)


class TenantSettings(Options):
    """Which tenants are watched, and what is said of them."""

    include: tuple[Text, ...] = ("*",)
    """Globs over id or name: who is watched, in any case of letters."""
    exclude: tuple[Text, ...] = ()
    """Globs over id or name: who of those is not."""
    ids: tuple[Text, ...] = ()
    """Ids of the only customers to ask for; with ``kind: elements`` each by requests of its own, not the bulk ones."""
    overrides: tuple[Override, ...] = ()
    """What you know better about some tenants."""

    def wants(self, tenant: str, name: str) -> bool:
        """Tell whether the globs admit this tenant by its id or name."""
        return any(matches(glob, tenant, name) for glob in self.include) and not any(
            matches(glob, tenant, name) for glob in self.exclude
        )

    _plain: dict[str, tuple[int, Override]] = PrivateAttr(default_factory=dict)
    """Overrides without wildcards by what they match: a fleet has one a customer, all asked at each discovery."""
    _globs: list[tuple[int, Override]] = PrivateAttr(default_factory=list)

    def model_post_init(self, _: Any, /) -> None:
        """Sort the overrides, keeping their order."""
        for place, override in enumerate(self.overrides):
            if _WILD.search(override.match):
                self._globs.append((place, override))
            else:
                self._plain.setdefault(override.match.casefold(), (place, override))

    def override(self, tenant: str, name: str) -> Override | None:
        """Return the first override that fits."""
        if not self.overrides:
            return None
        plain = (self._plain.get(word.casefold()) for word in (tenant, name))
        wild = next(((place, each) for place, each in self._globs if each.applies(tenant, name)), None)
        fitting = [each for each in (*plain, wild) if each is not None]
        return min(fitting, key=lambda each: each[0])[1] if fitting else None


LONGEST_LOOKBACK: Final = 30 * 86400.0
"""The farthest back that a history is asked for, in seconds, however long nothing was heard."""


def _at_most_thirty_days(seconds: float) -> float:
    if seconds > LONGEST_LOOKBACK:
        raise ValueError("should be 30d at most; for a longer past there is backfill")
    return seconds


Lookback = Annotated[Duration, AfterValidator(_at_most_thirty_days)]
"""How far back a vendor's history is asked for."""


class CollectorSettings(Options):
    """When one collector asks."""

    enabled: bool = True
    """Whether it asks at all."""
    interval: Interval
    """How often it asks, 1s or more."""
    stale_after: Duration | None = None
    """How old the last good answer may become while asking fails; null: 1h, or thrice the interval if longer."""


class OAuthSettings(Options):
    """OAuth2 client credentials: a secret, a secret's file, or a certificate with its key."""

    token_url: Url = "https://identity.avepointonlineservices.com/connect/token"  # noqa: S105 - an address
    """Where tokens are fetched."""
    client_id: str = Field(min_length=1)
    """The app registration."""
    client_secret: SecretText | None = Field(default=None, min_length=1)
    """Its secret, best given by the environment."""
    client_secret_file: Path | None = None
    """A file with the secret, read again whenever a token is fetched."""
    certificate_file: Path | None = None
    """A certificate (PEM) instead of a secret, read again whenever a token is fetched."""
    private_key_file: Path | None = None
    """The certificate's private key (PEM)."""
    scopes: tuple[str, ...] = ()
    """Permissions to ask for; empty: the read permissions of the enabled collectors."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        pair = (self.certificate_file, self.private_key_file)
        if any(pair) and not all(pair):
            raise ValueError("certificate_file and private_key_file go together; give both")
        ways = ("client_secret", "client_secret_file", "certificate_file")
        given = [key for key in ways if getattr(self, key) is not None]
        if not given:
            raise ValueError("give client_secret_file, client_secret, or certificate_file with private_key_file")
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; keep one and remove the others")
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
    """Whether owners' e-mail addresses and initiators' names are read and shown."""
    allow_plain_http: bool = False
    """Whether ``http://`` is allowed beyond this machine; secrets travel unencrypted then."""
    max_body_mib: int = Field(default=32, ge=1, le=1024)
    """The largest answer that is read, in MiB."""

    def check_encrypted(self, **urls: str) -> None:
        """Raise ValueError if any of *urls* would carry a secret unencrypted beyond this machine."""
        plain = [key for key, url in urls.items() if is_plain_http(url)]
        if plain and not self.allow_plain_http:
            keys = " and ".join(plain)
            raise ValueError(f"{keys} would send secrets unencrypted; use https://, or set allow_plain_http: true")
