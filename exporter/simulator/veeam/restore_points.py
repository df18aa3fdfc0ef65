"""Restore points: what the newest good runs of each job left behind (reference 8.13)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from exporter.simulator.era import DAY
from exporter.simulator.veeam.codes import NOBODY
from exporter.simulator.veeam.jobs import Session, VeeamJob
from exporter.simulator.veeam.pen import Pen, Row

KEPT: Final = 10
"""So many restore points of each job are shown."""


def restore_points(job: VeeamJob, now: float) -> Iterator[Session]:
    """Yield the sessions that made the newest restore points of a job, backwards."""
    ends = (chain[-1] for chain in job.newest_first(now))
    good = (last for last in ends if last.end <= now and last.result in ("success", "warning"))
    return islice(good, KEPT)


def restore_point_row(pen: Pen, session: Session, identifier: str, *, long_term: bool) -> Row:
    """Return the row of a restore point, whose id is made from the one of its session."""
    job = session.job
    return pen.fields(
        "restore point",
        {
            "id": f"rp-{identifier}",
            "isDeleted": False,
            "repositoryId": job.repository_id,
            "backupTime": pen.time(session.end),
            "jobId": job.id,
            "retrievalId": NOBODY,
            "organizationId": job.nature.customer_id,
            "isExchange": True,
            "isSharePoint": job.entire,
            "isOneDrive": job.entire,
            "isTeams": job.entire,
            "isLongTermCopy": job.kind == "copy" and long_term,
            "isCopy": job.kind == "copy",
            "isRetrieved": False,
            "eTag": session.run % 1000,
            "objectsEtag": session.run % 1000,
            "immutabilityExpiresOn": pen.time(session.end + 30 * DAY) if job.kind == "copy" else None,
            "_links": {},
        },
    )
