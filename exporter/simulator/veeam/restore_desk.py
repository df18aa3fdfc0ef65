"""Answers about restores and restore points (reference 8.11 and 8.13)."""

from math import inf

from exporter.simulator.veeam.answers import Answered, Answerer, Listing
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.jobs import Session
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.questions import Query, Question, missing
from exporter.simulator.veeam.restore_points import restore_point_row, restore_points
from exporter.simulator.veeam.restores import Restore, restore_row, restores, statistics_row


class RestoreDesk:
    """The answers about what was restored and what could be."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        return {
            "restore_sessions": self.sessions,
            "restore_statistics": self.statistics,
            "restore_points": self.points,
        }

    def sessions(self, question: Question) -> Answered:
        """List restores, the newest first unless v8 is asked otherwise."""
        query = question.query
        until = query.time("startTimeTo")
        found = [each for each in self._restores(question, query.time("startTimeFrom", 0.0)) if each.start <= until]
        ascending = False
        by_end = False
        if question.modern:
            found = _ended(found, query, question.now)
            ascending = query.flag("orderAsc", default=False)
            by_end = (query.text("orderBy") or "").lower() == "endtime"
        found.sort(key=lambda each: each.end if by_end else each.start, reverse=not ascending)
        return Listing.of(found, lambda each: restore_row(question.pen, each, question.now))

    def statistics(self, question: Question) -> Answered:
        """Show what a restore brought back."""
        wanted = question.call.id.lower()
        found = next((each for each in self._restores(question, 0.0) if each.id == wanted), None)
        if found is None:
            raise missing()
        return statistics_row(found)

    def points(self, question: Question) -> Answered:
        """List restore points; v6 cannot bound their time."""
        query, old = question.query, question.pen.version == "v6"
        after = -inf if old else query.time("from", -inf)
        until = inf if old else query.time("to")
        wanted = {name: query.identifier(name) for name in ("organizationId", "jobId", "repositoryId")}
        found = [
            session
            for job in self._installation.jobs(question.now)
            if wanted["organizationId"] in (None, job.nature.customer_id)
            and wanted["jobId"] in (None, job.id)
            and wanted["repositoryId"] in (None, job.repository_id)
            for session in restore_points(job, question.now)
            if after <= session.end <= until
        ]
        return Listing.of(found, lambda session: self._point(question, session))

    def _point(self, question: Question, session: Session) -> Row:
        place = self._installation.repository(session.job.repository_id, question.now)
        identifier = self._installation.id_of(session)
        return restore_point_row(question.pen, session, identifier, long_term=bool(place and place.long_term))

    def _restores(self, question: Question, after: float) -> list[Restore]:
        customers = self._installation.organizations(question.now)
        return list(restores(customers, self._installation.world.era, question.now, after))


def _ended(found: list[Restore], query: Query, now: float) -> list[Restore]:
    """Return the restores that ended within the bounds of the query; all without bounds."""
    after, until = query.time("endTimeFrom", -inf), query.time("endTimeTo")
    if (after, until) == (-inf, inf):
        return found
    return [each for each in found if each.end <= now and after <= each.end <= until]
