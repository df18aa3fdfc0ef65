"""One Veeam server of the world: whose organizations it backs up, its jobs, repositories and licence."""

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.veeam.identifiers import Address, address_of, session_id
from exporter.simulator.veeam.jobs import Kind, Session, VeeamJob
from exporter.simulator.veeam.repositories import COPIES, RETIRED, SHARED, Repository, own_repository
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World


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
        """Return the jobs and copy jobs of *customer*."""
        if customer.number not in self._jobs:
            self._jobs[customer.number] = jobs_of(self.world, customer)
        return self._jobs[customer.number]

    def used_by(self, customer: Customer) -> tuple[str, ...]:
        """Return the ids of the repositories that *customer* has backups in, each once, in a stable order."""
        if customer.number not in self._used:
            ids = (job.repository_id for job in self.jobs_of(customer))
            self._used[customer.number] = tuple(dict.fromkeys(ids))
        return self._used[customer.number]

    def jobs(self, now: float, kind: Kind | None = None) -> list[VeeamJob]:
        """Return all jobs at *now*, or those of one kind."""
        everything = (job for customer in self.organizations(now) for job in self.jobs_of(customer))
        return [job for job in everything if kind in (None, job.kind)]

    def job(self, identifier: str, now: float) -> VeeamJob | None:
        """Return the job with this id at *now*."""
        if identifier.lower() not in self._by_id:
            self._by_id |= {job.id: job for job in self.jobs(now)}
        job = self._by_id.get(identifier.lower())
        return job if job and self.organization(job.nature.customer_id, now) else None

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
        sessions = (session for job in jobs for session in job.chain(address.run))
        return next((each for each in sessions if each.attempt == address.attempt and each.start <= now), None)

    def repositories(self, now: float) -> list[Repository]:
        """Return the repositories at *now*, in a stable order."""
        owned = (self._owned(customer) for customer in self.organizations(now))
        return [*SHARED, *RETIRED, *COPIES, *(repository for repository in owned if repository)]

    def repository(self, identifier: str, now: float) -> Repository | None:
        """Return the repository with this id at *now*."""
        if identifier.lower() not in self._places:
            self._places |= {each.id_in(self.world.seed): each for each in self.repositories(now)}
        repository = self._places.get(identifier.lower())
        gone = repository and repository.owner and not self.organization(repository.owner.id, now)
        return None if gone else repository

    def proxy_id(self, place: int | None) -> str | None:
        """Return the id of a proxy."""
        return None if place is None else self.lot.guid("proxy", place)

    def pool_id(self, place: int | None) -> str | None:
        """Return the id of a proxy pool."""
        return None if place is None else self.lot.guid("pool", place)

    def _owned(self, customer: Customer) -> Repository | None:
        if customer.number not in self._own:
            self._own[customer.number] = own_repository(customer)
        return self._own[customer.number]
