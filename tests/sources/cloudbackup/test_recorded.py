"""Recorded answers in, golden expositions out: one of each collector and generation."""

from collections import Counter

import pytest

from exporter.state.source import KnownRuns
from tests.sources.cloudbackup.stage import Stage, plan_of, recorded
from tests.support.exposition import FIXTURES, Golden, Pipeline
from tests.support.sources import NOTHING

HALF_AN_HOUR = 1800.0
CONTOSO = "contoso"
KINDS = {
    "FB20260302211530417283": (1, 2),
    "EIB20260303054000000002": (1, 1),
    "RS20260303060500000004": (2, 3),
}


async def test_jobs(stage: Stage, golden: Golden, api: str) -> None:
    """Runs that ended between two polls count, once each; codes become labels, messages that name people do not."""
    source, pipeline = stage.source(api), Pipeline(stage.clock, source=CONTOSO)
    plan = plan_of(source, "jobs")

    for answer in ("jobs", "jobs-later"):
        stage.vendor.clear()
        stage.history(api, recorded(f"{api}/{answer}.json"), KINDS)
        stage.source(api)
        records = await source.collect("jobs", CONTOSO, KnownRuns())
        await pipeline.take(plan, CONTOSO, records)
        stage.clock.advance(HALF_AN_HOUR)
        await pipeline.tick()
    exposed = await pipeline.text()

    assert exposed == golden(f"cloudbackup/{api}/jobs.prom", exposed)
    assert "Pat" not in exposed
    assert 'm365backup_job_errors_total{source="contoso",tenant="contoso",code="other"} 3' in exposed


@pytest.mark.parametrize("collector", ["jobs", "license"])
def test_generations_agree(collector: str) -> None:
    """The same rows give the same exposition in all generations, but for the retention that only v2 tells."""
    told = {api: (FIXTURES / f"cloudbackup/{api}/{collector}.prom").read_text() for api in ("v2", "v1", "legacy")}

    assert told["v1"] == told["legacy"] == told["v2"].replace(',retention="1 years"', "")


async def test_license(stage: Stage, golden: Golden, api: str) -> None:
    """Seats, sizes in GB and the time of leaving the policy are exposed; of v2 also the retention."""
    stage.answer(api, "license", recorded(f"{api}/license.json"))
    if api == "v2":
        stage.answer(api, "retention", recorded("v2/retention.json"))
    source, pipeline = stage.source(api), Pipeline(stage.clock, source=CONTOSO)

    await pipeline.take(plan_of(source, "license"), CONTOSO, await source.collect("license", CONTOSO, NOTHING))
    exposed = await pipeline.text()

    assert exposed == golden(f"cloudbackup/{api}/license.prom", exposed)


@pytest.mark.parametrize(
    ("collector", "endpoint"), [("unusual_activity", "unusual_activity"), ("schedule", "frequency")]
)
async def test_only_in_v2(stage: Stage, golden: Golden, collector: str, endpoint: str) -> None:
    """What only v2 tells, and nothing it does not tell, is exposed; never the name of the tenant's owner."""
    stage.answer("v2", endpoint, recorded(f"v2/{endpoint}.json"))
    source, pipeline = stage.source("v2"), Pipeline(stage.clock, source=CONTOSO)

    await pipeline.take(plan_of(source, collector), CONTOSO, await source.collect(collector, CONTOSO, NOTHING))
    exposed = await pipeline.text()

    assert exposed == golden(f"cloudbackup/v2/{collector}.prom", exposed)
    assert "Pat" not in exposed


FAULTS = {
    "jobs": Counter(jobs=1, id=1),
    "license": Counter[str](),
    "unusual_activity": Counter(unusual_activities=1, serviceType=1, unusualActivitiesCount=1),
    "frequency": Counter(frequency=1, backupStartTime=1),
}
UNKNOWN = {
    "jobs": Counter(state=1),
    "license": Counter[str](),
    "unusual_activity": Counter(serviceType=1),
    "frequency": Counter(serviceType=1),
}


@pytest.mark.parametrize("endpoint", FAULTS)
async def test_what_cannot_be_read_is_counted(stage: Stage, endpoint: str) -> None:
    """Each value of the recorded answers that is in no documented form is counted once, under its field."""
    stage.answer("v2", "retention", recorded("v2/retention.json"))
    if endpoint == "jobs":
        stage.history("v2", recorded("v2/jobs.json"), KINDS)
    else:
        stage.answer("v2", endpoint, recorded(f"v2/{endpoint}.json"))

    await stage.source().collect("schedule" if endpoint == "frequency" else endpoint, CONTOSO, NOTHING)

    assert stage.notes.failed == FAULTS[endpoint]
    assert stage.notes.unknown == UNKNOWN[endpoint]
