import pytest
from yarl import URL

from exporter.client.proxies import EnvironmentProxies
from exporter.client.transport import Transport
from exporter.errors import SourceError
from tests.client.vendor import Vendor, says


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return an environment without proxies."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://graph.example.com/x", "http://proxy.example.com:3128"),
        ("https://api.internal.example.com/x", None),
        ("http://graph.example.com/x", None),
    ],
)
def test_proxies_of_the_environment(environment: pytest.MonkeyPatch, url: str, proxy: str | None) -> None:
    """HTTPS_PROXY holds for https only, and not for what NO_PROXY names."""
    environment.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    environment.setenv("NO_PROXY", "internal.example.com")

    assert EnvironmentProxies().proxy_for(url) == proxy


def test_asked_once(environment: pytest.MonkeyPatch) -> None:
    """The environment is looked at once for each origin."""
    proxies = EnvironmentProxies()
    first = proxies.proxy_for("https://graph.example.com/a")

    environment.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")

    assert proxies.proxy_for("https://graph.example.com/b") is first is None
    assert proxies.proxy_for("https://other.example.com/b") == "http://proxy.example.com:3128"


async def test_request_goes_through_the_proxy(
    environment: pytest.MonkeyPatch, vendor: Vendor, transport: Transport
) -> None:
    """A request for a host that only the proxy can reach arrives at the proxy."""
    environment.setenv("HTTP_PROXY", vendor.url)
    vendor.on("/x", says({"way": "proxied"}))

    answer = await transport.send("GET", "http://unreachable.example.com/x")

    assert answer.body == b'{"way": "proxied"}'


async def test_dead_proxy_leaks_nothing(environment: pytest.MonkeyPatch, transport: Transport) -> None:
    """A proxy that does not answer is an error that does not show its password."""
    environment.setenv("HTTP_PROXY", str(URL("http://127.0.0.1:1").with_user("user").with_password("s3cr3t")))

    with pytest.raises(SourceError) as caught:
        await transport.send("GET", "http://unreachable.example.com/x")

    assert "s3cr3t" not in f"{caught.value}{caught.value.__cause__!r}{caught.value.__context__!r}"
