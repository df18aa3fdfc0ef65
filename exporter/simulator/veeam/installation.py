"""One Veeam server of the world: whose organizations it backs up, its jobs, repositories and licence."""

from dataclasses import replace
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.incidents import Incident, RepositoryIncident
from exporter.simulator.veeam.identifiers import Address, address_of, session_id
from exporter.simulator.veeam.jobs import Kind, Session, VeeamJob
from exporter.simulator.veeam.repositories import (
    COPIES,
    OFFLINE_PROXY,
    RETIRED,
    SHARED,
    Repository,
    calmed,
    own_repository,
)
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World

PROXY_HOSTS: Final = ("vb365", "vb365-proxy1", "vb365-proxy2", "vb365-old", "vb365-pool1", "vb365-pool2")
"""The host of each proxy; the place in this list is the place of the proxy."""

FILLING: Final[tuple[RepositoryIncident, ...]] = ("repository_full", "repository_filled", "repository_growing")
"""The incidents that leave a repository little room."""


class Installation:
    """What is on the server at any instant; it keeps nothing but what was already computed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lot = Lot.of(world.seed, "veeam")
        self._jobs: dict[int, tuple[VeeamJob, ...]] = {}
        self._by_id: dict[str, VeeamJob] = {}
        self._own: dict[int, Repository | None] = {}
        self._used: dict[int, tuple[str, ...]] = {}
        self._places: dict[str, Repository] = {}

    def organizations(self, now: float) -> list[Customer]:
        """Return the customers with Microsoft 365 backup at *now*, in a stable order."""
        return [customer for customer in self.world.customers(now) if customer.has("Microsoft 365")]

    def organization(self, identifier: str, now: float) -> Customer | None:
        """Return the organization with this id at *now*."""
        customer = self.world.find(identifier, now)
        return customer if customer and customer.has("Microsoft 365") else None

    def jobs_of(self, customer: Customer) -> tuple[VeeamJob, ...]:
        """Return the jobs and copy jobs of *customer*, whether they are shown or not."""
        if customer.number not in self._jobs:
            self._jobs[customer.number] = jobs_of(self.world, customer)
        return self._jobs[customer.number]

    def shown_jobs(self, customer: Customer, now: float) -> list[VeeamJob]:
        """Return the jobs and copy jobs of *customer* that are shown at *now*."""
        return [job for job in self.jobs_of(customer) if not job.nature.vanished(now)]

    def used_by(self, customer: Customer) -> tuple[str, ...]:
        """Return the ids of the repositories that *customer* has backups in, each once, in a stable order."""
        if customer.number not in self._used:
            ids = (job.repository_id for job in self.jobs_of(customer))
            self._used[customer.number] = tuple(dict.fromkeys(ids))
        return self._used[customer.number]

    def jobs(self, now: float, kind: Kind | None = None) -> list[VeeamJob]:
        """Return all jobs at *now*, or those of one kind."""
        everything = (job for customer in self.organizations(now) for job in self.shown_jobs(customer, now))
        return [job for job in everything if kind in (None, job.kind)]

    def job(self, identifier: str, now: float) -> VeeamJob | None:
        """Return the job with this id at *now*."""
        if identifier.lower() not in self._by_id:
            self._by_id |= {job.id: job for job in self.jobs(now)}
        job = self._by_id.get(identifier.lower())
        gone = job is None or job.nature.vanished(now) or not self.organization(job.nature.customer_id, now)
        return None if gone else job

    def id_of(self, session: Session, attempt: int | None = None) -> str:
        """Return the id of *session*, or of another *attempt* of its run."""
        job = session.job
        attempt = session.attempt if attempt is None else attempt
        return session_id(self.world.seed, Address(job.customer_number, job.place, session.run, attempt))

    def session(self, identifier: str, now: float) -> Session | None:
        """Return the session with this id if it has begun by *now*."""
        address = address_of(self.world.seed, identifier)
        if address is None:
            return None
        owner = next((each for each in self.organizations(now) if each.number == address.customer), None)
        jobs = self.jobs_of(owner)[address.place : address.place + 1] if owner else ()
        sessions = (session for job in jobs if not job.nature.vanished(now) for session in job.chain(address.run))
        return next((each for each in sessions if each.attempt == address.attempt and each.start <= now), None)

    def repositories(self, now: float) -> list[Repository]:
        """Return the repositories at *now*, in a stable order."""
        owned = (self._owned(customer) for customer in self.organizations(now))
        common = map(calmed, (*SHARED, *COPIES)) if self.world.calm else (*SHARED, *RETIRED, *COPIES)
        return [self._as_of(each, now) for each in (*common, *owned) if each]

    def repository(self, identifier: str, now: float) -> Repository | None:
        """Return the repository with this id at *now*."""
        if identifier.lower() not in self._places:
            self._places |= {each.id_in(self.world.seed): each for each in self.repositories(now)}
        repository = self._places.get(identifier.lower())
        gone = repository and repository.owner and not self.organization(repository.owner.id, now)
        return None if gone or repository is None else self._as_of(repository, now)

    def filling(self, repository: Repository) -> list[Incident]:
        """Return the incidents, past and future ones too, that leave *repository* little room."""
        names = self._names(repository)
        return [each for each in self.world.incidents.of("") if each.kind in FILLING and each.workload in names]

    def offline(self, place: int | None, now: float) -> bool:
        """Tell whether the proxy at *place* does not answer at *now*; in a calm world all do, but for incidents."""
        if place is None:
            return False
        names = (PROXY_HOSTS[place], *(() if place else ("",)))
        return self.world.incidents.struck("proxy_offline", now, *names) is not None or (
            place == OFFLINE_PROXY and not self.world.calm
        )

    def proxy_id(self, place: int | None) -> str | None:
        """Return the id of a proxy."""
        return None if place is None else self.lot.guid("proxy", place)

    def pool_id(self, place: int | None) -> str | None:
        """Return the id of a proxy pool."""
        return None if place is None else self.lot.guid("pool", place)

    def _as_of(self, repository: Repository, now: float) -> Repository:
        """Return *repository* as incidents have it at *now*."""
        names, struck = self._names(repository), self.world.incidents.struck
        return replace(
            repository,
            out_of_order=repository.out_of_order or struck("repository_out_of_order", now, *names) is not None,
            out_of_sync=repository.out_of_sync or struck("repository_out_of_sync", now, *names) is not None,
            outdated=repository.outdated or struck("repository_outdated", now, *names) is not None,
        )

    def _names(self, repository: Repository) -> tuple[str, ...]:
        """Return what incidents call a repository: its name, and nothing if it is the first one."""
        return (repository.name, *(("",) if repository.key == SHARED[0].key else ()))

    def _owned(self, customer: Customer) -> Repository | None:
        if customer.number not in self._own:
            self._own[customer.number] = own_repository(customer)
        return self._own[customer.number]
