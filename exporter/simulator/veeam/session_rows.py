"""Rows of job sessions, of what they processed and of their logs (reference 8.10)."""

from exporter.simulator.era import Era
from exporter.simulator.veeam.archive import queued_until, status_of
from exporter.simulator.veeam.codes import NOBODY
from exporter.simulator.veeam.history import Amounts, amounts
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.jobs import Session
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.pen import Pen, Row

FULL_EVERY = 8


class SessionRows:
    """Writes the sessions of an installation."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._manners = manners

    def row(self, pen: Pen, session: Session, now: float) -> Row:
        """Return the row of a session that has begun."""
        over = session.end <= now
        done = _so_far(session, now)
        identifier = self._installation.id_of(session)
        job = session.job
        return pen.fields(
            "session",
            {
                "id": identifier,
                "jobId": job.id,
                "repositoryId": job.repository_id,
                "mainSessionId": self._installation.id_of(session, 0) if session.attempt else self._nobody(pen),
                "details": _details(session, done) if over else None,
                "creationTime": pen.time(session.start),
                "endTime": pen.time(session.end) if over else None,
                "retryCount": session.attempt,
                "jobWillBeRetried": session.retried if over else None,
                "progress": done.objects,
                "jobType": job.kind.capitalize(),
                "jobSessionConfigType": "Incremental" if session.run % FULL_EVERY else "Full",
                "status": status_of(session, now),
                "statistics": _statistics(session, done, now),
                "eTag": session.run % 100_000 * 4 + (3 if over else 1),
                **self._where(session, now),
                "_links": self._links(pen, session, identifier),
            },
        )

    def _nobody(self, pen: Pen) -> str | None:
        """Return the main session of a session that is no retry."""
        return NOBODY if self._manners.zero_ids or not pen.modern else None

    def _where(self, session: Session, now: float) -> Row:
        repository = self._installation.repository(session.job.repository_id, now)
        return {
            "proxyId": self._installation.proxy_id(repository.proxy if repository else None),
            "proxyPoolId": self._installation.pool_id(repository.pool if repository else None),
        }

    def _links(self, pen: Pen, session: Session, identifier: str) -> Row:
        job = session.job
        path = "Jobs" if job.kind == "backup" else self._manners.copy_links
        # The name that the real link has is not the one that the server answers to.
        log = f"JobSessions/{identifier}/Log"
        return pen.links(self=f"JobSessions/{identifier}", job=f"{path}/{job.id}", log=log)


def processed_objects(session: Session, number: int) -> Row:
    """Return one of the objects that a session processed."""
    lot = session.job.nature.lot.child("object", session.run, session.attempt, number)
    failed = "Failed" if session.result == "failed" else "Warning"
    bad = session.result in ("warning", "failed") and (number == 0 or lot.chance(0.1, "bad"))
    return {
        "id": lot.guid("id"),
        "type": lot.pick(("User", "User", "User", "Group", "Site", "Team"), "type"),
        "status": failed if bad else "Success",
    }


def log_items(pen: Pen, session: Session, now: float) -> list[Row]:
    """Return the log of a session: how it began, and how it ended if it has."""
    lot = session.job.nature.lot.child("log", session.run, session.attempt)
    lines = [("Success", "Job started (synthetic).", session.start)]
    if session.end <= now:
        kinds = {"success": "Success", "warning": "Warning", "failed": "Error", "stopped": "Stop"}
        lines.append((kinds[session.result], f"Job finished: {session.result} (synthetic).", session.end))
    else:
        lines.append(("Running", "Processing objects (synthetic).", queued_until(session)))
    return [
        pen.fields(
            "log item",
            {
                "id": lot.guid(place),
                "usn": place + 1,
                "type": kind,
                "message": message,
                "title": f"[{kind}] {message}",
                "creationTime": pen.time(at),
                "endTime": pen.time(at),
            },
        )
        for place, (kind, message, at) in enumerate(lines)
    ]


def _so_far(session: Session, now: float) -> Amounts:
    done = amounts(session)
    if session.end <= now:
        return done
    begun = queued_until(session)
    share = max(0.0, (now - begun) / (session.end - begun))
    return Amounts(int(done.objects * share), int(done.items * share), int(done.bytes * share))


def _details(session: Session, done: Amounts) -> str | None:
    match session.result:
        case "failed" if not done.objects:
            return "The repository could not be reached (synthetic)."
        case "failed" | "warning":
            return f"1 of {done.objects + 1} objects failed (synthetic)."
        case "stopped":
            return "Stopped by a person (synthetic)."
        case _:
            return None


def _statistics(session: Session, done: Amounts, now: float) -> Row:
    era: Era = session.job.era
    seconds = max(1.0, (min(now, session.end) - session.start) * era.pace)
    rate = int(done.bytes / seconds)
    over = session.end <= now
    return {
        "processingRateBytesPS": rate,
        "processingRateItemsPS": int(done.items / seconds),
        "readRateBytesPS": rate * 3 // 2,
        "writeRateBytesPS": rate * 2,
        "transferredDataBytes": done.bytes,
        "processedObjects": done.items,
        "bottleneck": session.job.nature.lot.pick(("Source", "Source", "Target", "NA"), "slow")
        if over
        else "Detecting",
    }
