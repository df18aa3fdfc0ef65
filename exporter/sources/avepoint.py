"""What AvePoint's APIs have in common: one app registration, one token for all scopes, one limiter."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from exporter.client.json_client import JsonClient
from exporter.client.tokens import CertificateGrant, ClientSecretGrant, Grant, Secret, Tokens
from exporter.client.transport import Transport
from exporter.source import Surroundings
from exporter.source_settings import OAuthSettings, SourceSettings
from exporter.sources.connection import any_transport, api_client, api_transport


def grant(auth: OAuthSettings) -> Grant:
    """Return the configured way to ask for a token."""
    if auth.certificate_file and auth.private_key_file:
        return CertificateGrant(auth.client_id, auth.certificate_file, auth.private_key_file)
    secret = auth.client_secret.get_secret_value() if auth.client_secret else None
    return ClientSecretGrant(auth.client_id, Secret.of(secret, auth.client_secret_file))


def avepoint_client(
    settings: SourceSettings, surroundings: Surroundings, *, base_url: str, auth: OAuthSettings, scopes: Sequence[str]
) -> JsonClient:
    """Return the client of one credential, with *scopes* unless others are configured."""
    wanted = auth.scopes or list(dict.fromkeys(scopes))
    return api_client(
        settings,
        surroundings,
        transport=api_transport(settings, surroundings),
        base_url=base_url,
        tokens=avepoint_tokens(settings, surroundings, base_url=base_url, auth=auth, scopes=wanted),
    )


def avepoint_tokens(
    settings: SourceSettings, surroundings: Surroundings, *, base_url: str, auth: OAuthSettings, scopes: Sequence[str]
) -> Tokens:
    """Return the access token for just these *scopes*."""
    same = _same_host(base_url, auth.token_url)
    return Tokens(
        transport=api_transport(settings, surroundings) if same else _identity_transport(settings, surroundings),
        token_url=auth.token_url,
        grant=grant(auth),
        scopes=scopes,
        clock=surroundings.clock,
        observer=surroundings.observer,
    )


def _same_host(one: str, other: str) -> bool:
    return urlsplit(one).netloc == urlsplit(other).netloc


def _identity_transport(settings: SourceSettings, surroundings: Surroundings) -> Transport:
    """Return the way to a token host of its own, for which the API host's fingerprint and name mean nothing."""
    return any_transport(
        surroundings,
        timeout_seconds=settings.limits.timeout,
        ssl=settings.tls.model_copy(update={"fingerprint_sha256": None}).verification(),
    )
