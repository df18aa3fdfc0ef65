"""Tries one source: its token, then the first page of each endpoint that its collectors ask."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from exporter.client.meter import metered
from exporter.doctor.notebook import Notebook
from exporter.errors import NotApplicable, SourceError, Throttled
from exporter.fleet import take_leave
from exporter.records import Tenant
from exporter.roster import Roster
from exporter.source import WHOLE_SOURCE, CollectorPlan, Enough, Source
from exporter.state.source import KnownRuns

LOG: Final = structlog.get_logger("exporter.doctor")
MOST_TENANTS: Final = 3
"""How many tenants are asked for what none of them has before it is believed."""

Outcome = Exception | None
"""Why a collection came to nothing; ``None`` if it did not."""


@dataclass(slots=True, eq=False, kw_only=True)
class Examination:
    """What came of trying one source."""

    name: str
    source: Source
    notebook: Notebook
    roster: Roster
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By collector; those that were not asked are missing."""
    found: int | None = None
    """How many tenants discovery told of."""
    stopped: str = ""
    """Why not all was asked."""

    async def run(self, step: Callable[[], None]) -> None:
        """Try all collectors, each with one attempt, and take leave; call *step* after each."""
        try:
            with metered(probe=True):
                # What is asked about all tenants at once may tell what each of them has.
                for plan in sorted(self.source.plans, key=lambda plan: plan.per_tenant):
                    await self._try(plan)
                    step()
        finally:
            await take_leave(self.name, self.source)

    async def _try(self, plan: CollectorPlan) -> None:
        if self.stopped or (plan.per_tenant and not self.roster.tenants):
            return
        tenants = list(self.roster.tenants) if plan.per_tenant else [WHOLE_SOURCE]
        asked = 0
        for tenant in tenants:
            outcome = self.outcomes[plan.name] = await self._collect(plan, tenant)
            asked += not isinstance(outcome, NotApplicable) or outcome.asked
            if not isinstance(outcome, NotApplicable) or asked == MOST_TENANTS:
                break
        self._look_whether_to_go_on(self.outcomes[plan.name])

    async def _collect(self, plan: CollectorPlan, tenant: str) -> Outcome:
        self.notebook.turn_to(plan.name, complete=plan.discovers)
        try:
            records = await self.source.collect(plan.name, tenant, KnownRuns())
        except Enough:
            return None
        except NotApplicable as absence:
            return absence
        except SourceError as error:
            self.notebook.blame(error)
            return error
        except Exception as error:  # noqa: BLE001 - a bug in one collector is a finding about that one
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("examination_bug", source=self.name, collector=plan.name, traceback=where)  # noqa: TRY400
            return error
        if plan.discovers:
            found = [record for record in records if isinstance(record, Tenant)]
            described = [self.roster.described(tenant) for tenant in found]
            self.roster.take({each.tenant: each for each in described if each is not None})
            self.found = len(found)
        return None

    def _look_whether_to_go_on(self, outcome: Outcome) -> None:
        """Stop where the same would only be told again, or the vendor wants to be left alone."""
        asked = self.notebook.asked.values()
        answered = any(each.error is None and each.rows is not None for each in asked)
        mute = not any(each.code.isdecimal() for each in asked)
        if self.notebook.token.error is not None:
            self.stopped = "there is no token"
        elif isinstance(outcome, Throttled):
            self.stopped = "the vendor asked us to wait"
        elif isinstance(outcome, SourceError) and (mute or (outcome.source_wide and not answered)):
            self.stopped = "the source as a whole cannot be asked"
