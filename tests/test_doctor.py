"""The command that tries every source: each trouble is brought about, and must be told by its name."""

import argparse
import asyncio
import io
import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from cryptography.hazmat.primitives.serialization import Encoding
from rich.console import Console
from structlog.testing import capture_logs

from exporter import doctor
from exporter.app import outgoing_session
from exporter.cli import main
from exporter.clock import SystemClock
from exporter.doctor import examine
from exporter.doctor.examination import Examination
from exporter.doctor.finding import Finding, Trouble
from exporter.doctor.findings import Reader
from exporter.doctor.notebook import Notebook, ended, rows_of
from exporter.doctor.table import sentences, show
from exporter.errors import SettingsError
from exporter.records import Record
from exporter.roster import Roster
from exporter.settings import Settings
from exporter.shard import Shard
from exporter.simulator import tls
from exporter.simulator.faults import parse_faults
from exporter.simulator.server import STATISTICS, build_app, serve
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.world import World
from exporter.source import Enough
from exporter.source_settings import TenantSettings
from tests.client.certificates import key_pem, rsa_key, server_certificate
from tests.support.clock import FakeClock
from tests.support.prometheus import free_port
from tests.support.sources import FakeSource, plan, tenants
from tests.support.warp import START, WarpClock, warped

WORLD = World(seed=4, tenants=6, start=START - 10 * 86400.0)
MICROSOFT = next(each.id for each in WORLD.customers(START) if each.has("Microsoft 365"))
FAST = {"requests_per_second": 1000}
SECRET = "s3cr3t-marker"
Door = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


def source(kind: str, url: str, **options: Any) -> dict[str, Any]:
    """Return the settings of a source at *url*, token and all."""
    auth = {"client_id": MICROSOFT, "client_secret": "simulated", "token_url": f"{url}/connect/token"}
    own: dict[str, Any] = {
        "elements": {"auth": auth},
        "cloudbackup": {"auth": auth, "tenant": {"id": "contoso"}},
        "veeam": {"auth": {"username": "monitor", "password": "simulated"}},
    }[kind]
    return {"kind": kind, "base_url": url, "limits": FAST, **own, **options}


def settings(**sources: dict[str, Any]) -> Settings:
    """Return a configuration of these sources."""
    return Settings.model_validate({"state": {"path": ""}, "sources": sources})


async def findings(its: dict[str, Any], clock: Any) -> list[Finding]:
    """Try the one source *its*."""
    return await examine(settings(it=its), ["it"], clock, outgoing_session)


