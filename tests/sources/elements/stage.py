"""Elements as a source before a vendor that answers single endpoints: what its tests play on."""

import json
from typing import Any, Final

from exporter.source import CollectorPlan, Source
from exporter.sources.elements.settings import ElementsSettings
from tests.support.avepoint import FAST, AvePointStage
from tests.support.exposition import FIXTURES

CONTOSO: Final = "5f0c0001-aaaa-4bbb-8ccc-0000000c0001"
FABRIKAM: Final = "5f0c0001-aaaa-4bbb-8ccc-0000000c0002"
PROFILE: Final = "9d2b0001-5555-4666-8777-00000000d001"
NAMELESS: Final = "9d2b0001-5555-4666-8777-00000000d002"

ORIGIN: Final = "https://graph.avepointonlineservices.com"
ROOT: Final = {"v3": f"{ORIGIN}/partner/external/v3/general", "v1": f"{ORIGIN}/partner"}
PAGE: Final = "pageIndex=1&pageSize=100"
PATHS: Final = {
    "v3": {
        "customers": f"POST /customers/batch?{PAGE}",
        "services": f"POST /customers/services/batch?{PAGE}",
        "jobs": f"POST /customers/{CONTOSO}/avpt-products/jobs/batch?{PAGE}",
        "protection": f"GET /customers/{CONTOSO}/cloud-backup-m365/overview?{PAGE}",
        "scan_profiles": f"POST /customers/{CONTOSO}/scan-profiles/batch?{PAGE}",
        "scan_profile": f"GET /customers/{CONTOSO}/scan-profiles/{PROFILE}",
        "report": f"GET /customers/{CONTOSO}/scan-profiles/{PROFILE}/changes",
        "other_profile": f"GET /customers/{CONTOSO}/scan-profiles/{NAMELESS}",
        "other_report": f"GET /customers/{CONTOSO}/scan-profiles/{NAMELESS}/changes",
    },
    "v1": {
        "customers": "GET /Customers",
        "services": "GET /Services",
        "jobs": f"GET /Customers/{CONTOSO}/Jobs",
        "protection": f"GET /Customers/{CONTOSO}/Protected",
        "scan_profiles": f"GET /Customers/{CONTOSO}/ScanProfiles",
        "scan_profile": f"GET /Customers/{CONTOSO}/ScanProfilesDetails/ProfileId/{PROFILE}",
        "report": f"GET /Customers/{CONTOSO}/ScanProfilesDailyNew/ProfileId/{PROFILE}",
        "objects": f"GET /Customers/{CONTOSO}/ScanProfilesDailyNewDetail/ProfileId/{PROFILE}",
        "other_profile": f"GET /Customers/{CONTOSO}/ScanProfilesDetails/ProfileId/{NAMELESS}",
        "other_report": f"GET /Customers/{CONTOSO}/ScanProfilesDailyNew/ProfileId/{NAMELESS}",
    },
}


def recorded(path: str) -> Any:
    """Return a recorded answer."""
    return json.loads((FIXTURES / "elements" / path).read_text(encoding="utf-8"))


def listed(api: str, rows: list[Any]) -> Any:
    """Return *rows* in the envelope of a generation."""
    return {"value": rows} if api == "v1" else {"data": rows, "metadata": {"totalCount": len(rows)}}


class Stage(AvePointStage):
    """The stage of these sources."""

    def source(self, api: str = "v3", **options: Any) -> Source:
        """Return a source with these options, fast enough never to wait."""
        settings = ElementsSettings.model_validate(
            {
                "kind": "elements",
                "api": api,
            }
            | FAST
            | options
        )
        return self.build("elements", settings)

    def answer(self, api: str, endpoint: str, payload: Any = None, **options: Any) -> None:
        """Answer one of `PATHS` with *payload*, or as aioresponses' options say."""
        method, path = PATHS[api].get(endpoint, endpoint).split(" ", 1)
        self.vendor.add(ROOT[api] + path, method, payload=payload, **options)

    def rows(self, api: str, endpoint: str, *rows: Any, **options: Any) -> None:
        """Answer a list with *rows*."""
        self.answer(api, endpoint, listed(api, list(rows)), **options)

    def services(self, api: str, *names: str) -> None:
        """Answer the list of services: Contoso has these."""
        self.rows(api, "services", {"customerId": CONTOSO, "products": [{"service": name} for name in names]})

    def asked(self) -> list[str]:
        """Return the targets asked for after the token."""
        return [asked.target for asked in self.vendor.asked if asked.target != "/connect/token"]


def plan_of(source: Source, collector: str) -> CollectorPlan:
    """Return how a collector is to be run."""
    return next(plan for plan in source.plans if plan.name == collector)
