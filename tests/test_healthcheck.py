"""The command that a container asks whether all is well."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from exporter.cli import main
from exporter.healthcheck import check
from exporter.settings import WebSettings
from exporter.web.config.door import Door
from tests.support.process import free_port
from tests.web.secured import TLS, hashed, papers_in

CLIENTS = {"client_ca_file": "authority.pem", "client_auth_type": "RequireAndVerifyClientCert"}
ACCESS = {"client_id": "test", "client_secret": "test"}


def write_config(folder: Path, **its_web: Any) -> Path:
    """Write a configuration and return its path."""
    path = folder / "config.yaml"
    path.write_text(
        yaml.safe_dump({"web": its_web, "sources": {"contoso": {"kind": "elements", "auth": ACCESS}}}),
        encoding="utf-8",
    )
    return path


@asynccontextmanager
async def listening(port: int, why_not: str | None = None, door: Door | None = None) -> AsyncIterator[None]:
    """Be an exporter on *port* while the context lasts, healthy unless there is a *why_not*."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503 if why_not else 200, text=why_not or "healthy\n")

    app = web.Application()
    app.router.add_get("/-/healthy", answer)
    if door:
        door.guard(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=door.tls if door else None).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def checked(config: Path, port: int, *, why_not: str | None = None, door: Door | None = None) -> int:
    """Return the command's exit status while such an exporter runs."""
    async with listening(port, why_not, door):
        return await asyncio.to_thread(status_of, config)


def status_of(config: Path) -> int:
    """Return the command's exit status."""
    with pytest.raises(SystemExit) as ended:
        main(["healthcheck", "--config", str(config)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - every address is one of them
async def test_healthy(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of one that is well; one that listens everywhere is asked on this machine."""
    port = free_port()

    status = await checked(write_config(tmp_path, listen=[f"{host}:{port}"]), port)

    assert (status, capsys.readouterr().err) == (0, "")


async def test_not_healthy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is stuck is told with the reason it gives."""
    port = free_port()
    config = write_config(tmp_path, listen=[f"127.0.0.1:{port}"])

    status = await checked(config, port, why_not="not healthy: housekeeping is 200 s late\n")

    assert (status, "200 s late" in capsys.readouterr().err) == (1, True)


def test_nobody_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that does not run is not healthy."""
    assert status_of(write_config(tmp_path, listen=[f"127.0.0.1:{free_port()}"])) == 1
    assert "refused" in capsys.readouterr().err


async def test_not_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever else has the port is not healthy."""

    async def mumble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com\r\n")
        writer.close()

    async with await asyncio.start_server(mumble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        status = await asyncio.to_thread(status_of, write_config(tmp_path, listen=[f"127.0.0.1:{port}"]))

    assert (status, "not healthy" in capsys.readouterr().err) == (1, True)


@pytest.mark.parametrize(
    "sections",
    [
        {"basic_auth_users": {"prometheus": hashed("s3cr3t-marker")}},
        {"tls_server_config": TLS},
        {"tls_server_config": TLS | CLIENTS},
        {"tls_server_config": TLS | CLIENTS | {"max_version": "TLS12"}},
    ],
    ids=["password", "tls", "client certificate", "client certificate before TLS 1.3"],
)
async def test_behind_a_door(sections: dict[str, Any], tmp_path: Path) -> None:
    """A port that wants TLS, a password or a certificate needs none of them for this."""
    port, papers = free_port(), papers_in(tmp_path)
    config = write_config(tmp_path, listen=[f"127.0.0.1:{port}"], config_file=str(papers.write(**sections)))

    assert await checked(config, port, door=await Door.open(papers.file)) == 0


def test_not_the_tls_that_is_configured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that speaks no TLS, though it should, is not healthy."""
    port, papers = free_port(), papers_in(tmp_path)
    config = write_config(tmp_path, listen=[f"127.0.0.1:{port}"], config_file=str(papers.write(tls_server_config=TLS)))

    status = asyncio.run(checked(config, port))

    assert (status, "not healthy" in capsys.readouterr().err) == (1, True)


async def test_file_at_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edit that went wrong is told, and the usual port is asked all the same: the daemon works on with the old."""
    usual = WebSettings(listen=(f"127.0.0.1:{free_port()}",))
    config = write_config(tmp_path, listne=["127.0.0.1:1"])

    async with listening(usual.addresses()[0][1]):
        status = await asyncio.to_thread(check, config, usual)

    assert (status, "web.listne" in capsys.readouterr().err) == (0, True)
