"""Recorded answers in, golden expositions out: one of each collector and generation."""

from collections import Counter

import pytest

from tests.sources.elements.stage import CONTOSO, Stage, plan_of, recorded
from tests.support.exposition import Golden, Pipeline
from tests.support.sources import NOTHING

WHOLE = {"tenants": "customers", "subscriptions": "services"}
HALF_AN_HOUR = 1800.0


@pytest.mark.parametrize("collector", ["tenants", "subscriptions", "protection"])
async def test_present_state(stage: Stage, golden: Golden, api: str, collector: str) -> None:
    """What the vendor's list says, and nothing it does not say, is exposed."""
    endpoint = WHOLE.get(collector, collector)
    stage.answer(api, endpoint, recorded(f"{api}/{endpoint}.json"))
    source, pipeline = stage.source(api), Pipeline(stage.clock)
    tenant = "" if collector in WHOLE else CONTOSO

    await pipeline.take(plan_of(source, collector), tenant, await source.collect(collector, tenant, NOTHING))
    exposed = await pipeline.text()

    assert exposed == golden(f"elements/{api}/{collector}.prom", exposed)


async def test_jobs(stage: Stage, golden: Golden, api: str) -> None:
    """Runs that ended between two polls count; placeholders show a status; those under way hide nothing."""
    stage.answer(api, "jobs", recorded(f"{api}/jobs.json"))
    stage.answer(api, "jobs", recorded(f"{api}/jobs-later.json"))
    source, pipeline = stage.source(api), Pipeline(stage.clock)
    plan = plan_of(source, "jobs")

    await pipeline.take(plan, CONTOSO, await source.collect("jobs", CONTOSO, NOTHING))
    stage.clock.advance(HALF_AN_HOUR)
    await pipeline.take(plan, CONTOSO, await source.collect("jobs", CONTOSO, NOTHING))
    exposed = await pipeline.text()

    assert exposed == golden(f"elements/{api}/jobs.prom", exposed)


async def test_scan_profiles(stage: Stage, golden: Golden, api: str) -> None:
    """List, details and report make one profile; one without details or report is there by its name."""
    report = "scan_profile_changes" if api == "v3" else "scan_profile_daily"
    stage.answer(api, "scan_profiles", recorded(f"{api}/scan_profiles.json"))
    stage.answer(api, "scan_profile", recorded(f"{api}/scan_profile.json"))
    stage.answer(api, "report", recorded(f"{api}/{report}.json"))
    stage.answer(api, "other_profile", status=404)
    stage.answer(api, "other_report", status=404)
    baseline = {"scan_mode": "advanced", "daily_scan": "enabled"}
    source = stage.source(api, collectors={"scan_profiles": {"baseline": baseline}})
    pipeline = Pipeline(stage.clock)

    await pipeline.take(
        plan_of(source, "scan_profiles"), CONTOSO, await source.collect("scan_profiles", CONTOSO, NOTHING)
    )
    exposed = await pipeline.text()

    assert exposed == golden(f"elements/{api}/scan_profiles.prom", exposed)


FAULTS = {
    "customers": Counter(customers=1, id=1),
    "services": Counter(customerId=1, purchasedUserSeats=1, expirationDate=1, consumedStorage=1, service=1),
    "jobs": Counter(jobs=1, jobType=1, jobModule=1, successfulCount=1, backupSize=1),
    "protection": Counter(protection=1, totalProtectedObjects=1, dataSizeStoredInAvePoint=1, serviceModule=1),
}
UNKNOWN = {
    "customers": Counter(jobStatus=1),
    "services": Counter[str](),
    "jobs": Counter(jobModule=1, status=1),
    "protection": Counter[str](),
}


@pytest.mark.parametrize("collector", ["tenants", "subscriptions", "jobs", "protection"])
async def test_what_cannot_be_read_is_counted(stage: Stage, api: str, collector: str) -> None:
    """Each value of the recorded answers that is in no documented form is counted once, under its field."""
    endpoint = WHOLE.get(collector, collector)
    stage.answer(api, endpoint, recorded(f"{api}/{endpoint}.json"))

    await stage.source(api).collect(collector, "" if collector in WHOLE else CONTOSO, NOTHING)

    expected = FAULTS[endpoint] + Counter(services=1) if (api, endpoint) == ("v3", "services") else FAULTS[endpoint]
    assert stage.notes.failed == expected
    v1_names_modules = api == "v1" and endpoint == "jobs"
    assert stage.notes.unknown == (Counter(status=1) if v1_names_modules else UNKNOWN[endpoint])