@asynccontextmanager
async def simulated(
    clock: Any, *, door: Door | None = None, ahead: float = 0.0, context: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[tuple[str, web.Application]]:
    """Serve the simulator while the context lasts, *ahead* of our time; what *door* answers does not reach it."""

    class Ahead(WarpClock):
        def now(self) -> float:
            return float(clock.now()) + ahead

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        return (await door(request) if door else None) or await handler(request)

    app = build_app(WORLD, clock=Ahead(), **options)
    app.middlewares.insert(0, guarded)
    server = await serve(app, "127.0.0.1", 0, context)
    try:
        yield server.base_url, app
    finally:
        await server.close()


def tried(kind: str, change: dict[str, Any] | None = None, **options: Any) -> list[Finding]:
    """Return what is found at the simulator; *change* is of the source, *options* of the simulator."""

    async def work() -> list[Finding]:
        clock = WarpClock()
        async with simulated(clock, **options) as (url, _):
            return await findings({**source(kind, url), **(change or {})}, clock)

    return warped(work)


def only(found: Sequence[Finding]) -> Finding:
    """Return the one finding that failed."""
    failed = [each for each in found if each.verdict == "failed"]
    assert len(failed) == 1, failed
    return failed[0]


def refusing(matches: str, status: int = 403, body: dict[str, str] | None = None) -> Door:
    """Return a door that refuses requests whose path holds *matches*."""

    async def door(request: web.Request) -> web.StreamResponse | None:
        return web.json_response(body or {}, status=status) if matches in request.path else None

    return door


def granting(*prefixes: str) -> Door:
    """Return a door whose token endpoint knows only permissions that begin so."""

    async def door(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/token"):
            return None
        scopes = str((await request.post())["scope"]).split()
        known = all(scope.startswith(prefixes) for scope in scopes)
        return None if known else web.json_response({"error": "invalid_scope"}, status=400)

    return door


@pytest.mark.parametrize(
    ("kind", "api", "endpoints"),
    [
        ("elements", "v3", 8),
        ("elements", "v1", 8),
        ("cloudbackup", "v2", 6),
        ("cloudbackup", "v1", 3),
        ("cloudbackup", "legacy", 3),
        ("veeam", "auto", 18),
        ("veeam", "v7", 12),
        ("veeam", "v6", 12),
    ],
)
def test_all_is_well(kind: str, api: str, endpoints: int) -> None:
    """Of a good source every endpoint is asked once, with its rows and how long it took, and all is well."""

    async def work() -> tuple[list[Finding], Any]:
        clock = WarpClock()
        async with simulated(clock) as (url, app):
            prefix = "/partner" if api == "v1" and kind == "elements" else ""
            found = await findings({**source(kind, url), "api": api, "base_url": url + prefix}, clock)
            return found, app[STATISTICS].requests

    found, requests = warped(work)

    assert {each.verdict for each in found} == {"ok"}, found
    assert len(found) == endpoints
    assert all(each.rows for each in found if each.what not in {"token", "generation", "sessions"})
    assert all(each.seconds is not None and each.reachable and each.authorised for each in found)
    assert requests.total() <= endpoints + 2
    assert list(sentences(found)) == [f"All is well: {endpoints} asked."]
    assert requests["veeam_v8_logout"] == (api == "auto")


@pytest.mark.parametrize("kind", ["elements", "veeam"])
def test_a_name_nobody_knows(kind: str) -> None:
    """A host that the DNS does not know is told so, with the option that names it."""
    found = only(warped(lambda: findings(source(kind, "https://backup.invalid:4443"), WarpClock())))

    assert (found.trouble, found.reachable) == ("dns", False)
    assert ("auth.token_url" if kind == "elements" else "base_url") in found.step


def test_nobody_listens() -> None:
    """A closed port is told by its number; of Veeam with the port that the REST API has."""
    port = free_port()

    found = warped(lambda: findings(source("veeam", f"http://127.0.0.1:{port}"), WarpClock()))

    assert only(found).trouble == "refused"
    assert f"port {port}" in only(found).step
    assert "4443" in only(found).step
    assert [each.verdict for each in found[2:]] == ["not asked"] * 4


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        pass
    writer.close()


async def _leaving(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _console(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01 this is no HTTP\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("answer", "scheme", "trouble", "step"),
    [
        (_silent, "http", "timeout", "firewall"),
        (_leaving, "http", "broken", "4443"),
        (_console, "http", "protocol", "the console's is another"),
        (_console, "https", "protocol", "the console's is another"),
    ],
)
def test_another_service_on_the_port(answer: Any, scheme: str, trouble: str, step: str) -> None:
    """A port that keeps silent, hangs up or speaks something else is told apart from a closed one."""

    async def work() -> list[Finding]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await findings(source("veeam", f"{scheme}://127.0.0.1:{port}"), WarpClock())
        finally:
            server.close()

    found = only(warped(work))

    assert found.trouble == trouble
    assert step in found.step


def _context(folder: Path, *names: str, ends: datetime | None = None) -> ssl.SSLContext:
    """Return the TLS of a server with such a certificate, whose authority is itself."""
    begins = ends - timedelta(days=2) if ends else None
    certificate = server_certificate(*names, begins=begins, ends=ends)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "both.pem").write_bytes(key_pem(rsa_key(0)) + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_self_signed() -> None:
    """A certificate that nobody vouches for is told with its fingerprint, as the log of the daemon tells it."""
    shown = tls.self_signed(["127.0.0.1"], START)

    found = only(tried("veeam", context=shown.context()))

    assert (found.trouble, found.reachable) == ("tls", False)
    assert f"pin it with tls.fingerprint_sha256: {shown.fingerprint}" in found.error
    assert "compare" in found.step


def test_another_pin() -> None:
    """A certificate other than the pinned one is told with the fingerprint that it has."""
    shown, pinned = tls.self_signed(["127.0.0.1"], START), tls.self_signed(["127.0.0.1"], START)

    found = only(tried("veeam", {"tls": {"fingerprint_sha256": pinned.fingerprint}}, context=shown.context()))

    assert (found.trouble, shown.fingerprint in found.error) == ("tls", True)
    assert "not the pinned one" in found.error


@pytest.mark.parametrize(
    ("names", "ended", "told", "step"),
    [
        (("other.example.com",), False, "is for other.example.com", "compare"),
        (("vb365.example.com",), True, "expired on ", "renew"),
    ],
)
def test_certificates(tmp_path: Path, names: tuple[str, ...], ended: bool, told: str, step: str) -> None:  # noqa: FBT001
    """A certificate for another name is told apart from one that has expired."""
    context = _context(tmp_path, *names, ends=datetime.now(UTC) - timedelta(days=1) if ended else None)
    trust = {"ca_file": str(tmp_path / "ca.pem"), "server_name": "vb365.example.com"}

    async def work() -> list[Finding]:
        clock = SystemClock()
        async with simulated(clock, context=context) as (url, _):
            return await findings({**source("veeam", url), "tls": trust}, clock)

    found = only(asyncio.run(work()))

    assert (found.trouble, told in found.error, step in found.step) == ("tls", True, True), found


def test_a_page_for_people() -> None:
    """A web page instead of the API's answer is told as what stands in between."""
    found = only(tried("elements", faults=parse_faults("html=1")))

    assert (found.trouble, found.collector) == ("page", "tenants")
    assert "HTTPS_PROXY" in found.step


@pytest.mark.parametrize("kind", ["elements", "cloudbackup", "veeam"])
def test_another_api(kind: str) -> None:
    """JSON that is not of this API is told as another product's."""

    async def door(request: web.Request) -> web.StreamResponse | None:
        return None if request.path.endswith("/token") else web.json_response({"hello": "world"})

    found = tried(kind, door=door)

    assert "product" in {each.trouble for each in found}
    assert all("kind and api" in each.step for each in found if each.trouble == "product")


@pytest.mark.parametrize("fault", ["401=1", "404=1"])
@pytest.mark.parametrize("kind", ["elements", "cloudbackup"])
def test_another_data_centre(kind: str, fault: str) -> None:
    """A good token that opens nothing (401), or paths that are all unknown (404), are those of another region."""
    found = tried(kind, faults=parse_faults(fault))

    assert found[0].verdict == "ok"
    assert {each.trouble for each in found if each.verdict == "failed"} == {"region"}
    assert all("base_url" in each.step for each in found if each.trouble == "region")


def test_another_token_endpoint() -> None:
    """A token endpoint that does not exist is told with the option that names it."""
    found = only(tried("cloudbackup", door=refusing("/connect/token", 404)))

    assert (found.what, found.trouble) == ("token", "region")
    assert "auth.token_url" in found.step


def test_no_rest_api() -> None:
    """A server that knows none of Veeam's generations is not its REST API."""
    found = only(tried("veeam", veeam=VeeamManners(serves=())))

    assert (found.what, found.trouble) == ("generation", "product")
    assert "4443" in found.step


@pytest.mark.parametrize("kind", ["elements", "cloudbackup"])
def test_a_wrong_secret(kind: str) -> None:
    """A refused client is told with what to compare; nothing else is asked, and the secret is nowhere."""
    auth = {**source(kind, "http://127.0.0.1")["auth"], "client_secret": SECRET}

    async def work() -> list[Finding]:
        clock = WarpClock()
        async with simulated(clock) as (url, _):
            its = source(kind, url)
            return await findings({**its, "auth": {**auth, "token_url": its["auth"]["token_url"]}}, clock)

    found = warped(work)

    assert (only(found).what, only(found).trouble, only(found).authorised) == ("token", "secret", False)
    assert "invalid_client" in only(found).error
    assert {each.verdict for each in found[1:]} == {"not asked"}
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("text", "trouble", "step"),
    [
        ("AADSTS7000222: The provided client secret keys are expired.", "expired", "create a new secret"),
        ("The client secret has expired", "expired", "create a new secret"),
        ("AADSTS700024: Client assertion is not within its valid time range.", "clock", "clock"),
        ("AADSTS700016: Application was not found in the directory", "region", "auth.token_url"),
        ("Something else about someone@example.com", "secret", "compare auth.client_id"),
    ],
)
def test_what_the_identity_service_says(text: str, trouble: str, step: str) -> None:
    """An expired secret, a clock that is off and an unknown app are told apart, as far as they are; texts stay out."""
    body = {"error": "invalid_client", "error_description": text}

    found = only(tried("elements", door=refusing("/connect/token", 401, body)))

    assert (found.trouble, step in found.step) == (trouble, True)
    assert text not in repr(found)


def test_a_wrong_password() -> None:
    """Veeam's refusal is told with the account, and how long to wait lest it is locked; it is offered once."""

    async def work() -> tuple[list[Finding], int]:
        clock = WarpClock()
        async with simulated(clock) as (url, app):
            its = {**source("veeam", url), "auth": {"username": "monitor", "password": SECRET}}
            return await findings(its, clock), app[STATISTICS].requests["veeam_v8_token"]

    found, offered = warped(work)

    assert (only(found).what, only(found).trouble, offered) == ("token", "secret", 1)
    assert "ten minutes" in only(found).step


def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file is told by its path; nobody was asked."""
    auth = {"client_id": "any", "client_secret_file": str(tmp_path / "none"), "token_url": "http://127.0.0.1:1/token"}

    found = only(tried("elements", {"auth": auth}))

    assert (found.trouble, found.reachable) == ("secret", None)
    assert str(tmp_path / "none") in found.error


@pytest.mark.parametrize(
    ("kind", "path", "collector", "scope"),
    [
        ("elements", "/jobs/batch", "jobs", "elements.jobs.read.all"),
        ("elements", "/scan-profiles/batch", "scan_profiles", "elements.scanprofiles.read.all"),
        ("cloudbackup", "cloudbackupjobs", "jobs", "microsoft365backup.jobInfo.read.all"),
        ("cloudbackup", "retention-policy", "license", "microsoft365backup.settings.read.all"),
    ],
)
def test_a_missing_permission(kind: str, path: str, collector: str, scope: str) -> None:
    """A 403 is told with the endpoint and the permission that opens it, also where the daemon does without."""
    found = only(tried(kind, door=refusing(path)))

    assert (found.collector, found.trouble, found.missing, found.authorised) == (
        collector,
        "permission",
        (scope,),
        False,
    )
    assert scope in found.step


@pytest.mark.parametrize(
    ("kind", "granted", "missing"),
    [
        ("elements", ("elements.c", "elements.j", "elements.s"), ("elements.license.read.all",)),
        (
            "cloudbackup",
            ("microsoft365backup.j", "microsoft365backup.s"),
            ("microsoft365backup.unusualActivity.read.all",),
        ),
    ],
)
def test_permissions_refused_together(kind: str, granted: tuple[str, ...], missing: tuple[str, ...]) -> None:
    """Where the token endpoint refuses all permissions because of one, that one is named."""
    found = only(tried(kind, door=granting(*granted)))

    assert (found.what, found.trouble, found.missing) == ("token", "permission", missing)


@pytest.mark.parametrize(
    ("kind", "granted", "told"),
    [
        ("cloudbackup", "elements.", "kind: elements with api: v3"),
        ("elements", "microsoft365backup.", "kind: cloudbackup"),
        ("elements", "partner.", "kind: elements with api: v1"),
    ],
)
def test_an_app_of_another_product(kind: str, granted: str, told: str) -> None:
    """An app registration of another product is told as what it is."""
    found = only(tried(kind, door=granting(granted)))

    assert (found.what, found.trouble) == ("token", "product")
    assert told in found.step


def test_an_app_without_permissions() -> None:
    """An app registration with no permission at all is told which it needs."""
    found = only(tried("elements", door=granting("nothing")))

    assert (found.trouble, len(found.missing)) == ("permission", 5)


def test_restore_operators_only() -> None:
    """A Veeam server that lets in restore operators only is told with the switch that does it."""
    found = [each for each in tried("veeam", veeam=VeeamManners(restore_operators_only=True)) if each.trouble]

    assert {each.trouble for each in found} == {"permission"}
    assert all("restore operator authentication only" in each.step for each in found)


@pytest.mark.parametrize(("kind", "path"), [("elements", "/jobs/batch"), ("cloudbackup", "/frequency")])
def test_no_subscription(kind: str, path: str) -> None:
    """What is not licensed, or not there, is no failure."""
    its = {"collectors": {"subscriptions": {"enabled": False}}} if kind == "elements" else {}

    found = tried(kind, its, door=refusing(path, 404))

    assert [each.trouble for each in found if each.verdict == "absent"] == ["subscription"]
    assert {each.verdict for each in found} == {"ok", "absent"}


def test_an_expired_subscription() -> None:
    """A 404 where the product is known to be bought is told as that or a missing permission."""
    found = only(tried("elements", door=refusing("/jobs/batch", 404)))

    assert (found.trouble, found.missing) == ("missing", ("elements.jobs.read.all",))


def test_throttled() -> None:
    """A 429 ends the questions: the vendor wants to be left alone, and the daemon beside us has to go on."""
    found = tried("elements", faults=parse_faults("429=1"))

    assert only(found).trouble == "throttled"
    assert [each.verdict for each in found].count("not asked") == 4


def test_the_server_fails() -> None:
    """A 500 of one endpoint is told as the vendor's; the other endpoints are asked all the same."""
    found = tried("elements", door=refusing("/jobs/batch", 500))

    assert only(found).trouble == "server"
    assert [each.verdict for each in found].count("ok") == len(found) - 1


def test_a_clock_that_is_off() -> None:
    """A clock that is minutes off is told with the side and how much, although all else works."""
    found = tried("elements", ahead=-900.0)

    assert (only(found).what, only(found).trouble) == ("clock", "clock")
    assert "s ahead of the vendor's" in only(found).error
    assert {each.verdict for each in tried("elements", ahead=60.0)} == {"ok"}


def test_nobody_is_watched() -> None:
    """Globs that let nobody through are told, with how many there would be."""
    found = tried("elements", {"tenants": {"include": ["nobody"]}})

    assert only(found).trouble == "tenants"
    assert "none of 6 tenants" in only(found).error
    assert [each.collector for each in found if each.verdict == "not asked"] == ["jobs", "protection", "scan_profiles"]


async def test_a_bug() -> None:
    """A bug in one collector is told as that, without what it says, and the others are asked."""

    async def answer(collector: str, _: str) -> Sequence[Record]:
        if collector == "jobs":
            raise KeyError(SECRET)
        return tenants("Contoso")

    plans = [plan(name) for name in ("tenants", "jobs", "protection")]
    its = settings(it=source("elements", "http://127.0.0.1:1")).sources["it"]
    clock = FakeClock()
    examination = Examination(
        name="it",
        source=FakeSource(answer, plans),
        notebook=Notebook(clock),
        roster=Roster("it", TenantSettings(), Shard()),
    )

    with capture_logs() as logs:
        await examination.run(lambda: None)

    found = only(list(Reader(examination=examination, its=its).findings()))
    assert (found.collector, found.trouble, found.error) == ("jobs", "bug", "KeyError")
    assert set(examination.outcomes) == {"tenants", "jobs", "protection"}
    assert [log["event"] for log in logs] == ["examination_bug"]
    assert SECRET not in f"{found} {logs}"


def test_pages_that_end() -> None:
    """Whatever a vendor's envelope is, its rows are counted, and the page after it has none; an entity has no page."""
    for page in ([1, 2], {"Data": [1, 2]}, {"value": [1, 2]}, {"Jobs": [1, 2]}, {"data": {"data": [1, 2]}}):
        assert (rows_of(page), rows_of(ended(page))) == (2, 0)
    assert (rows_of({"id": "1"}), rows_of(None)) == (1, 0)
    with pytest.raises(Enough):
        ended({"id": "1"})


async def run(folder: Path, *arguments: str, **sources: dict[str, Any]) -> int:
    """Run the command in a thread of its own, as it has its own event loop; return its status."""
    config = folder / "config.yaml"
    await asyncio.to_thread(config.write_text, json.dumps({"sources": sources}), encoding="utf-8")
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    doctor.add_options(parser)
    options = parser.parse_args(["--config", str(config), *arguments])
    return await asyncio.to_thread(doctor.doctor, options, SystemClock(), outgoing_session)


async def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Results are plain lines on standard output, the status tells if any failed, and nothing is written anywhere."""
    async with simulated(SystemClock()) as (url, _):
        good = source("veeam", url)
        bad = {**good, "auth": {"username": "monitor", "password": SECRET}}
        done = await run(tmp_path, good=good, bad=bad)
        out, err = capsys.readouterr()
        narrowed = await run(tmp_path, "--source", "good", good=good, bad=bad)

    assert (done, err) == (1, "")
    assert "bad: token: secret: token: 127.0.0.1 answered 400" in out
    assert out.splitlines()[-1].endswith(" failed.")
    assert SECRET not in out
    assert "\x1b" not in out
    assert (narrowed, "bad" in capsys.readouterr().out) == (0, False)
    assert os.listdir(tmp_path) == ["config.yaml"]  # noqa: PTH208 - a path would block, says the linter


async def test_bad_configuration(tmp_path: Path) -> None:
    """A bad file, a source that is not there and a CA file that cannot be read are faults of usage; nobody is asked."""
    its = source("veeam", "https://vb365.invalid")

    with pytest.raises(SettingsError, match="kind"):
        await run(tmp_path, it={**its, "kind": "typo"})
    with pytest.raises(SettingsError, match="sources: there is no other"):
        await run(tmp_path, "--source", "other", it=its)
    with pytest.raises(SettingsError, match="ca_file"):
        await findings({**its, "tls": {"ca_file": "/nowhere.pem"}}, WarpClock())


def test_usage(tmp_path: Path) -> None:
    """The exit status of a bad configuration is 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["doctor", "--config", str(tmp_path / "none.yaml")])

    assert exit_.value.code == 2


def test_every_trouble_is_explained() -> None:
    """The page has a line for each word that a finding may have, and no other."""
    page = (Path(__file__).parent.parent / "docs" / "doctor.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(get_args(Trouble))


def test_on_a_terminal() -> None:
    """On a terminal the same is a table in colours, with the sentences below."""
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
    finding = Finding(
        source="it",
        what="jobs",
        collector="jobs",
        verdict="failed",
        missing=("elements.jobs.read.all",),
        trouble="permission",
        error="[403]",
        step="grant it",
    )

    show([finding], terminal)

    assert isinstance(terminal.file, io.StringIO)
    text = terminal.file.getvalue()
    assert "\x1b[" in text
    assert "it: jobs: jobs: permission: [403]. Next: grant it." in text
