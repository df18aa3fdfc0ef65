"""A real browser opens the pages of a daemon that watches a simulated fleet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.demo import HISTORY, MANNERS, PACE, demo_settings
from exporter.errors import NotFound
from exporter.fleet import Watched
from exporter.records import Tenant
from exporter.schedule import Unit
from exporter.simulator import tls
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.browser import Tab, browsing

TENANTS = 60
HOSTILE = "<script>document.title='pwned'</script>\"'><img src=x onerror=\"document.title='pwned'\">\u202e" + "W" * 500
PHONE = 360
PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "status.png"
PICTURE_BYTES = 200_000

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def demo_daemon(folder: Path) -> AsyncIterator[tuple[Daemon, URL]]:
    """Run what `make demo` runs, once every source has found its tenants."""
    clock = SystemClock()
    world = World(seed=1, tenants=TENANTS, start=clock.now() - HISTORY / PACE, pace=PACE)
    certificate = await asyncio.to_thread(tls.self_signed, ["127.0.0.1"], clock.now())
    context = await asyncio.to_thread(certificate.context)
    simulator = await serve(build_app(world, clock=clock, veeam=MANNERS), "127.0.0.1", 0)
    try:
        secure = await simulator.also("127.0.0.1", 0, context)
        urls = (simulator.base_url, secure.base_url)
        settings = demo_settings(*urls, certificate.fingerprint, world, "127.0.0.1:0", folder / "state.db")
        async with running(settings, clock) as daemon:
            while not all(each.intake.watched() for each in daemon.watched.values()):
                await clock.sleep(0.1)
            yield daemon, daemon.addresses[0]
    finally:
        await simulator.close()


def units(watched: Watched) -> list[Unit]:
    """Return all that is collected of a source, and when."""
    return list(watched.runner.schedule.units.values())


async def fits(tab: Tab) -> bool:
    """Tell whether nothing of the page is wider than the window."""
    return bool(await tab.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


async def names(tab: Tab) -> list[str]:
    """Return the names of the tenants in the list."""
    found = await tab.value("[...document.querySelectorAll('.list tbody td:first-child > bdi')].map(e => e.innerText)")
    return list(found)


async def test_in_a_browser(tmp_path: Path) -> None:
    """The page loads nothing else and complains of nothing; search, sort and the pages behind it work by its links."""
    async with demo_daemon(tmp_path) as (_, url), browsing(tmp_path / "profile") as tab:
        await tab.open(str(url))
        assert await tab.value("document.title") == "m365-backup-exporter"
        assert len(await names(tab)) == 50
        assert await tab.value("getComputedStyle(document.querySelector('.cards')).display") == "grid"
        first = await tab.value("document.querySelector('.list tbody td').innerText.split('\\n')[0]")

        await tab.submit("document.querySelector('a[rel=next]').click()")
        assert "page=2" in await tab.value("location.search")
        await tab.submit(
            f"document.querySelector('input[name=q]').value = {first!r}; document.querySelector('form button').click()"
        )
        found = await names(tab)
        assert found
        assert all(first.casefold() in each.casefold() for each in found)
        await tab.submit('document.querySelector(\'a[href="probe"], a[href^="probe?"]\').click()')
        assert "# TYPE m365backup_tenant_info gauge" in await tab.value("document.body.innerText")
        await tab.open(str(url / "config"))
        assert "<secret>" in await tab.value("document.body.innerText")

        assert tab.complaints == []
        assert {URL(each).origin() for each in tab.requested if not each.startswith("data:")} == {url.origin()}


async def test_a_hostile_name(tmp_path: Path) -> None:
    """A tenant whose name is a script is shown by that name, and the script does not run."""
    async with demo_daemon(tmp_path) as (daemon, url), browsing(tmp_path / "profile") as tab:
        daemon.watched["elements"].intake.roster.tenants["evil"] = Tenant(tenant="evil", name=HOSTILE)
        await tab.open(str(url.with_query(q="pwned")))

        assert await tab.value("document.title") == "m365-backup-exporter"
        assert (await names(tab))[0].startswith("<script>document.title='pwned'</script>")
        assert await tab.value("document.images.length + document.scripts.length") == 0
        assert tab.complaints == []
        await tab.size(PHONE, 800, phone=True)
        assert await fits(tab)


async def test_on_a_phone_and_in_the_dark(tmp_path: Path) -> None:
    """On a phone nothing is wider than the screen, and who prefers dark gets dark, readable both ways."""
    async with demo_daemon(tmp_path) as (_, url), browsing(tmp_path / "profile") as tab:
        await tab.size(PHONE, 800, phone=True)
        await tab.open(str(url))
        assert await fits(tab)
        await tab.value("document.querySelectorAll('details').forEach(e => e.open = true)")
        assert await fits(tab)

        shades = {}
        for scheme in ("light", "dark"):
            await tab.scheme(scheme)
            shades[scheme] = [
                await tab.value(f"getComputedStyle(document.body).{part}.match(/\\d+/g).slice(0, 3).map(Number)")
                for part in ("backgroundColor", "color")
            ]

        for paper, ink in (shades["light"], shades["dark"][::-1]):
            assert min(paper) > 200
            assert max(ink) < 80


async def test_screenshot(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The picture that the front page shows is small; --update-golden takes it anew."""
    async with demo_daemon(tmp_path) as (daemon, url), browsing(tmp_path / "profile") as tab:
        elements = daemon.watched["elements"]
        while any(unit.regular is None for each in daemon.watched.values() for unit in units(each)):
            await daemon.clock.sleep(0.1)
        jobs = next(plan for plan in elements.source.plans if plan.name == "jobs")
        refused = NotFound("jobs: api.example.com answered 404: a licence or a permission is missing")
        await elements.intake.failed(jobs, elements.intake.watched()[3], refused, stale_after=3600.0, seconds=0.4)
        await tab.size(1100, 1000)
        await tab.open(str(url))
        taken = await tab.screenshot()

    assert PICTURE_BYTES > len(taken) > 10_000
    if request.config.getoption("--update-golden"):
        await asyncio.to_thread(PICTURE.write_bytes, taken)
    assert len(await asyncio.to_thread(PICTURE.read_bytes)) < PICTURE_BYTES
