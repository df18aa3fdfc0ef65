"""What ended when at Veeam: the truth for tests, in nobody's spelling."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Final

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.codes import Result
from exporter.simulator.veeam.jobs import MOST_ATTEMPTS, Chain, Kind, Session, VeeamJob
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World

BYTES_PER_ITEM: Final = 48_000
ITEMS_PER_OBJECT: Final = 9


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a session did: objects such as mailboxes, the items in them, bytes."""

    objects: int
    items: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One finished run with all its retries; times in Unix seconds, *objects* are the processed items."""

    organization_id: str
    job_id: str
    job_name: str
    job_type: Kind
    status: Result
    started: float
    ended: float
    attempts: int
    bytes: int
    objects: int

    @property
    def retries(self) -> int:
        """The attempts beyond the first."""
        return self.attempts - 1

    @property
    def duration(self) -> float:
        """Seconds from the first start to the last end."""
        return self.ended - self.started


def ended_between(world: World, customer: Customer, after: float, until: float) -> Iterator[Ended]:
    """Yield the runs of *customer* that ended later than *after* and not later than *until*, job by job."""
    for job in jobs_of(world, customer):
        for chain in job.chains(after - job.reach, until):
            if after < chain[-1].end <= until:
                yield ended(chain)


def ended(chain: Chain) -> Ended:
    """Return what is true of a run once its last session is over."""
    last = chain[-1]
    done = [amounts(session) for session in chain]
    return Ended(
        organization_id=last.job.nature.customer_id,
        job_id=last.job.id,
        job_name=last.job.name,
        job_type=last.job.kind,
        status=last.result,
        started=chain[0].start,
        ended=last.end,
        attempts=len(chain),
        bytes=sum(each.bytes for each in done),
        objects=sum(each.items for each in done),
    )


def last_backup(job: VeeamJob, now: float) -> float | None:
    """Return when the newest session ended that made a restore point: in success or warning; None if none has."""
    for chain in job.newest_first(now):
        for session in reversed(chain):
            if session.end <= now and session.result in ("success", "warning"):
                return session.end
    return None


def amounts(session: Session) -> Amounts:
    """Return what a session has done when it is over."""
    draws = session.job.nature.lot.child("amounts").six(session.run * MOST_ATTEMPTS + session.attempt)
    usual = session.job.nature.temper.objects * (0.9 + 0.2 * draws[0])
    match session.result:
        case "success" | "warning":
            share = 1.0 if not session.attempt else 0.1
        case "stopped":
            share = draws[1]
        case _:
            share = max(0.0, draws[1] - 0.4)
    objects = floor(usual * share)
    items = floor(objects * ITEMS_PER_OBJECT * draws[2])
    return Amounts(objects, items, floor(items * BYTES_PER_ITEM * draws[3]))
