"""The file of incidents."""

from math import inf

import pytest

from exporter.simulator.incident_file import BadIncidents, read_incidents
from exporter.simulator.incidents import Incident
from tests.simulator.striking import DAY, HOUR, SINCE, calm_world

WORLD = calm_world()
CUSTOMERS = WORLD.customers(SINCE)


def test_incidents_are_read() -> None:
    """Tenants go by place or name, times count from the start, and what is left out is now and for ever."""
    text = f"""
    - {{kind: backup_fails, tenant: "{CUSTOMERS[2].organization}", workload: Exchange Online, after: 1h, for: 6h}}
    - {{kind: backup_hangs, tenant: 0, workload: all, after: -2h}}
    - {{kind: coverage_drops, tenant: "1", after: 0s, for: 1d}}
    - {{kind: repository_full, workload: Glacier}}
    - {{kind: proxy_offline, workload: vb365-proxy1}}
    - {{kind: api_down, workload: veeam}}
    """

    assert read_incidents(text, WORLD, SINCE) == (
        Incident("backup_fails", SINCE + HOUR, SINCE + 7 * HOUR, CUSTOMERS[2].id, "Exchange Online"),
        Incident("backup_hangs", SINCE - 2 * HOUR, inf, CUSTOMERS[0].id, "all"),
        Incident("coverage_drops", SINCE, SINCE + DAY, CUSTOMERS[1].id),
        Incident("repository_full", SINCE, inf, "", "Glacier"),
        Incident("proxy_offline", SINCE, inf, "", "vb365-proxy1"),
        Incident("api_down", SINCE, inf, "", "veeam"),
    )


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{kind: backup_fails}", "backup_fails needs a customer"),
        ("{kind: server_unhealthy, tenant: 0}", "server_unhealthy is about no customer"),
        ("{kind: backup_fials, tenant: 0}", "unknown kind 'backup_fials'; there are backup_fails, backup_stops,"),
        ("{kind: [backup_fails]}", "unknown kind ['backup_fails']; there are"),
        ("{kind: backup_fails, tenants: 0}", "unknown key 'tenants'; there are kind, tenant, workload, after, for"),
        ("{kind: backup_fails, tenant: 4}", "unknown tenant 4; there are 0 to 3, '"),
        ("{kind: backup_fails, tenant: Nobody}", "unknown tenant 'Nobody'; there are 0 to 3, '"),
        ("{kind: backup_fails, tenant: 0, workload: Mail}", "unknown workload 'Mail'; there are Exchange Online,"),
        ("{kind: out_of_policy, tenant: 0, workload: Teams}", "unknown workload 'Teams'; leave it out"),
        ("{kind: repository_full, workload: Disk}", "unknown workload 'Disk'; there are Default Backup Repository,"),
        (
            "{kind: throttled, workload: avepoint}",
            "unknown workload 'avepoint'; there are elements, cloudbackup, veeam",
        ),
        ("{kind: throttled}", "throttled needs a vendor as its workload"),
        ("{kind: license_ends}", "license_ends needs an end: it is the date"),
        ("{kind: server_unhealthy, after: soon}", "after: 'soon' should be a duration such as 30s, 15m, 1h30m or 1d"),
        ("{kind: server_unhealthy, for: 5}", "for: 5 should be a duration"),
        ("{kind: server_unhealthy, for: -5m}", "for: should be longer than zero"),
        ("backup_fails", "should be a mapping of kind, tenant, workload, after, for"),
    ],
)
def test_faults(row: str, fault: str) -> None:
    """What makes no sense is told with its place and what would; every row is looked at."""
    with pytest.raises(BadIncidents) as caught:
        read_incidents(f"- {{kind: server_unhealthy}}\n- {row}\n- {{}}", WORLD, SINCE)

    first, second = caught.value.faults
    assert first.startswith(f"incident 2: {fault}")
    assert second.startswith("incident 3: unknown kind None")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "should be a list of incidents"),
        ("kind: backup_fails", "should be a list of incidents"),
        ("[", "is not YAML: while parsing"),
    ],
)
def test_no_list(text: str, fault: str) -> None:
    """A file that is no list of incidents is refused with an example."""
    with pytest.raises(BadIncidents) as caught:
        read_incidents(text, WORLD, SINCE)

    assert caught.value.faults[0].startswith(fault)
