import asyncio

from exporter.client.meter import metered, note_request


def test_counts_inside_only() -> None:
    """A meter counts what happens while it runs, and nothing before or after."""
    note_request(1.0)
    with metered() as meter:
        note_request(0.25)
        note_request(0.5)
    note_request(1.0)

    assert (meter.requests, meter.seconds) == (2, 0.75)


def test_nests() -> None:
    """An outer meter counts what an inner one counts."""
    with metered() as outer:
        note_request(1.0)
        with metered() as inner:
            note_request(2.0)

    assert (outer.requests, outer.seconds) == (2, 3.0)
    assert (inner.requests, inner.seconds) == (1, 2.0)


async def test_tasks_do_not_mix() -> None:
    """Two collections at once are metered apart, each with the tasks it starts."""

    async def request(seconds: float) -> None:
        await asyncio.sleep(0)
        note_request(seconds)

    async def collect(seconds: float) -> float:
        with metered() as meter:
            await asyncio.gather(*(request(seconds) for _ in range(3)))
        return meter.seconds

    costs = await asyncio.gather(collect(1.0), collect(10.0))

    assert list(costs) == [3.0, 30.0]
