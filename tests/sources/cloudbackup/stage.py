"""Cloud Backup as a source before a vendor that answers single endpoints: what its tests play on."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from aioresponses import CallbackResult
from yarl import URL

from exporter.records import JobKey
from exporter.source import CollectorPlan, Source
from exporter.sources.cloudbackup.settings import CloudBackupSettings
from tests.support.avepoint import FAST, AvePointStage
from tests.support.exposition import FIXTURES
from tests.support.vendor import Answered, Asked

ORIGIN: Final = "https://graph-us.avepointonlineservices.com"
EPOCH: Final = 621_355_968_000_000_000
M365: Final = "/backup/m365"
PATHS: Final = {
    "legacy": {"jobs": "/cloudbackup/jobs", "license": "/cloudbackup/licenseconsumption"},
    "v1": {"jobs": f"{M365}/jobs", "license": f"{M365}/licenseconsumption"},
    "v2": {
        "jobs": f"{M365}/cloudbackupjobs",
        "license": f"{M365}/cloudbackuplicenseconsumption",
        "unusual_activity": f"{M365}/cloudbackupunusualactivitydata",
        "frequency": f"{M365}/settings/backup/frequency",
        "retention": f"{M365}/settings/retention-policy",
    },
}


def recorded(path: str) -> Any:
    """Return a recorded answer."""
    return json.loads((FIXTURES / "cloudbackup" / path).read_text(encoding="utf-8"))


def ticks(seconds: float) -> int:
    """Return Unix seconds as .NET ticks."""
    return EPOCH + round(seconds * 1000) * 10_000


def listed(api: str, rows: list[Any], total: int | None = None, **more: Any) -> Any:
    """Return a page of jobs in the words of a generation."""
    total = len(rows) if total is None else total
    if api == "v2":
        return {"statusCode": 200, "message": "", "data": rows, "metadata": {"totalCount": total, **more}}
    if api == "v1":
        return {"totalCount": total, "jobs": rows, **more}
    return {"TotalCount": total, "Jobs": rows, **more}


def enveloped(api: str, data: Any) -> Any:
    """Return an object in the words of a generation."""
    return {"statusCode": 200, "message": "", "data": data} if api == "v2" else data


@dataclass(frozen=True)
class Runs:
    """What a ledger might know."""

    answered_at: float | None = None
    jobs: dict[str, JobKey] = field(default_factory=dict)
    under_way: dict[str, float] = field(default_factory=dict)
    newcomers: bool = False

    def job_of(self, run_id: str) -> JobKey | None:
        """Return the job of a run."""
        return self.jobs.get(run_id)


class Stage(AvePointStage):
    """The stage of these sources."""

    def source(self, api: str = "v2", **options: Any) -> Source:
        """Return a source with these options, fast enough never to wait."""
        settings = CloudBackupSettings.model_validate(
            {
                "kind": "cloudbackup",
                "api": api,
                "base_url": ORIGIN,
                "tenant": {"id": "contoso", "name": "Contoso Ltd"},
            }
            | FAST
            | options
        )
        return self.build("contoso", settings)

    def answer(self, api: str, endpoint: str, payload: Any = None, **options: Any) -> None:
        """Answer one of `PATHS` once with *payload*, whatever is asked of it, or as aioresponses' options say."""
        self.vendor.add(_any_query(api, endpoint), payload=payload, **options)

    def history(self, api: str, body: Any, kinds: Mapping[str, tuple[int, int]]) -> None:
        """Answer every question about jobs: all with *body*; those of a type or workload by *kinds*.

        *kinds*: id of a job → its jobType and objectType.
        """

        def reply(url: URL, **_: Any) -> CallbackResult:
            self.vendor.asked.append(Asked("GET", url.raw_path_qs))
            query = {name.lower(): int(value) for name, value in url.query.items() if value.isdecimal()}
            asked = query["jobtype"], query["objecttype"]
            found = [
                {"id": each} for each, its in kinds.items() if all(a in (0, b) for a, b in zip(asked, its, strict=True))
            ]
            answer = listed(api, found) if any(asked) else body
            return CallbackResult(payload=answer, response_class=Answered)

        self.vendor.add(_any_query(api, "jobs"), callback=reply, repeat=True)

    def asked(self) -> list[str]:
        """Return the targets asked for after the token."""
        return [asked.target for asked in self.vendor.asked if asked.target != "/connect/token"]

    def questions(self) -> list[dict[str, str]]:
        """Return the queries after the token, names in lower case."""
        return [
            {name.lower(): values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            for target in self.asked()
        ]


def plan_of(source: Source, collector: str) -> CollectorPlan:
    """Return how a collector is to be run."""
    return next(plan for plan in source.plans if plan.name == collector)


def _any_query(api: str, endpoint: str) -> re.Pattern[str]:
    return re.compile(re.escape(ORIGIN + PATHS[api][endpoint]) + r"(\?.*)?$")
