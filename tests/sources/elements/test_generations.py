"""One world through both generations of the API."""

import random
import re
from collections.abc import Callable

from aiohttp import ClientSession

from exporter.errors import NotApplicable
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from exporter.source import Source, Surroundings
from exporter.sources.elements.settings import ElementsSettings
from tests.support.avepoint import MORNING, Notes
from tests.support.clock import FakeClock
from tests.support.exposition import Pipeline
from tests.support.sources import NOTHING

HALF_AN_HOUR = 1800.0

ALLOWED: dict[str, Callable[[str], str]] = {
    "v3 answers Salesforce as the undocumented module 301, v1 has a word for it": (
        lambda line: line.replace('workload="unknown_301"', 'workload="Salesforce"')
    ),
    "v1's flat rows of services know neither package nor payment": (
        lambda line: re.sub(r',(package|payment)="[^"]*"', "", line)
    ),
    "v1 may give stored sizes as whole GB": (
        lambda line: re.sub(
            r"^(m365backup_storage_stored_bytes{.*}) (.*)$", lambda at: f"{at[1]} {float(at[2]) // 2**30}", line
        )
    ),
}
"""Why the generations may differ → what makes them equal."""


async def exposed(source: Source, clock: FakeClock) -> list[str]:
    """Return what two cycles of all collectors expose, half an hour apart, but for the allowed differences."""
    pipeline = Pipeline(clock)
    for _ in range(2):
        tenants: list[str] = []
        for plan in source.plans:
            for tenant in tenants if plan.per_tenant else [""]:
                try:
                    records = await source.collect(plan.name, tenant, NOTHING)
                except NotApplicable:
                    continue
                await pipeline.take(plan, tenant, records)
                tenants = tenants or [record.tenant for record in records]
        clock.advance(HALF_AN_HOUR)
        await pipeline.tick()
    lines = (await pipeline.text()).splitlines()
    for equalise in ALLOWED.values():
        lines = [equalise(line) for line in lines]
    return sorted(lines)


async def test_both_generations_say_the_same() -> None:
    """The same facts give the same exposition, whichever generation of the API tells them."""
    world = World(seed=7, tenants=25, start=MORNING)
    clocks = {"v3": FakeClock(MORNING), "v1": FakeClock(MORNING)}
    told = {}

    async with ClientSession() as session:
        for api, clock in clocks.items():
            server = await serve(build_app(world, clock=clock, v1_page_size=10), "127.0.0.1", 0)
            settings = ElementsSettings.model_validate(
                {
                    "kind": "elements",
                    "api": api,
                    "base_url": server.base_url + ("/partner" if api == "v1" else ""),
                    "auth": {
                        "token_url": f"{server.base_url}/connect/token",
                        "client_id": "any",
                        "client_secret": "simulated",
                    },
                    "limits": {"requests_per_second": 1000},
                }
            )
            around = Surroundings(
                session=session,
                clock=FakeClock(MORNING),
                observer=Notes(),
                random=random.Random(1),  # noqa: S311 - jitter, not a secret
            )
            try:
                told[api] = await exposed(settings.build("elements", around), clock)
            finally:
                await server.close()

    assert len(told["v3"]) > 5000
    assert told["v1"] == told["v3"]
