"""How any source reaches its vendor, as the settings that all of them share say."""

from typing import Any, Final

from exporter.client.json_client import Authorizer, JsonClient
from exporter.client.limiter import Limiter
from exporter.client.retry import RetryPolicy
from exporter.client.transport import Transport
from exporter.source import Surroundings
from exporter.source_settings import SourceSettings
from exporter.sources.sampled import SampledClient, SampledTransport

RETRIES: Final = RetryPolicy()


def api_transport(settings: SourceSettings, surroundings: Surroundings) -> Transport:
    """Return the way to the API's host; raises OSError or ssl.SSLError if ``tls.ca_file`` cannot be used."""
    return any_transport(
        surroundings,
        timeout_seconds=settings.limits.timeout,
        max_body_bytes=settings.max_body_mib << 20,
        ssl=settings.tls.verification(),
        server_name=settings.tls.server_name,
    )


def any_transport(surroundings: Surroundings, **options: Any) -> Transport:
    """Return a way to a host, with the *options* of `Transport`; who samples the source listens in."""
    made = {"session": surroundings.session, "clock": surroundings.clock, **options}
    return SampledTransport(surroundings.sampler, **made) if surroundings.sampler else Transport(**made)


def api_client(
    settings: SourceSettings,
    surroundings: Surroundings,
    *,
    transport: Transport,
    base_url: str,
    tokens: Authorizer,
    policy: RetryPolicy = RETRIES,
) -> JsonClient:
    """Return the client of one credential, with a limiter of its own."""
    limits = settings.limits
    options: dict[str, Any] = {
        "transport": transport,
        "base_url": base_url,
        "tokens": tokens,
        "limiter": Limiter(limits.requests_per_second / surroundings.share, limits.concurrency, surroundings.clock),
        "policy": policy,
        "clock": surroundings.clock,
        "observer": surroundings.observer,
        "jitter": surroundings.random.random,
    }
    return SampledClient(surroundings.sampler, **options) if surroundings.sampler else JsonClient(**options)
