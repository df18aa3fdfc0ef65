"""Who we are to one server: an account, its session, and the generation of the API that it is for."""

from exporter.client.json_client import JsonClient
from exporter.client.retry import RetryPolicy
from exporter.client.tokens import PasswordGrant, Secret, Tokens
from exporter.errors import NotFound
from exporter.source import Surroundings
from exporter.source_settings import SourceSettings
from exporter.sources.connection import api_client, api_transport
from exporter.sources.veeam.client import APIS, VeeamApi
from exporter.sources.veeam.generations import Generation, Generations

NO_COOKIES = {"disable_antiforgery_token": "true"}
"""Without it v7 and v8 want a cookie's token beside the access token; v6 does not know it and does not mind."""


PROXY_OFFLINE = "ProxyOffline"
"""An error code that the next attempt, seconds later, would only bring again."""


class Connection:
    """The way to one server."""

    def __init__(
        self,
        settings: SourceSettings,
        surroundings: Surroundings,
        *,
        base_url: str,
        generation: Generation | None,
        username: str,
        password: Secret,
    ) -> None:
        """Connect the parts; *generation* None is found out. Raises OSError or ssl.SSLError of ``tls.ca_file``."""
        self._base_url = base_url
        self._generations = Generations(generation, surroundings.clock)
        self._transport = api_transport(settings, surroundings)
        self._tokens = Tokens(
            transport=self._transport,
            token_url=self._token_url,
            grant=PasswordGrant(username, password, NO_COOKIES),
            scopes=(),
            clock=surroundings.clock,
            observer=surroundings.observer,
        )
        self._http: JsonClient = api_client(
            settings,
            surroundings,
            transport=self._transport,
            base_url=base_url,
            tokens=self._tokens,
            policy=RetryPolicy(lasting_codes=frozenset({PROXY_OFFLINE})),
        )
        self._api: VeeamApi | None = None

    async def api(self) -> VeeamApi:
        """Return the API in the generation that is spoken; raises `SourceError` if that cannot be found out."""
        generation = await self._generations.spoken(self._http)
        if self._api is None or self._api.generation != generation:
            self._api = APIS[generation](self._http, self._transport.ahead_seconds)
        return self._api

    def mistaken(self) -> None:
        """Find out the generation again: this one does not seem to be served."""
        self._generations.forget()

    async def close(self) -> None:
        """Log out, where a token is held and the generation knows how to; raises `SourceError` if that fails."""
        generation = self._generations.last()
        if generation is None or generation == "v6":
            return
        try:
            await self._tokens.end(f"{self._base_url}/{generation}/token/logout", timeout_seconds=1.0)
        except NotFound:
            return  # the generation has gone, and its sessions with it

    async def _token_url(self) -> str:
        return f"{self._base_url}/{await self._generations.spoken(self._http)}/token"
