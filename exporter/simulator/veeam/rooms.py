"""How much room repositories have, and how much of it is used."""

from dataclasses import dataclass
from math import floor
from typing import Final

from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY
from exporter.simulator.excess import growing
from exporter.simulator.incidents import RepositoryIncident
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.pen import rounded_up
from exporter.simulator.veeam.repositories import Repository
from exporter.simulator.veeam.usage import stored

GIB: Final = 2**30
LIMIT_STEP: Final = 512 * GIB
DISK_STEP: Final = 1024 * GIB

AMPLE: Final = 2.0
"""How much more room there is in a calm world than is used when it starts."""

FILLED: Final[dict[RepositoryIncident, float]] = {"repository_full": 0.98, "repository_filled": 0.92}
"""Which part is used."""

GROWS_SECONDS: Final = 10 * DAY
"""What grows is full so many real seconds after it began to."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a repository: *used*, and how many there are on its disk or within its limit; None without one."""

    used: int
    capacity: int | None

    @property
    def free(self) -> int | None:
        """How many bytes are left."""
        return None if self.capacity is None else max(0, self.capacity - self.used)


class Rooms:
    """The room of the repositories of an installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def room(self, repository: Repository, now: float) -> Room:
        """Return the room in *repository* at *now*."""
        used = self._used(repository, now)
        share = self._share(repository, now)
        if share is None:
            return Room(used, self._capacity(repository, used))
        capacity = self._capacity(repository, used) or self._ample(repository, LIMIT_STEP)
        return Room(floor(capacity * min(1.0, share)), capacity)

    def users(self, repository: Repository, now: float) -> list[Customer]:
        """Return the organizations that have backups in a repository."""
        identifier = repository.id_in(self._installation.world.seed)
        everyone = [repository.owner] if repository.owner else self._installation.organizations(now)
        return [each for each in everyone if identifier in self._installation.used_by(each)]

    def _used(self, repository: Repository, now: float) -> int:
        days = self._installation.world.era.days(now)
        kept = [stored(customer, repository, days) for customer in self.users(repository, now)]
        return sum(each.disk or each.objects or 0 for each in kept)

    def _capacity(self, repository: Repository, used: int) -> int | None:
        world = self._installation.world
        if repository.storage is None:
            return self._ample(repository, DISK_STEP) if world.calm else rounded_up(used * 1.25 + 500 * GIB, DISK_STEP)
        if repository.limit_gb is None:
            return self._ample(repository, LIMIT_STEP) if self._installation.filling(repository) else None
        if world.calm:
            return self._ample(repository, LIMIT_STEP)
        if repository.owner is None:
            return repository.limit_gb * world.tenants * GIB
        # Somebody raises the limit before it is reached, though not long before.
        return max(repository.limit_gb, rounded_up(used / GIB * 1.05, 512)) * GIB

    def _ample(self, repository: Repository, step: int) -> int:
        """Return a size that does not change, with much room above what was used when the world started."""
        return rounded_up(self._used(repository, self._installation.world.era.start) * AMPLE + step, step)

    def _share(self, repository: Repository, now: float) -> float | None:
        """Return which part is used if an incident says."""
        for incident in self._installation.filling(repository):
            if incident.kind in FILLED and incident.strikes(now):
                return FILLED[incident.kind]
            if incident.kind == "repository_growing" and now < incident.until:
                return growing(incident.since, now, GROWS_SECONDS)
        return None
