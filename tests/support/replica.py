"""The Elements API as bad replicas serve it, and the truth of what they showed.

Elements shows only the latest run of each job, so a run that is replaced before it was durably taken is lost
with nobody to blame. Therefore the world stands still until each tenant is settled: some process was sent
the tenant's present state in full and afterwards asked about the tenant again, which the exporter does only
once the answer before is committed. Then the world moves on by hours at once.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.simulator.elements.codes import STATUSES
from exporter.simulator.elements.texts import NOT_APPLICABLE
from exporter.simulator.gate import TOKEN, operation_of
from exporter.simulator.server import build_app
from exporter.simulator.world import World
from tests.support.clock import FakeClock

HOUR: Final = 3600.0
STEP: Final = (1 * HOUR, 4 * HOUR)
"""How far the world moves on at once: less than the period of any job, so that few runs are never shown."""
OLDER: Final = 0.1
"""The part of the answers that are older ones, as a replica gives that lags behind."""
DOUBLED: Final = 0.2
"""The part of the rows that come twice."""
LATENCY: Final = 0.1
"""The longest that the first half of an answer takes, and again the second; in seconds."""
OUTAGE: Final = (0.1, 0.6)
"""How long the API fails after a process came, in seconds."""
OUTAGES: Final = 1 / 3
"""The part of the processes that meet one."""

Row = dict[str, Any]
ENDED: Final = {STATUSES[status].number: status for status in ("success", "failed", "warning", "skipped")}
COUNTED: Final = {"successes": "success", "failures": "failed", "warnings": "warning"}
"""Counter → status of the runs it counts."""


class Replica:
    """Serves *world* from *start* on. Who asks is known by the token: each process fetches one of its own.

    The truth is what was sent to the last byte, whether or not somebody lived to read it: before the world moves
    on, the same is sent again to somebody who takes it.
    """

    def __init__(self, world: World, *, start: float, chance: random.Random) -> None:
        self._chance = chance
        self._start = start
        self._clock = FakeClock(start)
        self._tenants = [customer.id for customer in world.customers(start)]
        self._sent_to: set[tuple[str, str]] = set()
        """Tenant and token: who was sent the present state in full."""
        self._settled: set[str] = set()
        self._answers: dict[str, dict[int, list[Row]]] = defaultdict(dict)
        """Tenant → step of the world → the rows that were sent."""
        self._failing_until = 0.0
        self._frozen = False
        self.steps = 0
        self.told: Counter[str] = Counter()
        """What was nasty, how often."""
        self.asked: Counter[str] = Counter()
        """Tenant → questions about its jobs."""
        self.app = build_app(world, clock=self._clock, token_lifetime=10**9)
        self.app.middlewares.insert(0, self._pass_through)

    @property
    def days(self) -> float:
        """How far the world has moved."""
        return (self._clock.now() - self._start) / (24 * HOUR)

    @property
    def settled(self) -> bool:
        """Whether some process has durably taken the present state of each tenant."""
        return self._settled.issuperset(self._tenants)

    def freeze(self) -> None:
        """Let the world stand still for good."""
        self._frozen = True

    def truth(self) -> dict[str, Counter[str]]:
        """Return counter → tenant → runs that were ever shown ended, but for those that had when watching began."""
        truth: dict[str, Counter[str]] = {name: Counter() for name in ("runs", *COUNTED)}
        for tenant, answers in self._answers.items():
            before = _ended(answers[0])
            for run, status in _ended(row for rows in answers.values() for row in rows).items():
                if run not in before:
                    truth["runs"][tenant] += 1
                    for name, counted in COUNTED.items():
                        truth[name][tenant] += status == counted
        return {name: +by_tenant for name, by_tenant in truth.items()}

    @web.middleware
    async def _pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        now = asyncio.get_running_loop().time()
        if operation_of(request) == TOKEN:
            self._failing_until = now + self._chance.uniform(*OUTAGE) * (self._chance.random() < OUTAGES)
            return await handler(request)
        jobs = operation_of(request) == "v3_jobs"
        if jobs:
            self._note_asked(request)
        if now < self._failing_until:
            self.told["failures"] += 1
            return web.Response(status=503)
        return await (self._jobs(request, handler) if jobs else handler(request))

    def _note_asked(self, request: web.Request) -> None:
        """Settle a tenant that is asked about again; when all are, move the world on, before the answer is made."""
        tenant, token = request.match_info["customer"], request.headers["Authorization"]
        self.asked[tenant] += 1
        if (tenant, token) in self._sent_to:
            self._settled.add(tenant)
        if self.settled and not self._frozen:
            self._clock.advance(self._chance.uniform(*STEP))
            self._sent_to.clear()
            self._settled.clear()
            self.steps += 1

    async def _jobs(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer with the state at the time of asking, or an older one; note what was sent to its last byte."""
        tenant, token = request.match_info["customer"], request.headers["Authorization"]
        step, answers = self.steps, self._answers[tenant]
        response = await handler(request)
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        answer = orjson.loads(response.body)
        older = [each for each in answers if each < step]
        if older and self._chance.random() < OLDER:
            step = self._chance.choice(older)
            answer["data"] = answers[step]
        rows, total = answer["data"], answer["metadata"]["totalCount"]
        assert len(rows) == total, "this test wants one page a tenant: a second would look like asking again"
        sent = web.StreamResponse()
        try:
            await self._send(request, sent, self._disordered(rows))
        except ConnectionError:  # killed meanwhile
            self.told["broken off"] += 1
            return sent
        if step not in answers:
            answers[step] = rows
        if step == self.steps:
            self._sent_to.add((tenant, token))
        self.told["older" if step < self.steps else "present"] += 1
        return sent

    def _disordered(self, rows: list[Row]) -> bytes:
        doubles = [row for row in rows if self._chance.random() < DOUBLED]
        rows = self._chance.sample(rows + doubles, len(rows) + len(doubles))
        self.told["doubled rows"] += len(doubles)
        return orjson.dumps({"data": rows, "metadata": {"pageIndex": 1, "pageSize": 100, "totalCount": len(rows)}})

    async def _send(self, request: web.Request, response: web.StreamResponse, body: bytes) -> None:
        """Send *body* in two halves, each of them late; ConnectionError if nobody is there to take it any more."""
        response.content_type = "application/json"
        response.content_length = len(body)
        await asyncio.sleep(self._chance.uniform(0, LATENCY))
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        await asyncio.sleep(self._chance.uniform(0, LATENCY))
        await response.write(body[len(body) // 2 :])
        await response.write_eof()


def _ended(rows: Iterable[Row]) -> dict[str, str]:
    """Return run id → status of the runs that are over."""
    runs = (row for row in rows if row["jobId"] != NOT_APPLICABLE)
    return {row["jobId"]: ENDED[row["status"]] for row in runs if row["status"] in ENDED}
