from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric

from exporter.metrics.catalog import FAMILIES
from exporter.metrics.rendering import Renderer, gather
from exporter.records import (
    JobSchedule,
    JobSettings,
    MicrosoftLicenses,
    ProtectedEntities,
    Protection,
    Proxy,
    Record,
    Repository,
    RepositoryUsage,
    ScanProfile,
    Server,
    ServerLicense,
    Subscription,
    Tenant,
)
from tests.metrics.facts import MAIL, NOBODY_KNOWS, about_the_server, facts, place, samples_by_family
from tests.metrics.reading import parsed

ANY_TEXT = st.text() | st.text(alphabet='\\"\n\r\t\x00 ,={}#n')
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(source=ANY_TEXT, tenant=ANY_TEXT, name=ANY_TEXT, own=ANY_TEXT)
def test_any_text_survives(source: str, tenant: str, name: str, own: str) -> None:
    """Whatever stands in a label, both formats' parsers read back the very same text; empty text is no label."""
    record = Tenant(tenant=tenant, name=name, labels={"tier": own})

    info = samples_by_family([record], source=source)["m365backup_tenant_info"]

    expected = {"source": source, "tenant": tenant, "name": name, "tier": own}
    expected = {label: text for label, text in expected.items() if text or label == "source"}
    for metric in read(info, "m365backup_tenant_info"):
        assert [sample.labels for sample in metric.samples] == [expected]


@given(value=FINITE | st.integers(min_value=-(2**70), max_value=2**70))
def test_any_number_survives(value: float) -> None:
    """Whatever a gauge's value, both formats' parsers read back the same number."""
    record = MicrosoftLicenses(tenant="t1", assigned=value, available=None)

    lines = samples_by_family([record])

    assert set(lines) == {"m365backup_microsoft_licenses_assigned"}
    for name, line in lines.items():
        for metric in read(line, name):
            assert [sample.value for sample in metric.samples] == [float(value)]


def test_what_is_not_said_is_not_shown() -> None:
    """Of records without any optional value only that is shown which is always known."""
    silent: list[Record] = [
        Tenant(tenant="t1", name=""),
        Subscription(tenant="t1", subscription="Microsoft 365"),
        MicrosoftLicenses(tenant="t1", assigned=None, available=None),
        Protection(tenant="t1", product="Microsoft 365", workload="Teams", scanned=None, protected=None),
        ScanProfile(tenant="t1", profile="p1", name=""),
        NOBODY_KNOWS,
    ]

    lines = samples_by_family(silent)

    assert lines == {
        "m365backup_tenant_info": 'm365backup_tenant_info{source="s",tenant="t1"} 1\n',
        "m365backup_tenant_muted": 'm365backup_tenant_muted{source="s",tenant="t1"} 0\n',
        "m365backup_subscription_info": (
            'm365backup_subscription_info{source="s",tenant="t1",subscription="Microsoft 365"} 1\n'
        ),
        "m365backup_scan_profile_info": 'm365backup_scan_profile_info{source="s",tenant="t1",profile="p1"} 1\n',
        "m365backup_job_first_seen_timestamp_seconds": (
            'm365backup_job_first_seen_timestamp_seconds{source="s",tenant="t1",product="Microsoft 365",'
            'workload="Teams",job_type="backup"} 1772000000\n'
        ),
    }


def test_a_server_that_says_nothing() -> None:
    """Of a server, its licence, repositories, proxies and jobs only what is always known is shown, and no zero."""
    silent: list[Record] = [
        Server(tenant="", api="v6"),
        ServerLicense(tenant=""),
        Repository(tenant="", repository="r1"),
        Proxy(tenant="", proxy="x1"),
        RepositoryUsage(tenant="t1", repository="r1", used_bytes={}),
        ProtectedEntities(tenant="t1", entities={}),
        JobSettings(tenant="t1", job=MAIL),
        JobSchedule(tenant="t1", job=MAIL, interval_seconds=None, longest_gap_seconds=None),
    ]

    lines = samples_by_family(silent)

    assert lines == {
        "m365backup_server_info": 'm365backup_server_info{source="s",api="v6"} 1\n',
        "m365backup_server_license_info": 'm365backup_server_license_info{source="s"} 1\n',
        "m365backup_repository_info": 'm365backup_repository_info{source="s",repository="r1"} 1\n',
        "m365backup_proxy_info": 'm365backup_proxy_info{source="s",proxy="x1"} 1\n',
        "m365backup_job_info": (
            'm365backup_job_info{source="s",tenant="t1",product="Microsoft 365",workload="Exchange Online",'
            'job_type="backup",job_name="Mail"} 1\n'
        ),
    }


def test_what_belongs_to_no_tenant() -> None:
    """What is true of a server has no tenant as a label."""
    lines = samples_by_family(about_the_server())

    assert all("tenant" not in text for text in lines.values())
    assert lines["m365backup_server_healthy"] == (
        'm365backup_server_healthy{source="s",component="server"} 0\n'
        'm365backup_server_healthy{source="s",component="configurationDb"} 1\n'
        'm365backup_server_healthy{source="s",component="nats"} 0\n'
    )
    assert (
        lines["m365backup_repository_out_of_sync"]
        == 'm365backup_repository_out_of_sync{source="s",repository="r1"} 1\n'
    )


