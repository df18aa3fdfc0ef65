"""What is remembered of one job, whatever the vendor shows now."""

from dataclasses import dataclass, field
from typing import Final, Literal, Self

from exporter.records import COMPLETED, UNDERWAY, JobHistory, JobKey, Outcome, Run

WAITING: Final = frozenset({"running", "queued", "failed", "failed_to_start"})
"""Statuses of a job without any run that should have one; placeholders of unused workloads have others."""


@dataclass(slots=True)
class SeenRun:
    """A run that is known; one that ended has been counted or need not be."""

    job: JobKey
    state: Literal["open", "ended", "lost"]
    """``lost``: its end was never shown; should it be after all, the run counts then."""
    order: float
    """When it started, or when it was first seen if the vendor does not say."""
    seen_at: float


@dataclass(slots=True)
class JobMemory:
    """All that is remembered of one job."""

    first_seen: float
    seen_at: float = float("-inf")
    """When the vendor stopped showing the job."""
    status: str = "none"
    """The status shown, underway or ended."""
    ended_status: str | None = None
    started_at: float | None = None
    ended_order: float = float("-inf")
    ended_at: float | None = None
    succeeded_at: float | None = None
    completed_at: float | None = None
    duration_seconds: float | None = None
    size_bytes: float | None = None
    objects: dict[Outcome, int] | None = None
    forgotten_before: float = float("-inf")
    """The start of the newest run that was forgotten."""
    gap: float | None = None
    """The longest pause in its schedule, in seconds; 0: somebody starts it; ``None``: not known."""

    _fact: JobHistory | None = field(default=None, repr=False, compare=False)

    def start(self, started_at: float | None) -> bool:
        """Move the last start forward, and tell whether it moved."""
        self._fact = None
        if started_at is None or (self.started_at is not None and started_at <= self.started_at):
            return False
        self.started_at = started_at
        return True

    def tell(self, started_at: float | None, completed_at: float | None) -> bool:
        """Take over what the vendor says of the newest run without showing it; tell whether it was news."""
        moved = self.start(started_at)
        if completed_at is not None and (self.completed_at is None or completed_at > self.completed_at):
            self.completed_at, moved = completed_at, True
        return moved

    def renamed(self) -> Self:
        """Return itself for another name."""
        self._fact = None
        return self

    def ends_later(self, run: Run, order: float) -> bool:
        """Tell whether the newest run that ended did so later than is known."""
        return (
            order == self.ended_order
            and run.ended_at is not None
            and (self.ended_at is None or run.ended_at > self.ended_at)
        )

    def end(self, run: Run, order: float) -> None:
        """Move what is known of the last end, success and completion forward, never back."""
        at = run.ended_at if run.ended_at is not None else run.started_at  # it was no earlier than that
        if at is not None:
            if run.status == "success":
                self.succeeded_at = max(at, self.succeeded_at or at)
            if run.status in COMPLETED:
                self.completed_at = max(at, self.completed_at or at)
        if order < self.ended_order:
            return
        self.ended_order = order
        self.ended_status = run.status
        self.ended_at = run.ended_at
        self.duration_seconds = run.duration_seconds
        self.size_bytes = run.size_bytes
        self.objects = dict(run.objects) if run.objects is not None else None

    def show(self, status: str) -> bool:
        """Set the status to show, and tell if it is another: one under way does not hide how the last run ended."""
        before = self.status
        hidden = status in UNDERWAY and self.ended_status is not None
        self.status = self.ended_status if hidden and self.ended_status else status
        self._fact = None
        return self.status != before

    def fact(
        self, tenant: str, key: JobKey, overdue_after: float | None, *, present: bool, scheduled: bool = False
    ) -> JobHistory:
        """Return what to show of the job: the same object for as long as it says the same."""
        placeholder = self.started_at is None and not scheduled
        expected = self.status in WAITING if placeholder else self.status != "disabled"
        overdue_after = overdue_after if expected else None
        known = self._fact
        if known is None or known.overdue_after_seconds != overdue_after or present != (known.status is not None):
            self._fact = known = _history(tenant, key, self, overdue_after, present=present)
        return known

    def since(self) -> float:
        """Return when the job last started, or was first seen if it never did."""
        return self.started_at if self.started_at is not None else self.first_seen


def _history(tenant: str, key: JobKey, memory: JobMemory, overdue_after: float | None, *, present: bool) -> JobHistory:
    """Return what is remembered of a job; of one that is no longer shown only its times."""
    return JobHistory(
        tenant=tenant,
        job=key,
        first_seen_at=memory.first_seen,
        status=memory.status if present else None,
        started_at=memory.started_at,
        ended_at=memory.ended_at,
        succeeded_at=memory.succeeded_at,
        completed_at=memory.completed_at,
        overdue_after_seconds=overdue_after,
        duration_seconds=memory.duration_seconds if present else None,
        size_bytes=memory.size_bytes if present else None,
        objects=memory.objects if present else None,
    )
