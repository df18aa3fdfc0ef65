"""A folder with certificates and a web configuration file, and a page behind the door that they make."""

import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bcrypt
import yaml
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from yarl import URL

from exporter.simulator.tls import Identified, authority, issued, self_signed
from exporter.web.config.door import Door

TLS: Final = {"cert_file": "server.pem", "key_file": "server.key"}
CHEAP: Final = 4
OWN: Final = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
"""Headers that the page has by itself."""


def hashed(password: str, *, cost: int = CHEAP) -> str:
    """Return a password as the file has it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@dataclass(slots=True)
class Papers:
    """What lies in the folder: server.pem, server.key, authority.pem, and web.yaml if it was written."""

    folder: Path
    authority: Identified

    @property
    def file(self) -> Path:
        """The web configuration file."""
        return self.folder / "web.yaml"

    def write(self, **sections: object) -> Path:
        """Write the web configuration file, and return its path."""
        self.file.write_text(yaml.safe_dump(sections), encoding="utf-8")
        return self.file

    def renew(self, name: str = "server", *names: str) -> Identified:
        """Write a new certificate and key called *name*, for *names* or this machine."""
        new = issued(self.authority, names or ["127.0.0.1", "localhost"], time.time())
        (self.folder / f"{name}.pem").write_bytes(new.public_pem)
        (self.folder / f"{name}.key").write_bytes(key_of(new))
        return new

    def client(self, name: str | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts our authority, and shows the certificate called *name*."""
        context = ssl.create_default_context(cadata=self.authority.public_pem.decode())
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


def key_of(identified: Identified) -> bytes:
    """Return the private key as PEM."""
    return identified.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def papers_in(folder: Path) -> Papers:
    """Fill *folder*: a server, a client and a stranger, whom nobody vouches for."""
    papers = Papers(folder, authority(time.time()))
    (folder / "authority.pem").write_bytes(papers.authority.public_pem)
    papers.renew()
    papers.renew("client", "prometheus.example.com", "2001:db8::1")
    stranger = self_signed(["prometheus.example.com"], time.time())
    (folder / "stranger.pem").write_bytes(stranger.public_pem)
    (folder / "stranger.key").write_bytes(key_of(stranger))
    return papers


@asynccontextmanager
async def behind(door: Door) -> AsyncIterator[URL]:
    """Serve one page, /, that greets, behind *door*."""

    async def greet(_: web.Request) -> web.Response:
        return web.Response(text="come in", headers=OWN)

    app = web.Application()
    app.router.add_get("/", greet)
    door.guard(app)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=door.tls).start()
        port = runner.addresses[0][1]
        yield URL.build(scheme="https" if door.tls else "http", host="127.0.0.1", port=port)
    finally:
        await runner.cleanup()


async def opened(file: Path) -> Door:
    """Return the door that *file* describes."""
    door = await Door.open(file)
    assert door
    return door


def promtool_accepts(file: Path) -> bool:
    """Tell what Prometheus' own check says of a web configuration file."""
    command = ["promtool", "check", "web-config", str(file)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - no shell


def leaks(texts: Iterable[str], *secrets: str) -> list[str]:
    """Return the texts that show one of the *secrets*."""
    return [text for text in texts if any(secret in text for secret in secrets)]
