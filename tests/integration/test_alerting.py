"""The whole stack: simulator, exporter, a real Prometheus with the shipped rules, a real Alertmanager."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from exporter.simulator.world import World
from grafana.src.dashboards import panel_queries
from tests.support.prometheus import Prometheus
from tools.stack.configs import CUSTOMERS, INCIDENTS, SEED, Addresses, write_alertmanager
from tools.stack.notifications import Notification, receiving
from tools.stack.program import installed, running
from tools.stack.stack import running_stack

HURRY = 240.0
"""What waits an hour as shipped waits a quarter of a minute here."""
LONGEST = 3600.0 / HURRY
"""The longest `for` of an alert, in seconds."""
PATIENCE = 100.0
EVERYWHERE = "Tailspin Logistics"
"""The customer that all three vendors back up."""
STARTING = "M365BackupExporterAbsent"
"""Waits a quarter of an hour as shipped, and here less than a Prometheus may take to scrape for the first time."""
Told = tuple[str, str, str]
"""Alert, source, tenant."""
EXPECTED: set[Told] = {
    ("JobFailed", "elements", "Contoso Labs"),
    ("JobOverdue", "elements", "Northwind Toys"),
    ("SeatsAlmostUsed", "elements", "Adventure Works Energy"),
    ("SeatsExhausted", "elements", "Wide World Foods"),
    ("CapacityAlmostUsed", "elements", "Litware Labs"),
    ("SubscriptionExpiring", "elements", "Proseware Media"),
    ("ScanProfileDrift", "elements", "Woodgrove Finance"),
    ("DailyScanOff", "elements", "Lucerne Travel"),
    ("ScanFailed", "elements", "Fourth Coffee Design"),
    ("PotentialRansomware", "cloudbackup", EVERYWHERE),
    ("RepositoryFull", "vb365", ""),
    ("ProxyOffline", "vb365", ""),
    ("ServerUnhealthy", "vb365", ""),
    ("ServerLicenseOverused", "vb365", ""),
}
"""What deploy/stack/incidents.yaml means. Not in it is what the muted Fabrikam suffers."""
CONTOSO: Final = {"tenant": "t1", "tenant_name": "Contoso"}
JOB: Final = {**CONTOSO, "area": "jobs", "product": "Microsoft 365", "workload": "all", "job_type": "backup"}
FIRING: Final[list[dict[str, str]]] = [
    {"alertname": "SourceDown", "source": "down", "severity": "critical", "area": "source"},
    {"alertname": "SubscriptionExpired", "source": "down", "severity": "critical", "area": "licensing", **CONTOSO},
    {"alertname": "ManyTenantsFailing", "source": "vendor", "severity": "critical", "area": "source"},
    {"alertname": "JobFailed", "source": "vendor", "severity": "warning", "job_name": "A", **JOB},
    {"alertname": "JobOverdue", "source": "vendor", "severity": "critical", "cause": "failing", "job_name": "A", **JOB},
    {
        "alertname": "JobOverdue",
        "source": "vendor",
        "severity": "critical",
        "cause": "not_running",
        "job_name": "B",
        **JOB,
    },
    {"alertname": "JobFailingRepeatedly", "source": "jobs", "severity": "critical", "job_name": "A", **JOB},
    {"alertname": "JobFailed", "source": "jobs", "severity": "warning", "job_name": "A", **JOB},
    {"alertname": "JobFailed", "source": "jobs", "severity": "warning", "job_name": "B", **JOB},
    {"alertname": "CollectorStale", "source": "stale", "severity": "warning", "area": "licensing", "shards": "all"},
    {"alertname": "SeatsAlmostUsed", "source": "stale", "severity": "info", "area": "licensing", **CONTOSO},
    {"alertname": "SubscriptionExpired", "source": "stale", "severity": "critical", "area": "licensing", **CONTOSO},
    {"alertname": "ServerLicenseExpired", "source": "stale", "severity": "critical", "area": "licensing"},
    {"alertname": "CollectorStale", "source": "shard", "severity": "warning", "area": "licensing", "shards": "some"},
    {"alertname": "SeatsExhausted", "source": "shard", "severity": "warning", "area": "licensing", **CONTOSO},
]
"""What fires at once in a world of five sources, by what is the matter with them."""
HELD_BACK: Final = {
    ("down", "SubscriptionExpired", ""),
    ("vendor", "JobFailed", "A"),
    ("vendor", "JobOverdue", "A"),
    ("jobs", "JobFailed", "A"),
    ("stale", "SeatsAlmostUsed", ""),
}
"""Which of it nobody is told: source, alert, job."""

pytestmark = pytest.mark.timeout(300)


def free_addresses() -> Addresses:
    """Return addresses where nobody listens."""
    probes = [socket.socket() for _ in range(5)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Addresses(*(f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes))
    finally:
        for probe in probes:
            probe.close()


class Ear:
    """What Alertmanager has told so far."""

    def __init__(self) -> None:
        self.heard: list[Notification] = []
        self._news = asyncio.Event()

    def hear(self, notification: Notification) -> None:
        """Keep it."""
        self.heard.append(notification)
        self._news.set()

    async def hears(self, expected: set[Told]) -> None:
        """Wait until all that is expected has fired."""
        async with asyncio.timeout(PATIENCE):
            while not self.told() >= expected:
                self._news.clear()
                await self._news.wait()

    def told(self) -> set[Told]:
        """Return which alerts fired, about whom."""
        return {
            (
                each.labels["alertname"].removeprefix("M365Backup"),
                each.labels.get("source", ""),
                each.labels.get("tenant_name", ""),
            )
            for each in self.heard
            if each.status == "firing" and each.labels["alertname"] != STARTING
        }


@asynccontextmanager
async def stack(folder: Path, incidents: Path | None) -> AsyncIterator[tuple[Prometheus, Ear]]:
    """Run it; yield Prometheus and who hears what Alertmanager tells."""
    addresses = free_addresses()
    ear = Ear()
    async with (
        receiving(addresses.notifications, ear.hear),
        running_stack(folder, addresses, hurry=HURRY, incidents=incidents),
        aiohttp.ClientSession() as session,
    ):
        yield Prometheus(f"http://{addresses.prometheus}", session), ear


async def every_panel_answers(prometheus: Prometheus) -> None:
    """Fail unless each panel of each dashboard shows something, or has said why it may be empty."""
    tenant = next(
        each.id
        for each in World(seed=SEED, tenants=CUSTOMERS, start=0, calm=True).customers(0)
        if each.organization == EVERYWHERE
    )
    variables = {
        "source": ".+",
        "tenant": tenant,
        "workload": ".*",
        "job": "m365-backup",
        "instance": ".+",
        "__range": "5m",
        "__interval": "15s",
        "__rate_interval": "1m",
    }
    empty = []
    asked = 0
    for panel in panel_queries(variables):
        asked += 1
        found = await prometheus.query(panel.expr)  # fails by itself if Prometheus calls it an error
        if not found and panel.may_be_empty is None:
            empty.append((panel.dashboard, panel.panel, panel.expr))
    assert empty == []
    assert asked > 100


async def test_what_goes_wrong_is_told_by_name(tmp_path: Path) -> None:
    """Each incident arrives at its receiver with the tenant's name and a runbook, and nothing else does.

    The muted tenant's failing backup is one of the incidents; 18 tenants are well.
    """
    async with stack(tmp_path, INCIDENTS) as (prometheus, ear):
        await ear.hears(EXPECTED)
        await asyncio.sleep(LONGEST)  # what else may be pending

        assert ear.told() == EXPECTED
        for each in ear.heard:
            name = each.labels["alertname"]
            assert each.annotations["runbook_url"].endswith(f"/docs/runbooks/{name}.md")
            assert "/d/m365-backup-" in each.annotations["dashboard_url"]
            assert each.labels.get("tenant_name", "") in each.annotations["summary"]
            assert (
                each.receiver == {"critical": "pages", "warning": "tickets", "info": "digests"}[each.labels["severity"]]
            )
        await every_panel_answers(prometheus)


async def test_a_calm_world_sends_nothing(tmp_path: Path) -> None:
    """Where nothing is wrong no alert is even pending after the longest `for`."""
    async with stack(tmp_path, None) as (prometheus, ear):
        await prometheus.until("count(source_tenant:m365backup_tenant:watched)", bool)
        await asyncio.sleep(LONGEST)

        assert await prometheus.query(f'ALERTS{{alertname!="{STARTING}"}}') == []
        assert ear.told() == set()


async def test_what_another_alert_says_is_held_back(tmp_path: Path) -> None:
    """Of one cause one alert is told, and no other cause is hidden by it: a real Alertmanager reads what is shipped."""
    addresses, ear = free_addresses(), Ear()
    url = f"http://{addresses.alertmanager}"
    command = (
        installed("prometheus-alertmanager", "alertmanager"),
        f"--config.file={write_alertmanager(tmp_path, addresses, HURRY)}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={addresses.alertmanager}",
        "--cluster.listen-address=",
    )
    async with (
        receiving(addresses.notifications, ear.hear),
        running("alertmanager", command, ready=f"{url}/-/ready", log=tmp_path / "log"),
        aiohttp.ClientSession() as session,
    ):
        await session.post(f"{url}/api/v2/alerts", json=[posted(labels) for labels in FIRING])
        await ear.hears({as_told(labels) for labels in FIRING if about(labels) not in HELD_BACK})
        async with session.get(f"{url}/api/v2/alerts?active=false") as response:
            suppressed = {about(each["labels"]) for each in await response.json()}

        assert suppressed == HELD_BACK
        assert {about(each.labels) for each in ear.heard} == {about(labels) for labels in FIRING} - HELD_BACK


def posted(labels: dict[str, str]) -> dict[str, Any]:
    """Return an alert as Prometheus sends it, firing now."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    texts = {"summary": "", "description": "", "runbook_url": "", "dashboard_url": ""}
    return {
        "labels": {**labels, "alertname": f"M365Backup{labels['alertname']}"},
        "annotations": texts,
        "startsAt": since,
    }


def about(labels: dict[str, str]) -> tuple[str, str, str]:
    """Return source, alert and job."""
    return labels["source"], labels["alertname"].removeprefix("M365Backup"), labels.get("job_name", "")


def as_told(labels: dict[str, str]) -> Told:
    """Return what an ear makes of an alert."""
    return labels["alertname"], labels["source"], labels.get("tenant_name", "")
