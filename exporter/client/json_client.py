"""Questions to a vendor's JSON API, asked patiently: rate, token, retry, redirect, and plain errors.

Everything asked here only reads, so that every question may be asked again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Protocol

import orjson
from yarl import URL

from exporter.client.faults import REDIRECTS, fault_of
from exporter.client.limiter import Limiter
from exporter.client.links import same_origin
from exporter.client.meter import note_request, probing
from exporter.client.observer import Observer, RetryReason
from exporter.client.retry import RetryPolicy, retry_after_seconds
from exporter.client.telling import Attempt, tell_request
from exporter.client.transport import Answer, Transport, read_json
from exporter.clock import Clock
from exporter.errors import AnswerUnreadable, ServerFailed, SourceError, Throttled, TimedOut, Unreachable

__all__ = ["Authorizer", "JsonClient", "Observer"]

_MOST_REDIRECTS: Final = 3
_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}

_RETRY_REASONS: Final[Mapping[type[SourceError], RetryReason]] = {
    Throttled: "throttled",
    TimedOut: "timeout",
    Unreachable: "connection",
    ServerFailed: "server",
}
"""What may be over in a moment, and what its retry is called."""


class Authorizer(Protocol):
    """Gives the Authorization header and takes back one that was refused."""

    async def header(self) -> str:
        """Return the header's value."""
        ...

    def held(self) -> str | None:
        """Return the header's value if it is known without asking anybody."""
        ...

    def invalidate(self, used_header: str) -> None:
        """Never return *used_header* again."""
        ...


