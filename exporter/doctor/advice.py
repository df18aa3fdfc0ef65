"""What an error means here, in one word, and what to do about it; docs/sources says the same at length."""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from exporter.doctor.finding import Trouble
from exporter.doctor.notebook import Refusal
from exporter.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    CredentialsRefused,
    ForeignPage,
    NotFound,
    PermissionMissing,
    ServerFailed,
    SourceError,
    Throttled,
    TimedOut,
    TlsFailed,
    Unreachable,
)

Advice = tuple[Trouble, str]
SIMPLE: Final[Mapping[type[SourceError], Advice]] = {
    Throttled: (
        "throttled",
        "wait, then ask again; if it lasts, find what else uses this credential, or lower limits.requests_per_second",
    ),
    ForeignPage: ("page", "look at {setting} and HTTPS_PROXY: a proxy or a login page answers there"),
    ServerFailed: ("server", "wait; if it lasts, look after the server or ask the vendor"),
    AnswerTooLarge: ("answer", "raise max_body_mib"),
    AnswerUnreadable: ("product", "look at {setting}, kind and api: what answers is not the API that they name"),
}
"""What may be wrong is the same whatever the circumstances."""
UNROUTED: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The circumstances of an error."""

    kind: str
    """The vendor's API family, as in the settings."""
    setting: str
    """The option that holds the address: ``base_url`` or ``auth.token_url``."""
    url: str
    token: bool = False
    """Whether it is the token that could not be had."""
    sent: bool = True
    """Whether a request went out at all."""
    refusal: Refusal | None = None
    missing: tuple[str, ...] = ()
    """The permissions that this needs, or of several those that were refused."""
    stranger: str = ""
    """What the app registration is for instead, if that is known."""
    everywhere: bool = False
    """Whether all endpoints are not found."""

    @property
    def port(self) -> int:
        """Where it is asked."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def veeam(self) -> bool:
        """Whether it is a server on the customer's premises."""
        return self.kind == "veeam"


def advise(error: SourceError, case: Case) -> Advice:
    """Return what is wrong and the next step."""
    match error:
        case CredentialsRefused():
            return _unknown(case) if case.token else _elsewhere(case)
        case PermissionMissing():
            return _forbidden(case)
        case NotFound():
            return _not_found(case)
        case Unreachable() | TimedOut() | TlsFailed():
            return _cut_off(error, case)
        case _ if "did not answer in HTTP" in str(error):
            return "protocol", _port(case)
        case _:
            word, step = SIMPLE.get(type(error), SIMPLE[AnswerUnreadable])
            return word, step.format(setting=case.setting)


def _elsewhere(case: Case) -> Advice:
    """Advise where a fresh token opens nothing."""
    if case.veeam:
        return "region", f"let {case.setting} lead to one server: the token is of another than the one that answers"
    return "region", "correct base_url: the token is good, but the app is of another data centre than this host"


def _forbidden(case: Case) -> Advice:
    if case.stranger:
        return "product", f"the app registration is for {case.stranger}: use that, or an app of this product"
    if case.veeam:
        account = "take an account of the server's administrators"
        return "permission", f"{account}, and switch off 'restore operator authentication only'"
    named = " and ".join(case.missing) or "what the collector needs"
    return "permission", f"grant {named} to the app registration, or disable the collector"


def _unknown(case: Case) -> Advice:
    """Advise where the token endpoint does not accept who we are."""
    if not case.sent:
        return "secret", "mend what auth names: without it nobody can be asked"
    if case.veeam:
        again = "wait ten minutes before the next try: some wrong ones lock an account"
        word: Trouble = "expired" if case.refusal == "expired" else "secret"
        return word, f"compare auth.username and the password with the account, and see if it is locked; {again}"
    match case.refusal:
        case "expired":
            return (
                "expired",
                "create a new secret in the portal and write it to client_secret_file; no restart is needed",
            )
        case "clock":
            return "clock", "set this machine's clock: the signed statement is not valid at the vendor's time"
        case "stranger":
            return "region", "compare auth.client_id, and set auth.token_url to the cloud where the app is registered"
        case None:
            return "secret", (
                "compare auth.client_id and the secret (or the certificate) with the app registration: it is wrong or"
                " has expired, or auth.token_url is another cloud's"
            )


def _not_found(case: Case) -> Advice:
    if case.token and not case.veeam:
        return "region", "set auth.token_url to the token endpoint of your cloud"
    if case.veeam and (case.everywhere or case.token):
        return "product", _port(case)
    if case.everywhere:
        return (
            "region",
            "set base_url to the data centre of the app, and kind and api to its product: no path is known there",
        )
    named = " and ".join(case.missing)
    return "missing", (
        "see if the product is licensed" + (f" and {named} granted" if named else "") + "; else disable the collector"
    )


def _cut_off(error: Unreachable | TimedOut | TlsFailed, case: Case) -> Advice:
    """Advise where there is no answer in HTTP."""
    match error:
        case TimedOut():
            return "timeout", f"let this machine through to port {case.port} in the firewall, or set HTTPS_PROXY"
        case TlsFailed() if "does not speak TLS" in str(error):
            return "protocol", _port(case)
        case TlsFailed():
            return "tls", _distrust(str(error))
        case Unreachable():
            return _unreachable(error.__cause__, case)


def _distrust(told: str) -> str:
    if "must be renewed" in told:
        return "renew it on the server, or compare and pin it until then: of a pinned one the date does not matter"
    return "compare the certificate with the server's own before you trust it"


def _unreachable(cause: BaseException | None, case: Case) -> Advice:
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return "dns", f"correct the host in {case.setting}: the DNS of this machine does not know it"
        case aiohttp.ClientProxyConnectionError():
            return "proxy", "look at HTTPS_PROXY: the proxy that it names cannot be reached"
        case aiohttp.ClientConnectorError() if cause.os_error.errno in UNROUTED:
            return "network", "look at this machine's network: there is no way to the host"
        case aiohttp.ClientConnectorError():
            return "refused", f"nothing listens on port {case.port} there: {_port(case)}"
        case _:
            return "broken", f"the connection ended without an answer: {_port(case)}"


def _port(case: Case) -> str:
    if case.veeam:
        return (
            f"see if the REST API service is enabled and listens on {case.port}: its port is 4443 unless changed, the"
            " console's is another"
        )
    return f"look at scheme, host and port in {case.setting}, and at HTTPS_PROXY"
