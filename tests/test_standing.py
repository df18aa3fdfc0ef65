"""How a source stands, for people."""

from exporter.errors import ServerFailed
from exporter.incidents import Failure
from exporter.standing import LONGEST, Standing


def failure(text: str, tenant: str = "contoso", collector: str = "jobs") -> Failure:
    """Return a failed collection."""
    return Failure.of(collector, tenant, ServerFailed(text))


def test_since_when() -> None:
    """The time since a source is up or down is that of the change, however often it is asked meanwhile."""
    standing = Standing()
    seen = []
    for now, up in ((1.0, True), (2.0, True), (3.0, False), (4.0, False), (5.0, True)):
        standing.asked(now, up=up)
        seen.append((standing.up, standing.since))

    assert seen == [(True, 1.0), (True, 1.0), (False, 3.0), (False, 3.0), (True, 5.0)]


def test_trouble_lasts_until_the_same_collection_succeeds() -> None:
    """Another tenant's or collector's success does not heal it; the source's last error stays to be read."""
    standing = Standing()
    standing.failed(failure("gone"), 7.0)

    standing.succeeded("jobs", "fabrikam")
    standing.succeeded("protection", "contoso")
    kept = standing.trouble("contoso", "jobs")
    standing.succeeded("jobs", "contoso")

    assert kept is not None
    assert (kept.at, kept.reason, kept.text) == (7.0, "server", "gone")
    assert standing.trouble("contoso", "jobs") is None
    assert standing.latest == kept


def test_a_leaver_is_forgotten() -> None:
    """Nothing is kept of a tenant that left, and all of the others."""
    standing = Standing()
    for tenant in ("contoso", "fabrikam"):
        standing.failed(failure("gone", tenant), 7.0)

    standing.gone("contoso")

    assert standing.trouble("contoso", "jobs") is None
    assert standing.trouble("fabrikam", "jobs") is not None


def test_texts_are_short_and_hold_no_address() -> None:
    """Addresses of people are taken out of an error's text, and it is cut; a bug is told by its kind alone."""
    standing = Standing()

    standing.failed(failure("refused for anna.b+x@example.com: no; " + "x" * 999), 7.0)
    long = standing.trouble("contoso", "jobs")
    standing.failed(Failure.of("jobs", "contoso", ValueError("secret")), 8.0)
    bug = standing.trouble("contoso", "jobs")

    assert long is not None
    assert bug is not None
    assert long.text.startswith("refused for <address> no; xxx")
    assert len(long.text) == LONGEST
    assert (bug.reason, bug.text) == ("bug", "ValueError")
