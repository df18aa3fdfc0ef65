import asyncio
import json
from collections import Counter
from email.utils import parsedate_to_datetime

import pytest
from aiohttp import ClientError

from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.throttle import Throttle
from tests.simulator.stage import START, Stage, small_world, staged

ALL = "429=0.05,500=0.05,html=0.05,reset=0.05,truncated=0.05,slow=0.05,401=0.05,403=0.05,404=0.05,503=0.05"


async def outcome(stage: Stage) -> str:
    """Return in one word what became of a call."""
    slept = len(stage.clock.slept)
    try:
        answer = await stage.post("/customers/batch", pageSize="1")
        text = await answer.text()
    except ClientError:
        return "reset"
    if answer.status != 200:
        return str(answer.status)
    if answer.content_type == "text/html":
        return "html"
    try:
        json.loads(text)
    except ValueError:
        return "truncated"
    return "slow" if len(stage.clock.slept) > slept else "fine"


async def outcomes(faults: str, calls: int) -> list[str]:
    """Return what became of so many calls."""
    async with staged(small_world(tenants=3), faults=parse_faults(faults), token_lifetime=10**6) as stage:
        return [await outcome(stage) for _ in range(calls)]


async def test_every_fault_comes_at_its_rate() -> None:
    """Of 600 calls each of ten kinds takes about a twentieth, the rest is fine."""
    seen = Counter(await outcomes(ALL, 600))

    assert len(seen) == 11
    assert all(12 <= seen[kind] <= 55 for kind in seen if kind != "fine")
    assert 240 <= seen["fine"] <= 360


async def test_faults_repeat() -> None:
    """The same world has the same faults in the same order."""
    assert await outcomes(ALL, 60) == await outcomes(ALL, 60)


@pytest.mark.parametrize("kind", ["html", "reset", "truncated", "401", "403", "404", "429", "500", "503", "slow"])
async def test_a_certain_fault_always_comes(kind: str) -> None:
    """At rate 1 every call suffers the fault."""
    assert set(await outcomes(f"{kind}=1", 3)) == {kind}


async def test_no_faults_no_trouble(stage: Stage) -> None:
    """Without faults all calls are answered, without delay."""
    assert {await outcome(stage) for _ in range(20)} == {"fine"}


async def test_an_empty_answer_cannot_be_cut() -> None:
    """The truncation leaves an answer without a body, such as a 401, as it is."""
    async with staged(faults=parse_faults("truncated=1")) as stage:
        stage.headers = {}
        answer = await stage.post("/customers/batch")

    assert answer.status == 401


async def test_tokens_are_spared() -> None:
    """Faults of the API do not touch the token endpoint."""
    async with staged(faults=parse_faults("500=1")) as stage:
        assert (await stage.token()).status == 200


async def test_the_token_endpoint_has_its_own_fault() -> None:
    """With token=1 the identity answers 500, while calls go on."""
    async with staged(faults=parse_faults("token=1")) as stage:
        assert (await stage.token()).status == 500
        assert (await stage.post("/customers/batch")).status == 401


async def test_latency_is_waited_with_jitter() -> None:
    """Each call waits the latency and up to half of it more, on the clock it was given."""
    async with staged(latency=2.0) as stage:
        for _ in range(20):
            await stage.post("/customers/batch")

    assert len(stage.clock.slept) == 20
    assert all(2 <= seconds <= 3 for seconds in stage.clock.slept)
    assert len(set(stage.clock.slept)) == 20


async def test_slow_answers_take_five_seconds_more() -> None:
    """The fault "slow" adds five seconds and then answers."""
    async with staged(faults=parse_faults("slow=1")) as stage:
        answer = await stage.post("/customers/batch")

    assert answer.status == 200
    assert stage.clock.slept == [5.0]


async def test_the_rate_limit_lets_the_rate_through() -> None:
    """At two a second two calls pass, the third is 429 until half a second has gone."""
    async with staged(rate_limit=2.0) as stage:
        first = [(await stage.post("/customers/batch")).status for _ in range(3)]
        stage.clock.time += 0.5
        second = [(await stage.post("/customers/batch")).status for _ in range(2)]

    assert first == [200, 200, 429]
    assert second == [200, 429]


async def test_retry_after_in_three_forms() -> None:
    """Refusals name the wait as seconds, as an HTTP date and not at all, in turn."""
    async with staged(rate_limit=0.1) as stage:
        await stage.post("/customers/batch")
        refused = [await stage.post("/customers/batch") for _ in range(6)]

    headers = [answer.headers.get("Retry-After") for answer in refused]
    assert {answer.status for answer in refused} == {429}
    assert headers[0] == headers[3] == "10"
    assert headers[1] is not None
    assert parsedate_to_datetime(headers[1]).timestamp() == START + 10
    assert headers[2] is headers[5] is None


async def test_each_token_has_its_own_limit() -> None:
    """Who has another token is not throttled by the first."""
    async with staged(rate_limit=1.0) as stage:
        await stage.post("/customers/batch")
        await stage.sign_in()
        assert (await stage.post("/customers/batch")).status == 200


def test_the_bucket_does_not_overflow() -> None:
    """An hour of silence saves up no more than a second's calls."""
    throttle = Throttle(3.0)

    waits = [throttle.wait("me", now) for now in [0.0, *[3600.0] * 4]]

    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4] == pytest.approx(1 / 3)


async def test_peak_concurrency_is_seen() -> None:
    """Five calls that wait together are counted as five at once."""
    async with staged(latency=1.0) as stage:
        await asyncio.gather(*(stage.post("/customers/batch") for _ in range(5)))

    assert 1 < stage.statistics.peak_concurrency <= 5
    assert stage.statistics.concurrency == 0


@pytest.mark.parametrize("text", ["", " ", ","])
def test_no_text_no_faults(text: str) -> None:
    """An empty list of faults is none."""
    assert parse_faults(text) == Faults()


def test_faults_are_read() -> None:
    """Kinds keep their rates; the token's stands apart; spaces do not matter."""
    assert parse_faults("429=0.02, html=0.5,token=0.1") == Faults((("429", 0.02), ("html", 0.5)), 0.1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("418=0.1", "unknown fault '418'; there are 401,"),
        ("500", "'500' is not of the form kind=rate"),
        ("500=often", "'500=often' is not of the form"),
        ("500=1.5", "'500=1.5' is not within 0 to 1"),
        ("500=-1", "not within 0 to 1"),
        ("500=nan", "not within 0 to 1"),
        ("500=0.6,503=0.6", "add up to more than 1"),
    ],
)
def test_senseless_faults_are_refused(text: str, says: str) -> None:
    """A fault that cannot be meant is refused with a sentence that shows it."""
    with pytest.raises(ValueError, match=says):
        parse_faults(text)