@pytest.mark.parametrize(
    ("immutable", "label"), [(True, ',immutable="true"'), (False, ',immutable="false"'), (None, "")]
)
def test_yes_and_no_as_a_label(immutable: bool | None, label: str) -> None:  # noqa: FBT001 - a case
    """Whether a repository is immutable is a label that says true or false, and is not there if nobody knows."""
    lines = samples_by_family([Repository(tenant="", repository="r1", immutable=immutable)])

    assert lines["m365backup_repository_info"] == (
        f'm365backup_repository_info{{source="s",repository="r1"{label}}} 1\n'
    )


def test_items_of_a_job() -> None:
    """What a job was told to back up and to leave out are series of one family."""
    job = JobSettings(tenant="t1", job=MAIL, selected={"users": 12, "sites": 0}, excluded={"users": 1})

    items = samples_by_family([job])["m365backup_job_items"].splitlines()

    assert [line.partition('job_name="Mail"')[2] for line in items] == [
        ',type="users",selection="selected"} 12',
        ',type="sites",selection="selected"} 0',
        ',type="users",selection="excluded"} 1',
    ]


def test_every_family_has_a_reader_that_works() -> None:
    """A record of every type with every value given shows every family of the catalog."""
    assert set(samples_by_family(facts("t1"))) == {family.name for family in FAMILIES}


def test_stale_keeps_what_is_evidence() -> None:
    """Of stale records exactly the families marked as kept are shown."""
    assert set(samples_by_family(facts("t1"), stale=True)) == {family.name for family in FAMILIES if family.kept}


def test_kept_samples_do_not_change_by_being_stale() -> None:
    """What outlives stale data says the same as before."""
    fresh, stale = samples_by_family(facts("t1")), samples_by_family(facts("t1"), stale=True)

    assert stale == {name: fresh[name] for name in stale}


def test_sum_and_count_are_adjacent() -> None:
    """The two samples of a summary follow one another for each label set."""
    lines = samples_by_family(facts("t1") + facts("t2"))["m365backup_job_duration_seconds"].splitlines()

    assert [line.split("{")[0].rpartition("_")[2] for line in lines] == ["sum", "count", "sum", "count"]


def test_same_labels_twice() -> None:
    """A second record with the labels of another is refused, whatever it says, and its series are counted."""
    first = MicrosoftLicenses(tenant="t1", assigned=1, available=2)
    second = MicrosoftLicenses(tenant="t1", assigned=5, available=None)

    rendered = gather(Renderer("s").show([first, second]), allowance=100)

    assert (rendered.series, rendered.dropped) == (2, 1)
    assert rendered.chunks[place("microsoft_licenses_assigned")].count(b"\n") == 1


def test_same_labels_in_another_type() -> None:
    """Records of different types may have equal labels: their families differ."""
    records = [Tenant(tenant="t1", name="A"), MicrosoftLicenses(tenant="t1", assigned=1, available=2)]

    rendered = gather(Renderer("s").show(records), allowance=100)

    assert (rendered.series, rendered.dropped) == (4, 0)


def test_beyond_the_allowance() -> None:
    """A record is shown with all its series or not at all; what does not fit is counted, what still fits is shown."""
    small = MicrosoftLicenses(tenant="t2", assigned=1, available=None)
    records = [MicrosoftLicenses(tenant=f"t{number}", assigned=1, available=2) for number in (0, 1)]

    rendered = gather(Renderer("s").show([*records, small]), allowance=3)

    assert (rendered.series, rendered.dropped) == (3, 2)
    assert b't1"' not in rendered.chunks[place("microsoft_licenses_assigned")]
    assert b't2"' in rendered.chunks[place("microsoft_licenses_assigned")]


def test_no_allowance_at_all() -> None:
    """Where a tenant has used up its series elsewhere, nothing more is shown."""
    rendered = gather(Renderer("s").show(facts("t1")), allowance=-5)

    assert (rendered.chunks, rendered.series) == ({}, 0)


def test_the_same_object_is_not_rendered_again() -> None:
    """A record that comes again as the same object is taken over; one that merely equals it is rendered."""
    renderer = Renderer("s")
    same, other = facts("t1")[:2]
    before = renderer.show([same, other])

    again = renderer.show([same, replace(other)], before)

    assert again[0] is before[0]
    assert again[1] is not before[1]
    assert again[1].lines == before[1].lines


def test_half_a_surrogate_pair() -> None:
    """Text that is no Unicode, which only a configuration can hold, does not cost the cell."""
    record = Tenant(tenant="t1", name="A\ud800B")

    assert 'name="A?B"' in samples_by_family([record])["m365backup_tenant_info"]


def read(lines: str, name: str) -> list[Metric]:
    """Return the family as read by the parser of each format."""
    text = f"# TYPE {name} gauge\n{lines}"
    return [*parsed("text", text), *parsed("openmetrics", text + "# EOF\n")]
