"""The licence of the server and what each organization uses of it (reference 8.3, 8.6, 8.12 and 9)."""

from math import floor
from typing import Final

from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.manners import LicenseType, LicenseUse, VeeamManners
from exporter.simulator.veeam.organization_rows import backed_up_id, name_of
from exporter.simulator.veeam.pen import Pen, Row, rounded_up
from exporter.simulator.veeam.usage import licensed_users, new_users

GRACE_DAYS: Final[dict[LicenseType, int]] = {
    "Subscription": 31,
    "Rental": 61,
    "Evaluation": 0,
    "NFR": 0,
    "Community": 0,
    "AwsPrivateOffer": 0,
}

SHARES: Final[dict[LicenseUse, float]] = {"within": 1.15, "over": 0.95, "beyond": 0.6}
"""How many licences there are for each user: a tenth more users than licences is tolerated at least."""

AMPLE: Final = 1.5
"""How many there are in a calm world for each user when it starts."""

LASTING_DAYS: Final = 402.0
"""For so many real days after the start of a calm world the licence is good at least."""


class LicenseRows:
    """Writes the licence of an installation as its manners want it."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._manners = manners

    def license(self, pen: Pen, now: float) -> Row:
        """Return the licence of the server."""
        customers = self._installation.organizations(now)
        used = _users(customers)
        expires, grace = self._dates()
        kind = self._manners.license_type
        row = {
            "licenseID": self._installation.lot.guid("license"),
            "email": "licences@provider.example",
            "status": "Expired" if expires is not None and expires <= now else "Valid",
            "licenseExpires": pen.time(expires),
            "gracePeriodExpires": pen.time(grace),
            "expirationDate": pen.time(expires),
            "supportExpirationDate": pen.time(grace),
            "type": kind,
            "package": "M365Suite" if kind == "Subscription" else "M365",
            "licensedTo": "Synthetic Managed Services",
            "contactPerson": "Pat Example",
            "totalNumber": self._total(used, now),
            "usedNumber": used,
            "newNumber": sum(self.new_users(customer) for customer in customers),
            "supportID": "00000001",
        }
        return pen.fields("license", row)

    def new_users(self, customer: Customer) -> int:
        """Return how many users count as new: only rental knows them."""
        return new_users(customer) if self._manners.license_type == "Rental" else 0

    def information(self, customer: Customer) -> Row:
        """Return what an organization uses of the licence."""
        return {"licensedUsers": licensed_users(customer), "newUsers": self.new_users(customer)}

    def usage(self, customers: list[Customer]) -> Row:
        """Return what all of them use."""
        lot = self._installation.lot
        rows = [self._usage(customer) for customer in customers]
        return {"platformTypes": [{"platformId": lot.guid("platform"), "typeId": 1, "organizations": rows}]}

    def user(self, pen: Pen, customer: Customer, number: int, now: float) -> Row:
        """Return the row of one licensed user; the first ones are the new ones."""
        lot = customer.lot.child("veeam user", number)
        # The newest user has not been backed up yet, the others were on one of the last 31 days.
        unseen = number == 0 and customer.lot.chance(0.3, "veeam unseen user")
        last = now - now % DAY - DAY * floor(lot.fraction("last") ** 4 * 31)
        return {
            "id": lot.guid("id"),
            "name": f"user{number}@{customer.domain}",
            "isBackedUp": not unseen,
            "lastBackupDate": None if unseen else pen.time(last),
            "licenseState": self._state(customer, number, now),
            "organizationId": customer.id,
            "backedUpOrganizationId": backed_up_id(customer),
            "organizationName": name_of(customer),
        }

    def _usage(self, customer: Customer) -> Row:
        used, new = licensed_users(customer), self.new_users(customer)
        return {
            "organizationId": customer.id,
            "backedUpOrganizationId": backed_up_id(customer),
            "organizationName": name_of(customer),
            "usedObjectsCount": used,
            "usedPoints": float(used),
            "newObjectsCount": new,
            "newPoints": float(new),
        }

    def _use(self, now: float) -> LicenseUse:
        """Return how many users there are for the licence at *now*: as the manners want it, or an incident."""
        struck = self._installation.world.incidents.struck
        if struck("license_exceeded", now):
            return "beyond"
        return "over" if struck("license_overused", now) else self._manners.license_use

    def _state(self, customer: Customer, number: int, now: float) -> str:
        use = self._use(now)
        if number < self.new_users(customer):
            return "New"
        if number >= SHARES[use] * licensed_users(customer):
            return "Exceeded" if use == "beyond" else "TemporarilyAssigned"
        return "Licensed"

    def _total(self, used: int, now: float) -> int:
        if self._manners.license_type == "Community":
            return 10
        use, world = self._use(now), self._installation.world
        if use != "within":
            return floor(used * SHARES[use])
        if world.calm:
            return rounded_up(_users(self._installation.organizations(world.era.start)) * AMPLE, 50)
        return rounded_up(used * SHARES[use], 50)

    def _dates(self) -> tuple[float | None, float | None]:
        """Return when the licence expires and when the time after that is over, usually at midnights."""
        world, grace = self._installation.world, GRACE_DAYS[self._manners.license_type] * DAY
        ends = [each.until for each in world.incidents.of_kind("license_ends")]
        if ends:
            return ends[-1], ends[-1] + grace
        days = self._manners.license_days
        if days is None or self._manners.license_type == "Community":
            return None, None
        then = max(world.era.after(days), world.era.start + LASTING_DAYS * DAY if world.calm else 0.0)
        expires = then - then % DAY
        return expires, expires + grace


def _users(customers: list[Customer]) -> int:
    return sum(licensed_users(customer) for customer in customers)
