"""Cloud Backup v2: the envelope with its own status code around everything (reference 9)."""

from aiohttp import web

from exporter.simulator.cloudbackup.answers import Body, enveloped
from exporter.simulator.cloudbackup.desk import Desk
from exporter.simulator.cloudbackup.job_rows import row
from exporter.simulator.cloudbackup.other_rows import frequency, license_of, retention
from exporter.simulator.cloudbackup.paths import pattern
from exporter.simulator.cloudbackup.questions import Query
from exporter.simulator.cloudbackup.texts import read_instant
from exporter.simulator.cloudbackup.v1 import unusual_activities
from exporter.simulator.customers import Customer
from exporter.simulator.jobs import Job
from exporter.simulator.schedule import plan_of


class V2:
    """The six operations over a world."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, each under the name of its operation."""
        operations = {
            "cloudbackup_v2_jobs": self.jobs,
            "cloudbackup_v2_license": self.license,
            "cloudbackup_v2_unusual_activity": self.unusual_activity,
            "cloudbackup_v2_frequency": self.frequency,
            "cloudbackup_v2_retention": self.retention,
        }
        now = self._desk.now
        lists = [web.get(pattern(name), enveloped(make, now), name=name) for name, make in operations.items()]
        name = "cloudbackup_v2_job"
        return [*lists, web.get(f"{pattern(name)}/{{job}}", enveloped(self.job, now), name=name)]

    def jobs(self, request: web.Request) -> Body:
        """List runs, newest first."""
        page = self._desk.page(request, read_instant, "nextLink")
        metadata = {page.total_name: page.total, **page.link}
        return {"errors": [], "data": [row(each) for each in page.runs], "metadata": metadata}

    def job(self, request: web.Request) -> Body:
        """Show one run."""
        return {"data": row(self._desk.run(request, request.match_info["job"]))}

    def license(self, request: web.Request) -> Body:
        """Show what is bought and used."""
        return {"data": license_of(self._desk.customer(request), self._desk.world.era, self._desk.now())}

    def unusual_activity(self, request: web.Request) -> Body:
        """List what looked unusual in a range of time, in data within data."""
        return {"data": {"data": unusual_activities(self._desk, request)}}

    def frequency(self, request: web.Request) -> Body:
        """List how often each workload is backed up, and when today."""
        customer = self._desk.customer(request)
        jobs = () if self._desk.nowhere(Query(request)) else self._running(customer)
        era, now = self._desk.world.era, self._desk.now()
        return {"data": [frequency(plan_of(job, era, now)) for job in jobs]}

    def retention(self, request: web.Request) -> Body:
        """Show how long backups are kept."""
        customer = self._desk.customer(request)
        return {"data": retention(customer, self._running(customer))}

    def _running(self, customer: Customer) -> tuple[Job, ...]:
        now = self._desk.now()
        running = [job for job in self._desk.world.shown_jobs(customer, now) if job.kind == "running"]
        return tuple(job for job in running if job.workload.product == "Microsoft 365" and not job.switched_off(now))
