"""`POST /-/reload`: to read a changed configuration without a signal, as Prometheus offers it."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import hdrs, web

from exporter.errors import NotRunning

_METHODS: Final = (hdrs.METH_POST, hdrs.METH_PUT)


def add_reload(app: web.Application, reload: Callable[[], Awaitable[list[str]]], *, enabled: bool) -> None:
    """Add the path to *app*; *reload* returns what is at fault in the configuration, and then has changed nothing."""

    async def answer(request: web.Request) -> web.Response:
        if request.method not in _METHODS:
            allowed = {hdrs.ALLOW: ", ".join(_METHODS)}
            return web.Response(status=405, text="Only POST or PUT requests are allowed.\n", headers=allowed)
        if not enabled:
            return web.Response(status=403, text="The lifecycle API is not enabled; see web.enable_lifecycle.\n")
        try:
            faults = await reload()
        except NotRunning:
            return web.Response(status=503, text="The exporter is starting or stopping.\n")
        if faults:
            return web.Response(status=500, text="".join(f"{fault}\n" for fault in faults))
        return web.Response(text="reloaded\n")

    app.router.add_route("*", "/-/reload", answer)
