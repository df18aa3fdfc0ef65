"""Answers about jobs, their sessions, restores and restore points (reference 8.9 to 8.11 and 8.13)."""

from math import inf

from exporter.simulator.veeam.answers import Answered, Answerer, Listing
from exporter.simulator.veeam.archive import Archive, Search
from exporter.simulator.veeam.codes import FILTERS
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.job_rows import copy_row, excluded_items, job_row, selected_items
from exporter.simulator.veeam.jobs import Kind, Session, VeeamJob
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.questions import Question, missing
from exporter.simulator.veeam.session_rows import SessionRows, log_items, processed_objects


class JobDesk:
    """The answers about the jobs of an installation and what they did."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._archive = Archive(installation, manners)
        self._rows = SessionRows(installation, manners)

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        return {
            "jobs": self.jobs,
            "copy_jobs": self.copy_jobs,
            "selected_items": lambda question: Listing.of(selected_items(self._job(question)), dict),
            "excluded_items": lambda question: Listing.of(excluded_items(self._job(question)), dict),
            "job_sessions": self.sessions,
            "job_session": self.session,
            "sessions_of_job": self.sessions_of_job,
            "processed_objects": self.processed,
            "log_items": self.log,
        }

    def jobs(self, question: Question) -> Answered:
        """List the backup jobs; only v8 has filters."""
        found = self._asked(question, "backup", by_repository=question.modern)
        return Listing.of(found, lambda job: job_row(question.pen, job, question.now))

    def copy_jobs(self, question: Question) -> Answered:
        """List the copy jobs."""
        found = self._asked(question, "copy", by_repository=True)
        return Listing.of(found, lambda job: copy_row(question.pen, job, question.now))

    def sessions(self, question: Question) -> Answered:
        """List sessions by what this version can filter."""
        query, version = question.query, question.pen.version
        search = Search(
            after=query.time("endTimeLowerBound", -inf),
            until=inf if version == "v6" else query.time("endTimeUpperBound"),
            kind=query.choice("jobType", {"backup": "backup", "copy": "copy"}),
            status=query.choice("status", FILTERS) if question.modern else None,
            job_id=None if version == "v6" else query.identifier("jobId"),
        )
        return self._listed(question, search)

    def sessions_of_job(self, question: Question) -> Answered:
        """List the sessions of one job, in v6."""
        return self._listed(question, Search(job_id=self._job(question).id))

    def session(self, question: Question) -> Answered:
        """Show one session."""
        return self._rows.row(question.pen, self._session(question), question.now)

    def processed(self, question: Question) -> Answered:
        """List some of what a session processed."""
        session = self._session(question)
        count = min(200, session.job.nature.temper.objects)
        return Listing.of(range(count), lambda number: processed_objects(session, number))

    def log(self, question: Question) -> Answered:
        """List the log of a session."""
        items = log_items(question.pen, self._session(question), question.now)
        if question.modern and (kind := question.query.text("type")):
            items = [item for item in items if item["type"].lower() == kind.lower()]
        return Listing.of(items, dict)

    def _listed(self, question: Question, search: Search) -> Listing:
        def cut(offset: int, limit: int) -> list[Row]:
            found = self._archive.page(search, question.now, offset, limit)
            return [self._rows.row(question.pen, session, question.now) for session in found]

        return Listing(cut)

    def _asked(self, question: Question, kind: Kind, *, by_repository: bool) -> list[VeeamJob]:
        query = question.query
        owner = query.identifier("organizationId") if question.modern else None
        repository = query.identifier("repositoryId") if by_repository else None
        return [
            job
            for job in self._installation.jobs(question.now, kind)
            if owner in (None, job.nature.customer_id) and repository in (None, job.repository_id)
        ]

    def _job(self, question: Question) -> VeeamJob:
        job = self._installation.job(question.call.id, question.now)
        if job is None:
            raise missing()
        return job

    def _session(self, question: Question) -> Session:
        session = self._installation.session(question.call.id, question.now)
        if session is None:
            raise missing()
        return session
