"""/sd: the parts of the exposition as targets, in the form of Prometheus' http_sd_config.

The labels `source` and `tenant` tell the parts' own `up` apart; the samples have the same ones already.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from exporter.web.view import Overview, TenantView

META: Final = "__meta_m365backup_"
ADDRESS: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
"""What may be a target: a name or an address, and a port unless it is the scheme's."""
Group = dict[str, Any]


def listed(overview: Overview, address: str) -> bytes:
    """Return one group a tenant, and one for what is of no tenant, as JSON; all of them lead to *address*."""
    rest = {"__metrics_path__": "/metrics", "__param_exclude": "tenants", f"{META}part": "exporter"}
    # One by one: the encoder lets nobody else run before it has ended.
    groups = (orjson.dumps(_group(address, labels)) for labels in chain([rest], map(_labels, overview.tenants)))
    return b"[" + b",\n".join(groups) + b"]"


def _group(address: str, labels: dict[str, str]) -> Group:
    """Return one target; half a surrogate pair becomes a question mark, as in the exposition."""
    plain = {name: value.encode(errors="replace").decode() for name, value in labels.items()}
    return {"targets": [address], "labels": plain}


def _labels(tenant: TenantView) -> dict[str, str]:
    record = tenant.record
    meta = {
        "part": "tenant",
        "source": tenant.source,
        "kind": tenant.kind,
        "tenant": record.tenant,
        "tenant_name": record.name,
        "tenant_country": record.country or "",
        "muted": "true" if record.muted else "false",
        **{f"tenant_label_{name}": value for name, value in record.labels.items()},
    }
    return {
        "__metrics_path__": "/probe",
        "__param_source": tenant.source,
        "__param_tenant": record.tenant,
        "source": tenant.source,
        "tenant": record.tenant,
        **{META + name: value for name, value in meta.items()},
    }


def targets(
    look: Callable[[], Awaitable[Overview]], ready: Callable[[], str | None]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of /sd; not ready, it fails, so that Prometheus keeps the targets it has."""
    turn = asyncio.Lock()

    async def answer(request: web.Request) -> web.Response:
        why_not = ready()
        if why_not is not None:
            return web.Response(status=503, text=f"not ready: {why_not}\n")
        host = request.headers.getall(hdrs.HOST, [])
        if len(host) != 1 or not ADDRESS.fullmatch(host[0]):
            return web.Response(status=400, text="Host: say where the targets are, as in exporter.example.com:9365\n")
        async with turn:  # one thread that computes hardly slows the event loop down
            body = await asyncio.to_thread(listed, await look(), host[0])
        response = web.Response(
            body=body, content_type="application/json", headers={"Cache-Control": "no-store"}, zlib_executor_size=1024
        )
        response.enable_compression()
        return response

    return answer
