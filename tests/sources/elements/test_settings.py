"""The settings of Elements build what they describe."""

import random
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from exporter.source import Surroundings
from exporter.sources.elements.settings import ElementsSettings
from tests.sources.elements.stage import Stage
from tests.support.avepoint import Notes
from tests.support.clock import FakeClock
from tests.support.sources import NOTHING

AUTH = {"client_id": "any", "client_secret": "simulated"}


def settings(**options: Any) -> ElementsSettings:
    """Return settings with these options."""
    return ElementsSettings.model_validate({"kind": "elements", "auth": AUTH} | options)


@pytest.mark.parametrize(
    ("api", "base_url"),
    [
        ("v3", "https://graph.avepointonlineservices.com"),
        ("v1", "https://graph.avepointonlineservices.com/partner"),
    ],
)
def test_base_url(api: str, base_url: str) -> None:
    """The published paths of v1 begin below /partner, unless the operator says otherwise."""
    other = "https://graph-us.example.com/partner/api/V1.1"

    assert settings(api=api).base_url == base_url
    assert settings(api=api, base_url=other).base_url == other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"collectors": {"tenants": {"enabled": False}}}, "no customer is known"),
        ({"collectors": {"jobs": {"only": [{"job_type": "Azure", "job_module": "Storage"}]}}}, "numbers"),
        ({"base_url": "http://elements.example.com"}, "unencrypted"),
        ({"collectors": {"scan_profiles": {"baseline": {"daily_scan_time": "soon"}}}}, "daily_scan_time"),
    ],
)
def test_what_cannot_work(options: Any, message: str) -> None:
    """Settings that cannot work are refused with the reason."""
    with pytest.raises(ValidationError, match=message):
        settings(**options)


def test_baseline() -> None:
    """What the operator wants of scan profiles goes with their plan; the rest is left to the first answer."""
    baseline = {"scan_mode": "advanced", "daily_scan_time": "22:00"}

    plans = settings(collectors={"scan_profiles": {"baseline": baseline}}).plans()

    assert {plan.name: plan.baseline for plan in plans if plan.baseline} == {"scan_profiles": baseline}


def test_not_even_a_mapping() -> None:
    """Settings that are no mapping are refused, not stumbled over."""
    with pytest.raises(ValidationError):
        ElementsSettings.model_validate("elements")


@pytest.mark.parametrize(
    ("api", "auth", "collectors", "scopes"),
    [
        ("v3", {}, {}, "customers jobs license cbprotected scanprofiles"),
        ("v1", {}, {}, "customers jobs license cbprotected scanprofiles"),
        ("v3", {}, {"scan_profiles": {"enabled": False}, "protection": {"enabled": False}}, "customers jobs license"),
        ("v3", {"scopes": ["one.read.all", "two.read.all"]}, {}, None),
    ],
)
async def test_scopes(stage: Stage, api: str, auth: Any, collectors: Any, scopes: str | None) -> None:
    """The token is asked for with the read scopes of the enabled collectors, or with those configured."""
    family = "elements" if api == "v3" else "partner"
    expected = [f"{family}.{scope}.read.all" for scope in scopes.split()] if scopes else auth["scopes"]
    stage.rows(api, "customers")

    await stage.source(api, auth=AUTH | auth, collectors=collectors).collect("tenants", "", NOTHING)

    assert stage.vendor.asked[0].body.endswith("&scope=" + "+".join(expected))


@pytest.mark.parametrize("share", [1, 4])
async def test_the_budget_is_shared(stage: Stage, share: int) -> None:
    """Each of several processes takes its part of the credential's request rate."""
    told: list[float] = []

    class Listening(Notes):
        def allowed_rate(self, per_second: float) -> None:
            told.append(per_second)

    around = Surroundings(
        session=stage.session,
        clock=FakeClock(),
        observer=Listening(),
        share=share,
        random=random.Random(1),  # noqa: S311 - jitter, not a secret
    )

    settings(limits={"requests_per_second": 8}).build("elements", around)

    assert told == [8 / share]


async def test_certificates(stage: Stage, tmp_path: Path) -> None:
    """A certificate with its key is another way in; its files are read when a token is fetched."""
    auth = {
        "client_id": "any",
        "certificate_file": str(tmp_path / "client.pem"),
        "private_key_file": str(tmp_path / "client.key"),
    }

    source = stage.source("v3", auth=auth)

    assert source.kind == "elements"
    with pytest.raises(Exception, match=r"client\.(pem|key)"):
        await source.collect("tenants", "", NOTHING)


def test_plans() -> None:
    """The collectors come in order of importance; only discovery and subscriptions ask once for all."""
    collectors = {"tenants": {"interval": "5m"}, "jobs": {"interval": "10m", "stale_after": "2h"}}

    plans = settings(collectors=collectors).plans()

    assert [plan.name for plan in plans] == ["tenants", "jobs", "subscriptions", "protection", "scan_profiles"]
    assert [plan.name for plan in plans if not plan.per_tenant] == ["tenants", "subscriptions"]
    assert [plan.name for plan in plans if plan.discovers] == ["tenants"]
    assert [(plan.interval_seconds, plan.stale_after_seconds) for plan in plans if plan.book == "jobs"] == [(600, 7200)]
