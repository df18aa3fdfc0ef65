"""The whole process at debug level, with marked secrets of every kind: whatever happens, nobody reads one of them."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, Final
from urllib.parse import quote, quote_plus

import aiohttp
import orjson
import pytest

from exporter.clock import SystemClock
from exporter.simulator import tls
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.client.certificates import rsa_key, write_pair
from tests.support.echoing import Echo
from tests.support.process import ROOT, free_port, until

SECRET: Final = "marked-client-secret-1"
FILED: Final = "marked filed secret/2+x=ü"
ROTATED: Final = "marked rotated secret/3"
PASSWORD: Final = 'marked p"ss\\wörd %&4'
PROXY: Final = "marked:proxy p@ssword 5"
RELOADED: Final = "marked-secret-of-a-bad-file-6"
PAGES: Final = ("", "?source=fine", "metrics", "config", "sd", "-/healthy", "-/ready", "probe?target=fine", "nowhere")
REFUSALS: Final = ("refused", "401", "403", "404", "400", "429", "500", "503", "html", "slow", "away", "bug")
LIMITS: Final = {"requests_per_second": 50, "timeout": "1s"}
SABOTAGE: Final = '''
    """Libraries that fail in words that quote secrets; Python runs this at its start."""
    import gc, json, logging, os, sqlite3, threading, warnings

    secrets = json.loads(os.environ["QUOTED"])
    if os.environ.get("CRASH"):
        def connect(*_, **__):
            local = secrets
            raise RuntimeError(f"no state for {local}")
        sqlite3.connect = connect

    import orjson
    decode = orjson.loads

    class Broken:
        def __del__(self):
            raise RuntimeError(f"not closed: {secrets}")

    def loads(body):
        decoded = decode(body)
        if isinstance(decoded, dict) and "make-a-bug" in decoded:
            told = decoded["make-a-bug"]
            logging.getLogger("aiohttp.client").warning("library: %s %r", told, secrets)
            warnings.warn(f"deprecated: {secrets}", stacklevel=1)
            threading.Thread(target=lambda: 1 / 0 if not secrets else int(f"thread: {secrets}")).start()
            Broken()
            raise RuntimeError(f"bug: {told} {secrets}") from ValueError(repr(told))
        return decoded
    orjson.loads = loads
'''


@dataclass(slots=True)
class Stage:
    """A daemon to be, in a folder of its own."""

    folder: Path
    form: str
    echo: Echo
    api: str
    trap: str
    """The address of a server whose certificate nobody trusts."""
    port: int = field(default_factory=free_port)
    kept: list[str] = field(default_factory=list)
    """What the pages and the metrics showed."""
    secrets: set[str] = field(default_factory=set)
    """Those of the files; the echo knows the others."""

    def prepare(self) -> None:
        """Write the files that the daemon reads."""
        (self.folder / "sitecustomize.py").write_text(dedent(SABOTAGE), encoding="utf-8")
        (self.folder / "secret").write_text(FILED + "\n", encoding="utf-8")
        _, key = write_pair(self.folder, rsa_key())
        self.secrets = {line for line in key.read_text(encoding="ascii").splitlines() if "-----" not in line}
        self.secrets |= {SECRET, FILED, ROTATED, PASSWORD, PROXY, RELOADED}
        self.configure(self.sources())

    def configure(self, sources: Mapping[str, Any]) -> None:
        """Write the configuration."""
        config = {
            "web": {"listen": [f"127.0.0.1:{self.port}"]},
            "log": {"level": "debug", "format": self.form},
            "state": {"path": str(self.folder / "state.db")},
            "sources": sources,
        }
        (self.folder / "config.yaml").write_bytes(orjson.dumps(config))

    def sources(self) -> dict[str, Any]:
        """Return a source for each kind of secret, and one for each kind of refusal."""
        files = {
            "certificate_file": str(self.folder / "client.pem"),
            "private_key_file": str(self.folder / "client.key"),
        }
        veeam = {"kind": "veeam", "auth": {"username": "CONTOSO\\svc", "password": PASSWORD}}
        return {
            "fine": self.elements("fine"),
            "filed": self.elements("fine", client_secret_file=str(self.folder / "secret")),
            "certified": self.elements("fine", **files),
            "vb365": {**veeam, "base_url": f"{self.api}/fine", "limits": LIMITS},
            "vb365_refused": {**veeam, "base_url": f"{self.api}/401", "limits": LIMITS},
            "trapped": {**self.elements("fine"), "base_url": self.trap},
            "proxied": {
                **self.elements("fine"),
                "base_url": "http://vendor.example.com/fine",
                "allow_plain_http": True,
            },
            **{f"weather_{weather}": self.elements(weather) for weather in REFUSALS},
        }

    def elements(self, weather: str, **auth: str) -> dict[str, Any]:
        """Return a source that fares so."""
        return {
            "kind": "elements",
            "base_url": f"{self.api}/{weather}",
            "auth": {
                "token_url": f"{self.api}/{weather}/connect/token",
                "client_id": "test",
                **(auth or {"client_secret": SECRET}),
            },
            "limits": LIMITS,
            "collectors": {"tenants": {"interval": "1s"}, "jobs": {"interval": "1s"}},
        }

    @asynccontextmanager
    async def daemon(self, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the process, and kill it in the end."""
        quoted = [SECRET, FILED, PASSWORD, PROXY]
        proxy = f"http://{quote(PROXY.partition(':')[0])}:{quote(PROXY.partition(':')[2], safe='')}@{self.api[7:]}"
        own = {
            "PYTHONPATH": str(self.folder),
            "QUOTED": json.dumps(quoted),
            "HTTP_PROXY": proxy,
            "NO_PROXY": "127.0.0.1",
        }
        clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with (self.folder / "emitted").open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exporter", "run", "--config", str(self.folder / "config.yaml")),
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env={**clean, **own, **environment},
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def emitted(self) -> str:
        """Return all that the process has written to standard output and standard error."""
        return (self.folder / "emitted").read_text(encoding="utf-8", errors="replace")

    async def look(self) -> None:
        """Keep what every page shows now."""
        for page in PAGES:
            async with self.echo.session.get(f"http://127.0.0.1:{self.port}/{page}") as answer:
                self.kept.append(str(answer.headers) + await answer.text())

    def everything(self) -> Iterator[tuple[str, str]]:
        """Yield all that anybody could read, by where."""
        yield "emitted", self.emitted()
        yield "pages", "\n".join(self.kept)
        for file in self.folder.glob("state.db*"):
            yield file.name, file.read_bytes().decode(errors="replace")


