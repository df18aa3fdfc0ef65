"""What an examination says, endpoint by endpoint."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.doctor.advice import Case, advise
from exporter.doctor.examination import Examination
from exporter.doctor.finding import Finding
from exporter.doctor.notebook import TOKEN, Asked
from exporter.errors import NotApplicable, NotFound, SourceError
from exporter.sources import AnySource
from exporter.sources.cloudbackup.auth import SETTINGS

CLOCKS_DIFFER: Final = 300.0
"""Seconds by which a clock may be off before signed statements and sign-ins fail."""
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {"retention_policy": (SETTINGS,)}
"""What an endpoint needs if that is not what its collector needs."""
NO_TENANT: Final = {
    "elements": "in the portal, choose the customers that the app registration may see",
    "veeam": "add an organization on the server",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads one examination; *missing* and *stranger* are what `refused_alone` found out."""

    examination: Examination
    its: AnySource
    missing: tuple[str, ...] = ()
    stranger: str = ""

    def findings(self) -> Iterator[Finding]:
        """Yield the token, the endpoints in the order of the collectors, then what else is to be said."""
        notebook = self.examination.notebook
        yield self._of_token(notebook.token)
        for plan in self.examination.source.plans:
            if plan.asks:
                yield from self._of_collector(plan.name)
        if self.examination.found is not None and not self.examination.roster.tenants:
            yield self._without_tenants()
        if abs(notebook.ahead_seconds) > CLOCKS_DIFFER:
            side = "ahead of" if notebook.ahead_seconds < 0 else "behind"
            yield self._failed(
                "clock",
                trouble="clock",
                error=f"this machine's clock is {abs(notebook.ahead_seconds):.0f} s {side} the vendor's",
                step="let NTP set the one that is wrong: overdue backups are told by the clock",
            )

    def _of_token(self, token: Asked) -> Finding:
        if token.error is not None:
            return self._at_fault(
                token, token.error, self._case(token=True, sent=bool(token.code), missing=self.missing)
            )
        if not token.code:
            return Finding(source=self.examination.name, what=TOKEN, verdict="not asked")
        return self._well(token)

    def _of_collector(self, collector: str) -> Iterator[Finding]:
        asked = [each for each in self.examination.notebook.asked.values() if each.collector == collector]
        outcome = self.examination.outcomes.get(collector)
        for each in asked:
            yield self._of_endpoint(each, outcome)
        if not asked:
            yield from self._of_nothing(collector, outcome)
        elif isinstance(outcome, Exception) and not isinstance(outcome, SourceError | NotApplicable):
            yield self._of_bug(collector, outcome)

    def _of_nothing(self, collector: str, outcome: Exception | None) -> Iterator[Finding]:
        """Yield why a collector asked nothing."""
        match outcome:
            case NotApplicable():
                yield self._absent(collector, "", outcome)
            case SourceError() if outcome is not self.examination.notebook.token.error:
                yield self._at_fault(Asked(collector, ""), outcome, self._case())
            case None | SourceError():
                why = self.examination.stopped or "no tenant is known to ask about"
                yield Finding(
                    source=self.examination.name, what="", collector=collector, verdict="not asked", error=why
                )
            case _:
                yield self._of_bug(collector, outcome)

    def _of_bug(self, collector: str, bug: Exception) -> Finding:
        said = {"trouble": "bug", "error": type(bug).__name__, "step": "report it with the log above"}
        return self._failed("", collector=collector, **said)

    def _of_endpoint(self, asked: Asked, outcome: Exception | None) -> Finding:
        if asked.error is None:
            return self._well(asked)
        tolerated = isinstance(asked.error, NotFound) and outcome is not asked.error
        if tolerated or (isinstance(outcome, NotApplicable) and outcome.__cause__ is asked.error):
            return self._absent(asked.collector, asked.operation, outcome or asked.error, asked)
        needed = OPERATIONS.get(asked.operation, self.its.permissions().get(asked.collector, ()))
        return self._at_fault(asked, asked.error, self._case(missing=needed, everywhere=self._all_not_found()))

    def _all_not_found(self) -> bool:
        asked = self.examination.notebook.asked.values()
        return all(isinstance(each.error, NotFound) for each in asked if each.rows is not None or each.error)

    def _case(self, *, token: bool = False, **circumstances: Any) -> Case:
        identity = getattr(self.its.auth, "token_url", None) if token else None
        return Case(
            kind=self.its.kind,
            setting="auth.token_url" if identity else "base_url",
            url=identity or self.its.base_url,
            token=token,
            refusal=self.examination.notebook.refusal if token else None,
            stranger=self.stranger,
            **circumstances,
        )

    def _well(self, asked: Asked) -> Finding:
        return Finding(verdict="ok", reachable=True, authorised=True, rows=asked.rows, **self._row(asked))

    def _at_fault(self, asked: Asked, error: SourceError, case: Case) -> Finding:
        trouble, step = advise(error, case)
        told = f"{error} (request id {error.request_id})" if error.request_id else str(error)
        answered = asked.code.isdecimal()
        return Finding(
            verdict="failed",
            reachable=answered if asked.code else None,
            authorised=asked.code not in {"401", "403"} and trouble not in {"secret", "expired"} if answered else None,
            missing=case.missing if trouble in {"permission", "missing"} else (),
            trouble=trouble,
            error=told,
            step=step,
            **self._row(asked),
        )

    def _row(self, asked: Asked) -> dict[str, Any]:
        return {
            "source": self.examination.name,
            "what": asked.operation,
            "collector": asked.collector,
            "seconds": asked.seconds,
        }

    def _absent(self, collector: str, what: str, why: Exception, asked: Asked | None = None) -> Finding:
        return Finding(
            source=self.examination.name,
            what=what,
            collector=collector,
            verdict="absent",
            reachable=True if asked else None,
            seconds=asked.seconds if asked else None,
            trouble="subscription",
            error=str(why),
            step="nothing is to be done unless you know better",
        )

    def _without_tenants(self) -> Finding:
        if self.examination.found:
            error, step = (
                f"none of {self.examination.found} tenants is watched",
                "look at tenants.include, .exclude and shard",
            )
        else:
            error, step = "there is no tenant to watch", NO_TENANT.get(self.its.kind, "look at tenant")
        return self._failed("tenants", trouble="tenants", error=error, step=step)

    def _failed(self, what: str, **rest: Any) -> Finding:
        return Finding(source=self.examination.name, what=what, verdict="failed", **rest)


def any_failed(findings: Sequence[Finding]) -> bool:
    """Tell whether there is anything to be done."""
    return any(finding.verdict == "failed" for finding in findings)
