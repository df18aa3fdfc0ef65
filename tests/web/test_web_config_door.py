"""The door: everything is behind it, and what the file says now counts for the next request."""

import asyncio
from pathlib import Path
from typing import Never

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from exporter.web.config.door import LOOK_EVERY, Door
from exporter.web.config.protection import Protection
from tests.support.clock import FakeClock
from tests.support.process import until
from tests.web.secured import Papers, behind, hashed, leaks, opened, papers_in


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Return a folder with certificates."""
    return papers_in(tmp_path)


async def ask(url: URL, authorization: str | None = None, method: str = "GET") -> tuple[int, dict[str, str]]:
    """Return status and headers of an answer."""
    headers = {"Authorization": authorization} if authorization is not None else {}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as response:
        return response.status, dict(response.headers)


def basic(name: str, password: str) -> str:
    """Return the header that a browser makes of name and password."""
    return aiohttp.encode_basic_auth(name, password)


async def test_who_is_let_in(papers: Papers) -> None:
    """With users in the file only they are let in; others are asked for a password."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("grün:1")}))
    async with behind(door) as url:
        assert (await ask(url, basic("contoso", "grün:1")))[0] == 200
        for given in (None, basic("contoso", "grün"), basic("nobody", "grün:1"), basic("", "")):
            status, headers = await ask(url, given)
            assert status == 401
            assert headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("header", ["", "Basic", "Basic %%%", "Basic YQ==", "Bearer x", "Basic /////w==", "x" * 5000])
async def test_unreadable_credentials(papers: Papers, header: str) -> None:
    """Whatever stands in the header instead of name and password is asked for again, and breaks nothing."""
    async with behind(await opened(papers.write(basic_auth_users={"contoso": hashed("right")}))) as url:
        assert (await ask(url, header))[0] == 401


async def test_all_is_behind_it(papers: Papers) -> None:
    """No path, known or not, and no method is answered without a password."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("right")}))
    async with behind(door) as url:
        for path in ("/", "/none", "/-/reload", "//", "/%2e%2e/"):
            for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
                assert (await ask(url.join(URL(path)), method=method))[0] == 401, (method, path)


async def test_a_flood(papers: Papers) -> None:
    """Who guesses faster than passwords can be checked is told to wait; the scraper is answered meanwhile."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("right", cost=8)}))
    async with behind(door) as url:
        assert (await ask(url, basic("contoso", "right")))[0] == 200
        flood = [asyncio.create_task(ask(url, basic("contoso", f"guess {number}"))) for number in range(60)]
        await until(lambda: any(guess.done() for guess in flood), "the first guess is answered")
        assert (await ask(url, basic("contoso", "right")))[0] == 200
        assert not all(guess.done() for guess in flood)
        answers = await asyncio.gather(*flood)

    assert {status for status, _ in answers} == {401, 429}
    assert all(headers["Retry-After"] for status, headers in answers if status == 429)


async def test_headers(papers: Papers) -> None:
    """The file's headers are in every answer, refusals too; they replace our own, and an empty one removes it."""
    wanted = {"Content-Security-Policy": "", "X-Frame-Options": "deny", "Strict-Transport-Security": "max-age=60"}
    file = papers.write(http_server_config={"headers": wanted}, basic_auth_users={"contoso": hashed("right")})
    door = await opened(file)
    async with behind(door) as url:
        _, refused = await ask(url)
        _, headers = await ask(url, basic("contoso", "right"))

    assert refused["X-Frame-Options"] == headers["X-Frame-Options"] == "deny"
    assert headers["Strict-Transport-Security"] == "max-age=60"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers


async def test_changes_count_at_once(papers: Papers) -> None:
    """Users and headers of a changed file count for the next request, on open connections too."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("old")}))
    async with behind(door) as url, aiohttp.ClientSession() as session:
        old, new = ({"Authorization": basic("contoso", password)} for password in ("old", "new"))
        async with session.get(url, headers=old) as response:
            assert response.status == 200
        headers = {"X-Frame-Options": "sameorigin"}
        papers.write(basic_auth_users={"contoso": hashed("new")}, http_server_config={"headers": headers})
        await door.look()
        async with session.get(url, headers=old) as response:
            assert response.status == 401
        async with session.get(url, headers=new) as response:
            assert response.status == 200
            assert response.headers["X-Frame-Options"] == "sameorigin"


async def test_a_broken_file(papers: Papers) -> None:
    """A file at fault or gone changes nothing, is logged once without its values, and once more when it comes again."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("right")}))
    good = papers.file.read_bytes()
    async with behind(door) as url:
        with capture_logs() as logs:
            for content in (b"basic_auth_users: {contoso: s3cr3t-marker}", b"", good, b""):
                papers.file.write_bytes(content)
                await door.look()
                await door.look()
            papers.file.unlink()
            await door.look()
            papers.file.write_bytes(good)
            await door.look()
        assert (await ask(url))[0] == 401
        assert (await ask(url, basic("contoso", "right")))[0] == 200

    assert [line["event"] for line in logs] == ["web_config_refused"] * 4
    assert leaks(map(str, logs), "s3cr3t-marker") == []


async def test_it_is_looked_after(papers: Papers) -> None:
    """The files are looked at every few seconds, also after one was at fault."""
    door = await opened(papers.write(basic_auth_users={"contoso": hashed("old")}))
    clock = FakeClock()
    with capture_logs() as logs:
        looking = asyncio.create_task(door.look_after(clock))
        papers.file.write_text("broken", encoding="utf-8")
        await until(lambda: logs, "the fault is seen")
        papers.write(basic_auth_users={"contoso": hashed("new")})
        await until(lambda: len(logs) > 1, "the change is seen")
        looking.cancel()

    assert [line["event"] for line in logs] == ["web_config_refused", "web_config_taken_over"]
    assert set(clock.waits) == {LOOK_EVERY}


class Unreadable(dict[Path, bytes | str]):
    """Files that a bug stumbles over."""

    def items(self) -> Never:
        """Stumble."""
        raise ZeroDivisionError


async def test_a_bug_is_told_once(papers: Papers) -> None:
    """A bug at each look is logged once, and again only when something else was between."""
    clock = FakeClock()
    door = Door(papers.file, Protection({}, {}, None, Unreadable()))
    with capture_logs() as logs:
        looking = asyncio.create_task(door.look_after(clock))
        await until(lambda: len(clock.waits) > 5, "it was looked at several times")
        looking.cancel()

    assert [line["event"] for line in logs] == ["web_config_broken"]
