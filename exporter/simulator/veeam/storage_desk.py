"""Answers about repositories and proxies (reference 8.7, 8.8 and 8.14)."""

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.answers import Answered, Answerer, Listing
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.organization_rows import backed_up_id, name_of
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.questions import Question, missing
from exporter.simulator.veeam.repositories import Repository
from exporter.simulator.veeam.rooms import Rooms
from exporter.simulator.veeam.storage_rows import (
    POOLS,
    PROXIES,
    object_storage_row,
    pool_row,
    proxy_row,
    repository_row,
)
from exporter.simulator.veeam.usage import stored


class StorageDesk:
    """The answers about where backups are kept and what carries them there."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._seed = installation.world.seed
        self._rooms = Rooms(installation)

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        return {
            "repositories": self.repositories,
            "repository": self.repository,
            "backedup_organizations": self.backedup_organizations,
            "object_storage": self.object_storage,
            "proxies": self.proxies,
            "proxy_pools": self.proxy_pools,
            "synchronize_sessions": self.synchronize_sessions,
        }

    def repositories(self, question: Question) -> Answered:
        """List the repositories that the filters leave."""
        query, installation = question.query, self._installation
        found = self._long_term(question)
        if proxy := query.identifier("proxyId"):
            found = [each for each in found if installation.proxy_id(each.proxy) == proxy]
        if question.modern and (pool := query.identifier("proxyPoolId")):
            found = [each for each in found if installation.pool_id(each.pool) == pool]
        if question.modern and (owner := query.identifier("organizationId")):
            found = [each for each in found if each.owner and each.owner.id == owner]
        return Listing.of(found, lambda each: self._row(question, each))

    def repository(self, question: Question) -> Answered:
        """Show one repository."""
        return self._row(question, self._repository(question))

    def backedup_organizations(self, question: Question) -> Answered:
        """List what each organization has in a repository."""
        repository = self._repository(question)
        days = self._installation.world.era.days(question.now)

        def row(customer: Customer) -> Row:
            kept = stored(customer, repository, days)
            return {
                "id": backed_up_id(customer),
                "name": name_of(customer),
                "usedSpaceBytes": kept.disk,
                "localCacheUsedSpaceBytes": kept.cache,
                "objectStorageUsedSpaceBytes": kept.objects,
                "_links": {},
            }

        return Listing.of(self._rooms.users(repository, question.now), row)

    def object_storage(self, question: Question) -> Answered:
        """List the object storage under the repositories, which v8 shows as a part of them."""
        found = [each for each in self._long_term(question) if each.storage]

        def row(each: Repository) -> Row:
            room = self._rooms.room(each, question.now)
            return object_storage_row(question.pen, self._installation, each, room)

        return Listing.of(found, row)

    def proxies(self, question: Question) -> Answered:
        """List the proxies."""
        extended = question.query.flag("extendedView", default=question.pen.version == "v6")
        places = range(len(PROXIES))
        return Listing.of(
            places, lambda place: proxy_row(question.pen, self._installation, place, question.now, extended=extended)
        )

    def proxy_pools(self, _question: Question) -> Answered:
        """List the pools of proxies."""
        return Listing.of(range(len(POOLS)), lambda place: pool_row(self._installation, place))

    def synchronize_sessions(self, question: Question) -> Answered:
        """List how far the caches of object storage are, where one has to be made anew or was."""
        found = [each for each in self._installation.repositories(question.now) if each.storage and not each.long_term]
        return Listing.of(found, lambda each: self._synchronize(each, question.now))

    def _synchronize(self, repository: Repository, now: float) -> Row:
        lot = repository.lot(self._seed)
        failed = repository.out_of_order
        state = "Failed" if failed else "Synchronizing" if repository.out_of_sync else "None"
        share = int(self._installation.world.era.days(now) * 100) % 100
        return {
            "id": lot.guid("synchronize"),
            "repositoryId": repository.id_in(self._seed),
            "state": state,
            "progressPercent": share if state == "Synchronizing" else None if failed else 100,
            "error": "The bucket is not reachable (synthetic)." if failed else None,
            "_links": {},
        }

    def _repository(self, question: Question) -> Repository:
        repository = self._installation.repository(question.call.id, question.now)
        if repository is None:
            raise missing()
        return repository

    def _long_term(self, question: Question) -> list[Repository]:
        """Return the repositories; only archives if those are asked for."""
        archives = question.query.flag("longTerm", default=False)
        return [each for each in self._installation.repositories(question.now) if each.long_term or not archives]

    def _row(self, question: Question, repository: Repository) -> Row:
        room = self._rooms.room(repository, question.now)
        return repository_row(question.pen, self._installation, repository, room)
