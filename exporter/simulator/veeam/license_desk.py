"""Answers about the licence and about what is protected (reference 8.3, 8.6, 8.12 and 8.13)."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import get_args

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.answers import Answered, Answerer, Listing
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.license_rows import LicenseRows
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.organization_rows import backed_up_id
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.protected_rows import protected_row
from exporter.simulator.veeam.questions import Question, missing
from exporter.simulator.veeam.usage import Entity, entities, licensed_users


class LicenseDesk:
    """The answers that count users and what belongs to them."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._rows = LicenseRows(installation, manners)

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        kinds: tuple[Entity, ...] = get_args(Entity)
        return {
            "license": lambda question: self._rows.license(question.pen, question.now),
            "license_auto_update": lambda _: {"isEnabled": True},
            "license_usage": self.usage,
            "licensing_information": self.information,
            "licensed_users": self.users,
            **{f"protected_{kind}": self._protected(kind) for kind in kinds},
        }

    def usage(self, question: Question) -> Answered:
        """Show what each organization uses of the licence."""
        return self._rows.usage(self._asked(question))

    def information(self, question: Question) -> Answered:
        """Show what one organization uses of the licence."""
        customer = self._installation.organization(question.call.id, question.now)
        if customer is None:
            raise missing()
        return self._rows.information(customer)

    def users(self, question: Question) -> Answered:
        """List the users who need a licence."""
        return _flat(
            [(each, licensed_users(each)) for each in self._asked(question)],
            lambda customer, number: self._rows.user(question.pen, customer, number, question.now),
        )

    def _protected(self, entity: Entity) -> Answerer:
        def protected(question: Question) -> Answered:
            """List what is protected."""
            found = self._asked(question)
            if repository := question.query.identifier("repositoryId"):
                found = [each for each in found if repository in self._installation.used_by(each)]
            return _flat(
                [(each, entities(each, entity, question.now)) for each in found],
                lambda customer, number: protected_row(customer, entity, number),
            )

        return protected

    def _asked(self, question: Question) -> list[Customer]:
        """Return the organizations that the filters leave."""
        found = self._installation.organizations(question.now)
        if owner := question.query.text("organizationId"):
            found = [each for each in found if each.id == owner.lower()]
        if question.modern and (owner := question.query.text("backedUpOrganizationId")):
            found = [each for each in found if backed_up_id(each) == owner]
        return found


def _flat(counted: list[tuple[Customer, int]], write: Callable[[Customer, int], Row]) -> Listing:
    """Return the list of everything of all customers, of which only what is on a page is made."""
    ends = list(accumulate(count for _, count in counted))

    def row(number: int) -> Row:
        place = bisect_right(ends, number)
        customer, count = counted[place]
        return write(customer, number - ends[place] + count)

    return Listing.of(range(ends[-1] if ends else 0), row)
