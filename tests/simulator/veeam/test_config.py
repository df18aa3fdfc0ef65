import pytest

from exporter.simulator.config import veeam_config_for


def test_config_for_veeam() -> None:
    """The base has no version; the account is one of a domain, with the public password."""
    assert veeam_config_for("http://127.0.0.1:8080", api="auto") == (
        "sources:\n"
        "  veeam_sim:\n"
        "    kind: veeam\n"
        "    api: auto\n"
        "    base_url: http://127.0.0.1:8080\n"
        "    auth:\n"
        "      username: 'CONTOSO\\monitor'\n"
        "      password: simulated\n"
    )


@pytest.mark.parametrize(
    ("url", "plain"), [("http://localhost:1", False), ("http://simulator:1", True), ("https://simulator:1", False)]
)
def test_plain_http_is_allowed_where_needed(url: str, *, plain: bool) -> None:
    """Only plain HTTP to another machine needs the permission."""
    assert ("allow_plain_http: true" in veeam_config_for(url, api="v8")) is plain


def test_a_fingerprint() -> None:
    """A fingerprint is pinned as text, though it may look like a number."""
    printed = veeam_config_for("https://simulator:1", api="v7", fingerprint="12" * 32)

    assert printed.endswith(f"    tls:\n      fingerprint_sha256: '{'12' * 32}'\n")
