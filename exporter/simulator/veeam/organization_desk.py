"""Answers about organizations (reference 8.4 to 8.6)."""

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.answers import Answered, Answerer, Listing
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.job_rows import job_row
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.organization_rows import (
    backed_up_id,
    extended_view,
    old_sync_state,
    organization_row,
    sync_state,
    usage_row,
)
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.questions import Question, Refused, missing
from exporter.simulator.veeam.repositories import Repository


class OrganizationDesk:
    """The answers about the organizations of an installation."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._manners = manners

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        return {
            "organizations": self.organizations,
            "organization": self.organization,
            "sync_states": self.sync_states,
            "sync_state": self.sync_state,
            "used_repositories": self.used_repositories,
            "organization_jobs": self.organization_jobs,
        }

    def organizations(self, question: Question) -> Answered:
        """List the organizations; v8 can look for one of them."""
        extended = self._extended(question)
        found = self._installation.organizations(question.now)
        if question.modern:
            msid, backed_up = question.query.identifier("msid"), question.query.text("backedUpOrganizationId")
            found = [each for each in found if msid in (None, *(tenant.id for tenant in each.tenants[:1]))]
            found = [each for each in found if backed_up in (None, backed_up_id(each))]
        return Listing.of(found, lambda customer: self._row(question, customer, extended=extended))

    def organization(self, question: Question) -> Answered:
        """Show one organization."""
        return self._row(question, self._customer(question), extended=self._extended(question))

    def sync_states(self, question: Question) -> Answered:
        """List how up to date the caches of all organizations are."""
        era = self._installation.world.era
        customers = self._installation.organizations(question.now)
        return Listing.of(customers, lambda each: sync_state(question.pen, each, era, question.now))

    def sync_state(self, question: Question) -> Answered:
        """Show how up to date the cache of one organization is, in other words in v7 than in v8."""
        show = sync_state if question.modern else old_sync_state
        return show(question.pen, self._customer(question), self._installation.world.era, question.now)

    def used_repositories(self, question: Question) -> Answered:
        """List the repositories that an organization has backups in."""
        customer = self._customer(question)
        world = self._installation.world
        ids = self._installation.used_by(customer)
        found = [each for each in (self._installation.repository(one, question.now) for one in ids) if each]
        offline = self._installation.offline

        def row(each: Repository) -> Row:
            available = not each.out_of_order and not offline(each.proxy, question.now)
            return usage_row(question.pen, customer, each, world, question.now, available=available)

        return Listing.of(found, row)

    def organization_jobs(self, question: Question) -> Answered:
        """List the backup jobs of an organization."""
        shown = self._installation.shown_jobs(self._customer(question), question.now)
        jobs = [job for job in shown if job.kind == "backup"]
        return Listing.of(jobs, lambda job: job_row(question.pen, job, question.now))

    def _customer(self, question: Question) -> Customer:
        customer = self._installation.organization(question.call.id, question.now)
        if customer is None:
            raise missing()
        return customer

    def _row(self, question: Question, customer: Customer, *, extended: bool) -> Row:
        jobs = self._installation.shown_jobs(customer, question.now)
        more = extended_view(question.pen, jobs, question.now) if extended else {}
        return organization_row(question.pen, customer, more)

    def _extended(self, question: Question) -> bool:
        """Tell whether the extended view is asked for; refuse it if a proxy would have to be asked in vain."""
        extended = question.query.flag("extendedView", default=question.pen.version == "v6")
        if extended and self._manners.proxy_offline:
            raise Refused(self._manners.proxy_offline, "The backup proxy is offline (synthetic).", "ProxyOffline")
        return extended
