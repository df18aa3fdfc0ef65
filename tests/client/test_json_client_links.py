import pytest

from exporter.client.tokens import Tokens
from exporter.errors import (
    AnswerUnreadable,
)
from tests.client.conftest import ClientFactory
from tests.client.vendor import Vendor, says


async def test_redirect(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A redirect within the origin is followed, token and all."""
    vendor.on("/api/x", says(None, status=307, Location="/api/y?z=%2B"))
    vendor.on("/api/y", says([1]))

    found = await client_of(tokens=tokens).get("x", "x", {"a": "b"})

    assert found == [1]
    assert vendor.paths[1:] == ["/api/x?a=b", "/api/y?z=%2B"]
    assert vendor.seen[-1].headers["Authorization"] == "Bearer tok-1"


async def test_redirect_loop(vendor: Vendor, client_of: ClientFactory) -> None:
    """After three redirects we give up."""
    vendor.on("/api/x", says(None, status=302, Location="/api/x"))

    with pytest.raises(AnswerUnreadable, match="302: a redirect that leads nowhere"):
        await client_of().get("x", "x")

    assert len(vendor.seen) == 4


async def test_redirect_of_a_post(vendor: Vendor, client_of: ClientFactory) -> None:
    """A POST is not sent on to another place."""
    vendor.on("/api/x", says(None, status=307, Location="/api/y"))

    with pytest.raises(AnswerUnreadable, match="redirect"):
        await client_of().post("x", "x", {})

    assert len(vendor.seen) == 1


async def test_redirect_without_address(vendor: Vendor, client_of: ClientFactory) -> None:
    """A redirect that names no address is unreadable."""
    vendor.on("/api/x", says(None, status=302))

    with pytest.raises(AnswerUnreadable, match="redirect"):
        await client_of().get("x", "x")


async def test_redirect_elsewhere(vendor: Vendor, stranger: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A redirect to another origin is refused by name, and nothing is sent there."""
    vendor.on("/api/x", says(None, status=302, Location=stranger.url + "/api/x"))

    with pytest.raises(AnswerUnreadable, match=r"another origin, http://127\.0\.0\.1"):
        await client_of(tokens=tokens).get("x", "x")

    assert stranger.seen == []


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("{vendor}/api/jobs?pageIndex=1&token=a%2Bb%25%7C!", "/api/jobs?pageIndex=1&token=a%2Bb%25%7C!"),
        ("/jobs?pageIndex=2", "/jobs?pageIndex=2"),
        ("/jobs?token=%7eb|c%2f", "/jobs?token=%7eb|c%2f"),
        ("jobs?pageIndex=2", "/api/jobs?pageIndex=2"),
        ("?pageIndex=2", "/api/?pageIndex=2"),
        ("/jobs?name=a b\r\nX: y", "/jobs?name=a+bX:+y"),
    ],
)
async def test_follow(link: str, path: str, vendor: Vendor, client_of: ClientFactory) -> None:
    """A link within the origin is asked for exactly as the vendor wrote it, absolute or relative."""
    for known in ("/api/jobs", "/jobs", "/api/"):
        vendor.on(known, says([1]))

    found = await client_of().follow("jobs", link.replace("{vendor}", vendor.url))

    assert found == [1]
    assert vendor.paths == [path]


@pytest.mark.parametrize(
    "link",
    [
        "{stranger}/api/jobs",
        "//{stranger_host}/api/jobs",
        "https://{vendor_host}/api/jobs",
        "http://someone:pass@{vendor_host}/api/jobs",
        "http://{vendor_host}@{stranger_host}/api/jobs",
        "ftp://{vendor_host}/",
        "javascript:alert(1)",
        "http://host:port/",
        "http://[::1/",
    ],
)
async def test_follow_elsewhere(
    link: str, vendor: Vendor, stranger: Vendor, client_of: ClientFactory, tokens: Tokens
) -> None:
    """No link makes us send anything to another origin, not even a request without the token."""
    link = link.format(
        stranger=stranger.url,
        stranger_host=stranger.url.removeprefix("http://"),
        vendor_host=vendor.url.removeprefix("http://"),
    )

    with pytest.raises(AnswerUnreadable, match=r"127\.0\.0\.1 gave a link"):
        await client_of(tokens=tokens).follow("jobs", link)

    assert (vendor.seen, stranger.seen) == ([], [])
