"""What broke and what healed, each said once."""

from structlog.testing import capture_logs

from exporter.incidents import Incidents


def test_a_tenants_failure_is_said_once() -> None:
    """The same failure of the same tenant is one line, its recovery another, with the vendor's request id."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        for _ in range(3):
            incidents.failed("jobs", "contoso", "not_found", "gone", "r-1")
        for _ in range(2):
            incidents.succeeded("jobs", "contoso")

    assert [line["event"] for line in logs] == ["collector_failed", "collector_recovered"]
    assert logs[0]["request_id"] == "r-1"
    assert (logs[0]["source"], logs[0]["tenant"], logs[0]["reason"]) == ("elements", "contoso", "not_found")


def test_another_reason_is_news() -> None:
    """A failure that changes its reason is said again."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        incidents.failed("jobs", "contoso", "not_found", "gone")
        incidents.failed("jobs", "contoso", "too_large", "too much")

    assert [line["reason"] for line in logs] == ["not_found", "too_large"]


def test_many_tenants_are_not_all_named() -> None:
    """A thousand tenants that fail for one reason are three lines and a hint at the metrics; so is the next time."""
    incidents = Incidents("elements")

    for _ in range(2):
        with capture_logs() as logs:
            for number in range(1000):
                incidents.failed("jobs", f"tenant {number}", "permission", "no scope")
        with capture_logs() as healed:
            for number in range(1000):
                incidents.succeeded("jobs", f"tenant {number}")

        assert [line["event"] for line in logs] == ["collector_failed"] * 3 + ["collector_failed_for_more_tenants"]
        assert [line["event"] for line in healed] == ["collector_recovered"] * 3


def test_an_outage_is_the_sources() -> None:
    """A reason that tells of the source is said once for it, whoever it hits, until anything succeeds."""
    incidents = Incidents("elements")

    with capture_logs() as logs:
        incidents.failed("jobs", "contoso", "timeout", "no answer")
        incidents.failed("jobs", "fabrikam", "timeout", "no answer")
        incidents.failed("tenants", "", "connection", "refused")
        incidents.succeeded("jobs", "contoso")

    assert [(line["event"], line["reason"]) for line in logs] == [
        ("source_failed", "timeout"),
        ("source_failed", "connection"),
        ("source_recovered", "connection"),
    ]


def test_leavers_close_their_incidents() -> None:
    """A tenant that left is forgotten without a recovery."""
    incidents = Incidents("elements")
    incidents.failed("jobs", "contoso", "not_found", "gone")

    with capture_logs() as logs:
        incidents.gone("contoso")
        incidents.succeeded("jobs", "contoso")

    assert logs == []
