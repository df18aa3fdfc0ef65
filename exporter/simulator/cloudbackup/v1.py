"""Cloud Backup v1: flat answers, ISO times, two spellings of the counts (reference 8)."""

from aiohttp import web

from exporter.simulator.cloudbackup.answers import Body, flat
from exporter.simulator.cloudbackup.desk import Desk
from exporter.simulator.cloudbackup.job_rows import Row, row
from exporter.simulator.cloudbackup.other_rows import activity, license_of
from exporter.simulator.cloudbackup.paths import pattern
from exporter.simulator.cloudbackup.questions import Query
from exporter.simulator.cloudbackup.texts import read_instant


class V1:
    """The three operations over a world."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, each under the name of its operation."""
        operations = {
            "cloudbackup_v1_jobs": self.jobs,
            "cloudbackup_v1_license": self.license,
            "cloudbackup_v1_unusual_activity": self.unusual_activity,
        }
        return [web.get(pattern(name), flat(make), name=name) for name, make in operations.items()]

    def jobs(self, request: web.Request) -> Body:
        """List runs, newest first."""
        page = self._desk.page(request, read_instant, "nextLink")
        return {page.total_name: page.total, "jobs": [row(each) for each in page.runs], **page.link}

    def license(self, request: web.Request) -> Body:
        """Show what is bought and used."""
        return license_of(self._desk.customer(request), self._desk.world.era, self._desk.now())

    def unusual_activity(self, request: web.Request) -> Body:
        """List what looked unusual in a range of time."""
        return {"data": unusual_activities(self._desk, request)}


def unusual_activities(desk: Desk, request: web.Request) -> list[Row]:
    """Return the rows of a range of time that must be given."""
    customer, query = desk.customer(request), Query(request)
    start, finish = query.closed_range(read_instant)
    if desk.nowhere(query):
        return []
    found = desk.world.anomalies(customer, start, min(finish, desk.now()))
    return [activity(customer, each) for each in found]
