"""What broke and what healed, each said once."""

from structlog.testing import capture_logs

from exporter.errors import CredentialsRefused, Reason
from exporter.incidents import Failure, Incidents
from exporter.log.secrets import SECRETS


def failure(collector: str, tenant: str, reason: Reason, *, wide: bool = False) -> Failure:
    """Return a failure with a request id."""
    return Failure(collector=collector, tenant=tenant, reason=reason, error="gone", request_id="r-1", source_wide=wide)


def test_a_tenants_failure_is_said_once() -> None:
    """The same failure of the same tenant is one line, its recovery another, with the vendor's request id."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        for _ in range(3):
            incidents.failed(failure("jobs", "contoso", "not_found"))
        for _ in range(2):
            incidents.succeeded("jobs", "contoso")

    assert [line["event"] for line in logs] == ["collector_failed", "collector_recovered"]
    assert logs[0]["request_id"] == "r-1"
    assert (logs[0]["source"], logs[0]["tenant"], logs[0]["reason"]) == ("elements", "contoso", "not_found")


def test_another_reason_is_news() -> None:
    """A failure that changes its reason is said again."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        incidents.failed(failure("jobs", "contoso", "not_found"))
        incidents.failed(failure("jobs", "contoso", "too_large"))

    assert [line["reason"] for line in logs] == ["not_found", "too_large"]


def test_many_tenants_are_not_all_named() -> None:
    """A thousand tenants that fail for one reason are six lines, four when they heal; so is the next time."""
    incidents = Incidents("elements")

    for _ in range(2):
        with capture_logs() as logs:
            for number in range(1000):
                incidents.failed(failure("jobs", f"tenant {number}", "permission"))
        with capture_logs() as healed:
            for number in range(1000):
                incidents.succeeded("jobs", f"tenant {number}")

        assert [line["event"] for line in logs[:3]] == ["collector_failed"] * 3
        assert [(line["event"], line["tenants"], len(line["examples"])) for line in logs[3:]] == [
            ("collector_failed_for_more_tenants", 4, 1),
            ("collector_failed_for_more_tenants", 40, 5),
            ("collector_failed_for_more_tenants", 400, 5),
        ]
        assert [line["event"] for line in healed] == ["collector_recovered"] * 3 + ["collector_recovered_for_all"]
        assert healed[-1]["tenants"] == 1000
        assert not {line["tenant"] for line in logs[:3]} & {each for line in logs[3:] for each in line["examples"]}


def test_nothing_ever_worked() -> None:
    """Before anything worked the first failure of that kind is the source's; another reason is news."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        incidents.failed(failure("tenants", "", "timeout", wide=True))
        incidents.failed(failure("tenants", "", "timeout", wide=True))
        incidents.failed(failure("tenants", "", "connection", wide=True))
        incidents.succeeded("tenants", "")

    assert [(line["event"], line["reason"]) for line in logs] == [
        ("source_failed", "timeout"),
        ("source_failed", "connection"),
        ("source_recovered", "connection"),
    ]


def test_an_outage_is_one_line() -> None:
    """In a fleet that worked, five failures in a row are the source's, and no tenant is named for it."""
    incidents = Incidents("elements")
    incidents.succeeded("jobs", "contoso")

    with capture_logs() as logs:
        for number in range(1000):
            incidents.failed(failure("jobs", f"tenant {number}", "timeout", wide=True))
        for number in range(1000):
            incidents.succeeded("jobs", f"tenant {number}")

    assert [line["event"] for line in logs] == ["source_failed", "source_recovered"]


def test_one_slow_tenant_is_no_outage() -> None:
    """A tenant that times out again and again among healthy ones is one line about it, and one when it heals."""
    incidents = Incidents("elements")
    incidents.succeeded("jobs", "fabrikam")

    with capture_logs() as logs:
        for _ in range(10):
            incidents.failed(failure("jobs", "contoso", "timeout", wide=True))
            incidents.succeeded("jobs", "fabrikam")
            assert incidents.whole is None
        incidents.succeeded("jobs", "contoso")

    assert [(line["event"], line["tenant"]) for line in logs] == [
        ("collector_failed", "contoso"),
        ("collector_recovered", "contoso"),
    ]


def test_what_passes_at_once_is_not_said() -> None:
    """A failure whose next try succeeds before anything else does is not worth a line."""
    incidents = Incidents("elements")
    incidents.succeeded("jobs", "contoso")

    with capture_logs() as logs:
        incidents.failed(failure("jobs", "contoso", "timeout", wide=True))
        incidents.succeeded("jobs", "contoso")

    assert logs == []


def test_leavers_close_their_incidents() -> None:
    """A tenant that left is forgotten without a recovery."""
    incidents = Incidents("elements")
    incidents.failed(failure("jobs", "contoso", "not_found"))

    with capture_logs() as logs:
        incidents.gone("contoso")
        incidents.succeeded("jobs", "contoso")

    assert logs == []


def test_a_named_tenant_that_fails_again() -> None:
    """A named tenant that heals and fails while others keep failing is told each time, in pairs."""
    incidents = Incidents("elements")
    for number in range(10):
        incidents.failed(failure("jobs", f"tenant {number}", "permission"))

    with capture_logs() as logs:
        for _ in range(2):
            incidents.succeeded("jobs", "tenant 0")
            incidents.failed(failure("jobs", "tenant 0", "permission"))

    assert [line["event"] for line in logs] == ["collector_recovered", "collector_failed"] * 2


def test_staleness_is_told_when_it_begins_and_ends() -> None:
    """Of all tenants whose answers become too old the first is told, and how many they were when none is left."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        for number in range(1000):
            incidents.stale("jobs", f"tenant {number}")
        incidents.stale("license", "")
        for number in range(999):
            incidents.succeeded("jobs", f"tenant {number}")
        incidents.gone("tenant 999")

    assert [(line["event"], line["collector"], line.get("tenant"), line.get("tenants")) for line in logs] == [
        ("collector_stale", "jobs", "tenant 0", None),
        ("collector_stale", "license", None, None),
        ("collector_fresh", "jobs", None, 1000),
    ]


def test_many_come_and_go() -> None:
    """However many tenants come or go at once, it is one line with their number and some of them."""
    incidents = Incidents("elements")
    tenants = [f"tenant {number}" for number in range(1000)]

    with capture_logs() as logs:
        incidents.moved(joined=tenants, left=tenants[:2])
        incidents.moved(joined=[], left=[])

    assert [(line["event"], line["tenants"], len(line["examples"])) for line in logs] == [
        ("tenants_joined", 1000, 5),
        ("tenants_left", 2, 2),
    ]


def test_a_secret_in_an_error() -> None:
    """A vendor that echoes a secret in its words gets it neither into the log nor onto the page."""
    SECRETS.learn("echoed-secret-value")

    described = Failure.of("jobs", "contoso", CredentialsRefused("token: answered 400 echoed-secret-value"))

    assert described.error == "token: answered 400 ***"
