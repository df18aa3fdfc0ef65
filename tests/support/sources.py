"""Sources that answer what a test tells them to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from exporter.client.meter import note_request
from exporter.records import Job, JobKey, Record, Run, Tenant
from exporter.source import CollectorPlan, Known
from exporter.state.source import KnownRuns

Answer = Callable[[str, str], Awaitable[Sequence[Record]]]

NOTHING = KnownRuns()
"""What is known of a tenant that was never asked about."""

EXCHANGE = JobKey(product="Microsoft 365", workload="Exchange Online", job_type="backup")


@dataclass(slots=True)
class FakeSource:
    """Answers with a function of collector and tenant, and remembers what it was asked."""

    answer: Answer
    plans: Sequence[CollectorPlan]
    kind: str = "fake"
    api: str = "v0"
    seconds: float = 0.5
    """How long each request is under way, as the meter is told."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    closed: bool = False

    async def collect(self, collector: str, tenant: str, known: Known) -> Sequence[Record]:  # noqa: ARG002 - not needed
        """Return the answer, which cost one request."""
        self.asked.append((collector, tenant))
        note_request(self.seconds)
        return await self.answer(collector, tenant)

    def recall(self, collector: str, tenant: str, records: Sequence[Record], *, applicable: bool) -> None:
        """Nothing is learnt from answers."""

    async def close(self) -> None:
        """Nothing is to be given back."""
        self.closed = True

    def count(self, collector: str) -> int:
        """Return how often *collector* was asked."""
        return sum(asked == collector for asked, _ in self.asked)


def plan(name: str, interval: float = 1800.0, **options: object) -> CollectorPlan:
    """Return a plan as Elements would have it."""
    together = name in {"tenants", "subscriptions"}
    book = {"jobs": "jobs", "scan_profiles": "scan_profiles"}.get(name)
    defaults = {"per_tenant": not together, "discovers": name == "tenants", "book": book, **options}
    return CollectorPlan(name=name, interval_seconds=interval, **defaults)  # type: ignore[arg-type]


def tenants(*names: str) -> list[Record]:
    """Return tenants whose id is their name in lower case."""
    return [Tenant(tenant=name.lower(), name=name) for name in names]


def latest_job(tenant: str, run_id: str, status: str = "success", *, at: float, took: float = 60.0) -> list[Record]:
    """Return a job and its latest run."""
    over = status != "running"
    return [
        Job(tenant=tenant, job=EXCHANGE, status=status, outcomes=("successful", "failed"), size_known=True),
        Run(
            tenant=tenant,
            run_id=run_id,
            job=EXCHANGE,
            status=status,
            started_at=at,
            ended_at=at + took if over else None,
            duration_seconds=took if over else None,
        ),
    ]