def forms(secret: str) -> Iterator[str]:
    """Yield a secret in the forms in which it could be read."""
    yield from (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), secret.replace('"', '\\"'))
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + secret.encode()).decode()
        yield encoded[4 if before else 0 : -4]


@pytest.mark.parametrize(
    "form", [pytest.param("console", marks=pytest.mark.full), "json", pytest.param("logfmt", marks=pytest.mark.full)]
)
async def test_nobody_reads_a_secret(form: str, tmp_path: Path) -> None:
    """Nothing that the process writes, serves or keeps holds a secret, whoever fails, quotes it or sends it back."""
    clock = SystemClock()
    world = World(seed=1, tenants=3, start=clock.now() - 86400.0)
    certificate = tls.self_signed(["vendor.example.com"], clock.now())
    simulator = await serve(build_app(world, clock=clock, token_lifetime=5), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        echo = Echo(simulator.base_url, session, FILED)
        context = await asyncio.to_thread(certificate.context)
        front = await serve(echo.app(), "127.0.0.1", 0)
        trap = await serve(echo.app(), "127.0.0.1", 0, context)
        stage = Stage(tmp_path, form, echo, front.base_url, trap.base_url)
        await asyncio.to_thread(stage.prepare)
        await _live(stage)
        for server in (trap, front, simulator):
            await server.close()

    found = {
        (where, secret)
        for where, text in stage.everything()
        for secret in stage.secrets | echo.sent | echo.given
        if any(each in text or each.replace("\\", "") in text.replace("\\", "") for each in forms(secret))
    }
    assert found == set()
    assert len(echo.given) > 10
    assert echo.sent >= {SECRET, FILED, ROTATED, PASSWORD}
    assert stage.emitted().count("***") > 10
    assert form != "json" or all(json.loads(line)["event"] for line in stage.emitted().splitlines())


async def _live(stage: Stage) -> None:
    """Let the daemon meet everything, reload, stop, and crash at its next start."""
    async with stage.daemon() as process:
        told = [f"weather_{weather}" for weather in REFUSALS]
        failing = [
            "source_failed",
            "collector_failed",
            "proxied",
            "trapped",
            "collection_bug",
            "py.warnings",
            "thread: ",
        ]
        await until(lambda: all(each in stage.emitted() for each in [*told, *failing]), "all has failed")
        await stage.look()
        (stage.folder / "secret").write_text(ROTATED, encoding="utf-8")
        bad = {
            **stage.sources(),
            "worse": {**stage.elements("fine", client_secret=RELOADED), "tls": {"ca_file": "/no"}},
        }
        stage.configure(bad)
        process.send_signal(signal.SIGHUP)
        await until(lambda: "reload_failed" in stage.emitted(), "the bad file is refused")
        await until(lambda: ROTATED in stage.echo.sent and stage.echo.proxied, "the secret is read again")
        await stage.look()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    stage.configure(stage.sources())
    async with stage.daemon(CRASH="1", QUOTED=json.dumps([SECRET, PASSWORD])) as process:  # no file was read yet
        assert await process.wait() == 1
    assert "crashed" in stage.emitted()
    assert "Traceback" in stage.emitted()
