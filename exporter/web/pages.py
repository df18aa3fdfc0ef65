"""The pages for people: no script, nothing from elsewhere, every value escaped."""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exporter.web import wording
from exporter.web.listing import Question
from exporter.web.view import Overview

TEMPLATES: Final = Path(__file__).parent / "templates"
Look = Callable[[], Awaitable[Overview]]


class Templates:
    """The templates, read when they are first needed. Safe in any thread, and too slow for the event loop."""

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        words = (wording.span, wording.ago, wording.ahead, wording.moment, wording.size, wording.shortened)
        environment.filters.update({each.__name__: each for each in words})
        return environment

    @cached_property
    def policy(self) -> str:
        """The Content-Security-Policy: our one style sheet, known by its hash, and a form that leads back here."""
        style = self._environment.get_template("status.css").render()
        digest = b64encode(sha256(style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def status(self, overview: Overview, question: Question) -> str:
        """Return the status page."""
        return self._environment.get_template("status.html").render(
            now=overview.at,
            exporter=overview.exporter,
            all=overview,
            question=question,
            sources=question.sources_of(overview),
            tenants=question.tenants_of(overview),
            troubled=sum(each.state in {"stale", "failing"} for each in overview.tenants),
            muted=sum(each.record.muted for each in overview.tenants),
            down=sum(each.up is False for each in overview.sources),
        )


def status_page(look: Look) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of the status page."""
    templates = Templates()
    turn = asyncio.Lock()  # threads that compute slow the event loop down, one hardly, many together much

    async def status(request: web.Request) -> web.Response:
        question = Question.read(request.query)
        async with turn:
            page = await asyncio.to_thread(templates.status, await look(), question)
            policy = await asyncio.to_thread(lambda: templates.policy)
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        body = page.encode(errors="replace")  # a letter that cannot be written costs the page nothing else
        return web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers)

    return status


def config_page(configuration: Callable[[], Awaitable[str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of the configuration."""

    async def config(_: web.Request) -> web.Response:
        return web.Response(text=await configuration(), headers={"Cache-Control": "no-store"})

    return config
