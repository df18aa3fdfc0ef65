"""Which proxy the environment names: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in any case of letters.

aiohttp would read them itself, but with them, at each request, a ``.netrc`` from the disk.
"""

from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from exporter.log.secrets import SECRETS


class EnvironmentProxies:
    """Remembers for each origin what the environment said when it was first asked for."""

    def __init__(self) -> None:
        self._known: dict[URL, str | None] = {}
        for proxy in getproxies().values():
            _learn(proxy)

    def proxy_for(self, url: str | URL) -> str | None:
        """Return the proxy's address, perhaps with its user and password, or ``None`` for the direct way."""
        try:
            address = URL(url)
            origin = address.origin()
        except ValueError:  # no address at all, which sending will say better
            return None
        if origin not in self._known:
            bypassed = proxy_bypass(f"{address.host}:{address.port}") or proxy_bypass(address.host or "")
            self._known[origin] = None if bypassed else getproxies().get(address.scheme)
        return self._known[origin]


def _learn(proxy: str) -> None:
    """See to it that the user and the password in a proxy's address are never logged."""
    if "@" in proxy:
        user_and_password = proxy.rpartition("@")[0].rpartition("://")[2]
        SECRETS.learn(user_and_password)
        SECRETS.learn(unquote(user_and_password))
        SECRETS.learn(unquote(user_and_password).partition(":")[2])