@dataclass(frozen=True, slots=True)
class _Question:
    operation: str
    method: str
    url: URL
    params: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    answer_if: Callable[[Any], bool] | None = None
    once: bool = False
    status_only: bool = False
    """Whether it is asked without a token, and answered by whatever status comes in the end."""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What may be over in a moment; *answer* None if there was none."""

    fault: SourceError
    answer: Answer | None = None
    retry_after: float | None = None

    @property
    def status(self) -> int | None:
        """The status of the answer."""
        return None if self.answer is None else self.answer.status


class JsonClient:
    """Asks one API, under one base URL, with one credential.

    Every question but `status` returns the decoded JSON, None for 204, and raises a SourceError for all else.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        base_url: str,
        tokens: Authorizer | None,
        limiter: Limiter,
        policy: RetryPolicy,
        clock: Clock,
        observer: Observer,
        jitter: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._base = URL(self._base_url + "/")
        self._host = self._base.host or "no host"
        self._tokens = tokens
        self._limiter = limiter
        self._policy = policy
        self._clock = clock
        self._observer = observer
        self._jitter = jitter
        self._told_rate = limiter.allowed_per_second
        observer.allowed_rate(self._told_rate)

    async def get(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        answer_if: Callable[[Any], bool] | None = None,
        once: bool = False,
    ) -> Any:
        """Ask for *path* below the base URL; *once*: what fails is not worth another attempt.

        *answer_if* is shown the decoded body of a status that stands for a failure, and tells whether it is the
        answer all the same, as of a health check that says 503 and means it; of 429 it never is.
        """
        return await self._ask(_Question(operation, "GET", self._url(path), params, answer_if=answer_if, once=once))

    async def status(self, operation: str, path: str) -> int:
        """Ask for *path* without a token and return the HTTP status, whatever it is; redirects are not followed.

        408, 429 and 5xx are asked again like any question, and returned if they stay. Raises TimedOut,
        Unreachable, TlsFailed, AnswerTooLarge or AnswerUnreadable if there is no answer in HTTP.
        """
        return (await self._answer(_Question(operation, "GET", self._url(path), status_only=True))).status

    async def post(self, operation: str, path: str, body: Mapping[str, Any]) -> Any:
        """Ask by POST, as vendors do for lists with long filters; it must be safe to repeat."""
        return await self._ask(_Question(operation, "POST", self._url(path), None, body))

    async def follow(self, operation: str, link: str) -> Any:
        """Ask for a link the vendor gave, absolute or relative to the base URL.

        Raises AnswerUnreadable if it leads to another origin: the token must not go there.
        """
        return await self._ask(_Question(operation, "GET", same_origin(self._base, link)))

    def _url(self, path: str) -> URL:
        return URL(f"{self._base_url}/{path.lstrip('/')}")

    async def _ask(self, question: _Question) -> Any:
        return self._read(question, await self._answer(question))

    async def _answer(self, question: _Question) -> Answer:
        """Try until there is an answer or the policy says stop; waits hold no place in the limiter."""
        while True:
            outcome = await self._try(question)
            if isinstance(outcome, Answer):
                return outcome
            delay = None if question.once else self._delay(question.attempt, outcome)
            if delay is None:
                if question.status_only and outcome.answer is not None:
                    return outcome.answer
                raise outcome.fault
            self._observer.retried(_RETRY_REASONS[type(outcome.fault)])
            await self._clock.sleep(delay)
            question = replace(question, attempt=question.attempt + 1)

    def _delay(self, attempt: int, trouble: _Trouble) -> float | None:
        delay = self._policy.delay(
            attempt=attempt,
            status=trouble.status,
            retry_after=trouble.retry_after,
            jitter=self._jitter(),
            code=trouble.fault.code,
        )
        return None if probing() else delay

    async def _try(self, question: _Question) -> Answer | _Trouble:
        """Return the answer, or what may have passed; raise the rest."""
        try:
            answer = await self._redirected(question)
        except (TimedOut, Unreachable, ServerFailed) as error:
            return _Trouble(error)
        fault = fault_of(answer, operation=question.operation, host=self._host)
        if fault is None or _is_answer(question, answer, fault):
            self._succeeded()
            return answer
        retry_after = retry_after_seconds(answer.headers.get("Retry-After"), now=self._clock.now())
        if isinstance(fault, Throttled):
            self._slow_down(retry_after)
        if type(fault) in _RETRY_REASONS:
            return _Trouble(fault, answer, retry_after)
        raise fault

    async def _redirected(self, question: _Question) -> Answer:
        """Follow redirects of a GET within the origin."""
        answer = await self._authorized(question)
        for _ in range(_MOST_REDIRECTS):
            location = answer.headers.get("Location")
            if answer.status not in REDIRECTS or location is None or question.method != "GET" or question.status_only:
                return answer
            question = replace(question, url=same_origin(question.url, location), params=None)
            answer = await self._authorized(question)
        return answer

    async def _authorized(self, question: _Question) -> Answer:
        """Send with a token, and once more with a fresh one if it was refused."""
        used, answer = await self._send(question)
        if answer.status == HTTPStatus.UNAUTHORIZED and used and self._tokens is not None:
            self._tokens.invalidate(used)
            self._observer.retried("auth")
            _, answer = await self._send(question)
        return answer

    async def _send(self, question: _Question) -> tuple[str, Answer]:
        """Make one attempt within the limits; return the Authorization header used, and the answer.

        A token is fetched before a place in the limiter is taken, since finding out where may need one itself.
        """
        tokens = None if question.status_only else self._tokens
        used = "" if tokens is None else await self._token(tokens)
        async with self._limiter.slot():
            if tokens is not None:
                used = tokens.held() or used  # it may have been replaced while this question waited
            headers = {**_HEADERS, "Authorization": used} if used else _HEADERS
            started = self._clock.now()
            try:
                answer = await self._transport.send(
                    question.method,
                    question.url,
                    headers=headers,
                    params=question.params,
                    json_body=question.body,
                )
            except SourceError as error:
                self._told(question, error.reason, self._clock.now() - started, error.request_id)
                raise
            finally:
                note_request(self._clock.now() - started)
        self._told(question, str(answer.status), answer.seconds, answer.request_id)
        return used, answer

    def _told(self, question: _Question, code: str, seconds: float, request_id: str | None) -> None:
        self._observer.requested(question.operation, code, seconds)
        tell_request(
            Attempt(question.operation, question.method, question.url, question.params, question.attempt),
            code,
            seconds,
            request_id,
        )

    @staticmethod
    async def _token(tokens: Authorizer) -> str:
        """Return the authorization header; without a token nobody can be asked about anything."""
        try:
            return await tokens.header()
        except SourceError as error:
            error.source_wide = True
            raise

    def _succeeded(self) -> None:
        self._limiter.succeeded()
        self._tell_rate()

    def _slow_down(self, retry_after: float | None) -> None:
        self._limiter.throttled(retry_after)
        self._observer.throttled()
        self._tell_rate()

    def _tell_rate(self) -> None:
        rate = self._limiter.allowed_per_second
        if rate != self._told_rate:
            self._told_rate = rate
            self._observer.allowed_rate(rate)

    def _read(self, question: _Question, answer: Answer) -> Any:
        if answer.status == HTTPStatus.NO_CONTENT:
            return None
        if not answer.body:
            raise AnswerUnreadable(
                f"{question.operation}: {self._host} answered {answer.status} with an empty body",
                request_id=answer.request_id,
            )
        return read_json(answer, operation=question.operation, host=self._host)


def _is_answer(question: _Question, answer: Answer, fault: SourceError) -> bool:
    """Tell whether a status that stands for *fault* answers the question all the same."""
    if question.status_only:
        return type(fault) not in _RETRY_REASONS
    if question.answer_if is None or isinstance(fault, Throttled):
        return False
    try:
        decoded = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return False
    return question.answer_if(decoded)
