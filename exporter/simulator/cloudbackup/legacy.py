"""Cloud Backup legacy: flat answers in capital initials, times in .NET ticks (reference 7)."""

from typing import Any

from aiohttp import web

from exporter.simulator.cloudbackup.answers import Body, flat
from exporter.simulator.cloudbackup.desk import Desk
from exporter.simulator.cloudbackup.job_rows import legacy_row
from exporter.simulator.cloudbackup.other_rows import license_of
from exporter.simulator.cloudbackup.paths import pattern
from exporter.simulator.cloudbackup.texts import read_ticks


class Legacy:
    """The two operations over a world."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, each under the name of its operation."""
        operations = {"cloudbackup_legacy_jobs": self.jobs, "cloudbackup_legacy_license": self.license}
        return [web.get(pattern(name), flat(make), name=name) for name, make in operations.items()]

    def jobs(self, request: web.Request) -> Body:
        """List runs, newest first."""
        page = self._desk.page(request, read_ticks, "NextLink")
        whole = self._desk.manners.whole_seconds
        rows = [legacy_row(each, whole_seconds=whole) for each in page.runs]
        return self._cased({"TotalCount": page.total, "Jobs": rows, **page.link})

    def license(self, request: web.Request) -> Body:
        """Show what is bought and used."""
        row = license_of(self._desk.customer(request), self._desk.world.era, self._desk.now())
        return self._cased({name[0].upper() + name[1:]: value for name, value in row.items()})

    def _cased(self, body: Body) -> Body:
        return {**_small(body)} if self._desk.manners.legacy_camel else body


def _small(value: Any) -> Any:
    """Return *value* with small initials, however deep."""
    match value:
        case dict():
            return {name[0].lower() + name[1:]: _small(each) for name, each in value.items()}
        case list():
            return [_small(each) for each in value]
        case _:
            return value
