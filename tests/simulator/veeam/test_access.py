import pytest
from aiohttp import ClientResponse

from exporter.simulator.faults import Faults
from exporter.simulator.server import VEEAM_ACCESS
from exporter.simulator.veeam.manners import VeeamManners
from tests.simulator.veeam.callers import VERSIONS, Caller, Version, calling, seconds


async def bare(caller: Caller, path: str, token: str | None = None, method: str = "GET") -> ClientResponse:
    """Ask for a path of any version with this token or none."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await caller.stage.session.request(method, caller.stage.server.base_url + path, headers=headers)


async def test_strangers_find_versions(caller: Caller) -> None:
    """Without a token a served version is 401 with an empty body, any other 404."""
    for path, status in (("/v6", 401), ("/v7", 401), ("/V8", 401), ("/v5", 404), ("/v9", 404)):
        answer = await bare(caller, f"{path}/ServiceInstance")
        assert (answer.status, await answer.read()) == (status, b"")


async def test_versions_can_be_missing() -> None:
    """A version that is not served has neither tokens nor answers."""
    async with calling(manners=VeeamManners(serves=("v7", "v6")), version="v7") as caller:
        assert (await bare(caller, "/v8/ServiceInstance")).status == 404
        assert (await caller.token("v8")).status == 404
        assert (await caller.get("/ServiceInstance")).status == 200


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_token(version: Version) -> None:
    """A token comes with its life in seconds and in times, and opens the version until then."""
    async with calling(version=version, token_lifetime=60) as caller:
        answer = await caller.token()
        body = await answer.json()
        assert answer.status == 200
        assert (body["expires_in"], body["token_type"], body["userName"]) == (60, "bearer", "CONTOSO\\monitor")
        assert seconds(body[".expires"]) - seconds(body[".issued"]) == 60
        assert (await bare(caller, f"/{version}/License", body["access_token"])).status == 200

        caller.stage.clock.time += 60
        late = await bare(caller, f"/{version}/License", body["access_token"])
        assert (late.status, await late.read()) == (401, b"")


@pytest.mark.parametrize(
    "form",
    [
        {"password": "wrong"},
        {"password": ""},
        {"username": ""},
        {"grant_type": ""},
        {"grant_type": "operator"},
        {"grant_type": "refresh_token", "refresh_token": "stale"},
    ],
)
async def test_bad_logins(caller: Caller, form: dict[str, str]) -> None:
    """A login that is wrong in any way is HTTP 400 with a message."""
    answer = await caller.token(**form)

    assert answer.status == 400
    assert set(await answer.json()) == {"message"}


async def test_json_logins(caller: Caller) -> None:
    """A token can be asked for in JSON; what is no JSON object is a bad login."""
    url = f"{caller.stage.server.base_url}/v8/token"
    fields = {"grant_type": "password", "username": "x", "password": "simulated", "disable_antiforgery_token": True}
    good = await caller.stage.session.post(url, json=fields)
    bad = [
        await caller.stage.session.post(url, data=text, headers={"Content-Type": "application/json"})
        for text in (b"{", b"[]")
    ]

    assert good.status == 200
    assert (await bare(caller, "/v8/License", (await good.json())["access_token"])).status == 200
    assert {answer.status for answer in bad} == {400}


async def test_antiforgery(caller: Caller) -> None:
    """A token that was fetched without the flag opens v6 only; refreshing without it loses it."""
    plain = await (await caller.token(disable_antiforgery_token="")).json()
    flagged = await (await caller.token()).json()
    lost = await (
        await caller.token(
            grant_type="refresh_token", refresh_token=flagged["refresh_token"], disable_antiforgery_token=""
        )
    ).json()

    for body in (plain, lost):
        opened = [(await bare(caller, f"/{version}/License", body["access_token"])).status for version in VERSIONS]
        assert opened == [200, 401, 401]


async def test_refreshing(caller: Caller) -> None:
    """A refresh token works once and gives a new pair."""
    first = await (await caller.token()).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "password": ""}
    second = await (await caller.token(**form)).json()

    assert (await caller.token(**form)).status == 400
    assert second["refresh_token"] != first["refresh_token"]
    assert (await bare(caller, "/v8/License", second["access_token"])).status == 200


async def test_refreshing_can_fail() -> None:
    """The manner of a failing refresh leaves only the password."""
    async with calling(manners=VeeamManners(refresh=False)) as caller:
        first = await (await caller.token()).json()

        assert (await caller.token(grant_type="refresh_token", refresh_token=first["refresh_token"])).status == 400


@pytest.mark.parametrize(("version", "status", "after"), [("v6", 404, 200), ("v7", 200, 401), ("v8", 204, 401)])
async def test_logout(version: Version, status: int, after: int) -> None:
    """Logging out revokes the token and its refresh token, in the versions that have it."""
    async with calling(version=version) as caller:
        body = await (await caller.token()).json()
        answer = await bare(caller, f"/{version}/Token/Logout", body["access_token"], "POST")

        assert answer.status == status
        assert (await bare(caller, f"/{version}/License", body["access_token"])).status == after
        refreshed = await caller.token(grant_type="refresh_token", refresh_token=body["refresh_token"])
        assert refreshed.status == (200 if version == "v6" else 400)
        assert (await bare(caller, f"/{version}/token/logout", "stale", "POST")).status == 401


async def test_all_tokens_revoked(caller: Caller) -> None:
    """When the service starts anew, every token is stale."""
    caller.stage.app[VEEAM_ACCESS].revoke_all()

    assert (await caller.get("/License")).status == 401


@pytest.mark.parametrize("version", VERSIONS)
async def test_restore_operators_only(version: Version) -> None:
    """A server for restore operators gives tokens and refuses everything else with a message."""
    async with calling(version=version, manners=VeeamManners(restore_operators_only=True)) as caller:
        answer = await caller.get("/Organizations")
        body = await answer.json()

    assert answer.status == 403
    assert body["message"]
    assert body.get("errorCode") == ("ResourceAccessDenied" if version == "v8" else None)


@pytest.mark.parametrize(("status", "version"), [(400, "v8"), (500, "v7")])
async def test_proxy_offline(status: int, version: Version) -> None:
    """The extended view can fail because a proxy is offline; the plain one works then."""
    manners = VeeamManners(proxy_offline=status)  # type: ignore[arg-type] # both
    async with calling(version=version, manners=manners) as caller:
        failed = await caller.get("/Organizations", extendedView="true")
        worked = await caller.get("/Organizations", extendedView="false")

        assert (failed.status, worked.status) == (status, 200)
        assert (await failed.json())["errorCode"] == "ProxyOffline"


async def test_weather_and_statistics() -> None:
    """Faults strike Veeam's routes, tokens by their own rate, and operations are counted by version."""
    async with calling(faults=Faults((("429", 1.0),), token=0.0)) as caller:
        await caller.sign_in("v7")
        answer = await caller.get("/Jobs")
        await caller.get("/jobs/x/selectedItems")
        await caller.get("/Nothing")
        counted = {name: n for name, n in caller.stage.statistics.requests.items() if name.startswith("veeam")}
    async with calling(faults=Faults((), token=1.0)) as caller:
        refused = await caller.token("v6")

    assert answer.status == 429
    assert refused.status == 500
    assert counted == {"veeam_v7_token": 1, "veeam_v7_jobs": 1, "veeam_v7_selected_items": 1, "veeam_v7_unknown": 1}


async def test_wrong_methods(caller: Caller) -> None:
    """What is not read with GET is not found, and a token is not read at all."""
    posted = await caller.stage.session.post(f"{caller.stage.server.base_url}/v8/Jobs", headers=caller.stage.headers)

    assert posted.status == 404
    assert (await caller.get("/Token")).status == 404
