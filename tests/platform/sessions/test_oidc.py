"""Signing in through an identity provider, against a real one."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import uvicorn
from sqlalchemy import func, select

from octo.testing.servers import free_port
from octo_platform.api.app import create_app
from octo_platform.options import Oidc, Options
from octo_platform.storage.tables import AuditEntry, Login, User
from tests.platform.conftest import on_both

BASE = "http://127.0.0.1:8321"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"
ROLES = {"octo-admins": "admin", "sellers": "sales:developer", "readers": "sales:viewer", "lost": "nowhere:viewer"}


def settings(idp, **extra):
    return Oidc(
        **{"issuer": idp.issuer, "client_id": idp.client_id, "client_secret": idp.secret, "roles": ROLES, **extra}
    )


@pytest.fixture
def oidc():
    """What a test changes of the settings."""
    return {}


@pytest.fixture
def closed(closed, idp, oidc):
    return {**closed, "oidc": settings(idp, **oidc)}


@pytest.fixture
async def sales(house):
    return await house.workspace("sales")


def with_query(address: str, **changed: str | None) -> str:
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} | changed
    return urlsplit(address)._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


async def roles(visit) -> dict[str, str]:
    found = await visit.ours.get("/session")
    assert found.status_code == 200, found.text
    return found.json()["roles"]


async def refused(visit, told: httpx.Response, code: str) -> str:
    """That somebody was not let in; returns the reason."""
    assert told.json()["code"] == code, told.text
    assert not any(each.startswith(("octo-session", "octo-renewal")) for each in told.headers.get_list("set-cookie"))
    assert (await visit.ours.get("/session")).status_code in (401, 409)
    return told.json()["detail"]


def renewal_headers() -> dict[str, str]:
    return {"Origin": BASE}


# --- in ----------------------------------------------------------------------------------------------------------


@on_both
async def test_who_signs_in_there_is_signed_in_here_with_the_roles_of_the_claim(idp, visit, house, sales):
    claims = {"name": "Ann", "email": "Ann@Example.org", "roles": ["octo-admins", "readers", "sellers", "lost", "x"]}
    await idp.set(accounts={"ann": claims})
    told = await visit.come_back(await visit.confirm(await visit.begin("/integrations?folder=1")))
    assert (told.status_code, told.headers["location"]) == (303, "/integrations?folder=1")
    me = (await visit.ours.get("/session")).json()
    assert (me["name"], me["email"]) == ("Ann", "ann@example.org")
    assert me["roles"] == {"*": "admin", "sales": "developer"}


async def test_the_way_there_asks_for_a_code_with_pkce_and_is_bound_to_the_browser(idp, visit):
    query = parse_qs(urlsplit(await visit.begin()).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{BASE}/auth/oidc/callback"]
    assert len(query["state"][0]) == len(query["nonce"][0]) == 43
    kept = next(each for each in visit.ours.cookies.jar if each.name.startswith("octo-flow-"))
    assert query["nonce"][0] not in kept.value
    assert kept.has_nonstandard_attr("HttpOnly")


async def test_the_same_person_is_the_same_user_each_time_and_the_first_admin_may_come_from_there(idp, visit, house):
    await idp.set(accounts={"ann": {"roles": "octo-admins"}})
    for _ in range(2):
        await visit.sign_in()
    assert await roles(visit) == {"*": "admin"}
    async with house.installation.database.read() as session:
        rows = (await session.execute(select(User.subject, User.password, User.roles_from))).all()
    assert rows == [(f"{idp.issuer} ann", None, "provider")]
    assert await house.installation.identity.setup_token() is None


async def test_an_address_takes_nobodys_account(idp, visit, house):
    local = await house.person("ann", "admin")
    await idp.set(account="mallory", accounts={"mallory": {"email": "ann@example.org", "email_verified": True}})
    await visit.sign_in()
    me = (await visit.ours.get("/session")).json()
    assert (me["id"] != local.id, me["roles"], me["hasRights"]) == (True, {}, False)
    assert (await (await house.sign_in("ann")).get("/session")).json()["roles"] == {"*": "admin"}


async def test_two_tabs_can_sign_in_at_once(idp, visit):
    first, second = await visit.begin("/a"), await visit.begin("/b")
    assert (await visit.come_back(await visit.confirm(first))).headers["location"] == "/a"
    assert (await visit.come_back(await visit.confirm(second))).headers["location"] == "/b"


class TestANestedClaim:
    @pytest.fixture
    def oidc(self):
        return {"roles_claim": "realm_access.roles"}

    async def test_is_found(self, idp, visit):
        await idp.set(accounts={"ann": {"realm_access": {"roles": ["octo-admins"]}}})
        await visit.sign_in()
        assert await roles(visit) == {"*": "admin"}


class TestAClaimWithDotsInItsName:
    @pytest.fixture
    def oidc(self):
        return {"roles_claim": "https://octo.example/roles"}

    @pytest.mark.parametrize("value", ["octo-admins", ["x", "octo-admins"]])
    async def test_is_found(self, idp, visit, value):
        await idp.set(forge={"claims": {"https://octo.example/roles": value}})
        await visit.sign_in()
        assert await roles(visit) == {"*": "admin"}


async def test_a_claim_that_only_the_userinfo_has_is_found_there(idp, visit):
    await idp.set(accounts={"ann": {"roles": ["octo-admins"]}}, userinfoOnly=True)
    await visit.sign_in()
    assert await roles(visit) == {"*": "admin"}


OVERAGE = {"_claim_names": {"roles": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}
"""In place of a claim: what Entra ID says of whom is in more than 200 groups."""


async def test_a_claim_that_the_userinfo_has_is_found_there_though_the_token_says_that_it_is_elsewhere(idp, visit):
    await idp.set(accounts={"ann": {"roles": ["octo-admins"]}}, userinfoOnly=True, forge={"claims": OVERAGE})
    await visit.sign_in()
    assert await roles(visit) == {"*": "admin"}


class TestWithoutAMapping:
    @pytest.fixture
    def oidc(self):
        return {"roles": {}}

    async def test_an_administrator_gives_the_roles_and_they_stay(self, idp, visit, house, sales):
        boss = await house.signed_in("boss", "admin")
        await idp.set(accounts={"ann": {"roles": ["admin"]}})
        await visit.sign_in()
        me = (await visit.ours.get("/session")).json()
        assert me["roles"] == {}
        await boss.put(f"/workspaces/sales/members/{me['id']}", json={"role": "viewer"})
        await visit.sign_in()
        assert await roles(visit) == {"sales": "viewer"}


async def test_roles_that_the_provider_gives_cannot_be_given_here(idp, visit, house, sales):
    boss = await house.signed_in("boss", "admin")
    await idp.set(accounts={"ann": {"roles": "readers"}})
    await visit.sign_in()
    id_ = (await visit.ours.get("/session")).json()["id"]
    told = await boss.patch(f"/users/{id_}", json={"role": "admin"}, headers={"If-Match": "*"})
    assert told.json()["code"] == "conflict"
    assert (await boss.put(f"/workspaces/sales/members/{id_}", json={"role": "admin"})).json()["code"] == "conflict"
    told = await boss.patch(f"/users/{id_}", json={"password": "correct horse battery"}, headers={"If-Match": "*"})
    assert told.json()["code"] == "conflict"


async def test_who_is_disabled_here_does_not_come_in(idp, visit, house):
    boss = await house.signed_in("boss", "admin")
    await visit.sign_in()
    id_ = (await visit.ours.get("/session")).json()["id"]
    await boss.patch(f"/users/{id_}", json={"disabled": True}, headers={"If-Match": "*"})
    assert (await visit.ours.get("/session")).status_code == 401
    await refused(visit, await visit.sign_in(), "not-allowed")


async def test_a_sign_in_is_in_the_audit_log(idp, visit, house):
    await idp.set(accounts={"ann": {"email": "ann@example.org"}})
    await visit.sign_in()
    async with house.installation.database.read() as session:
        rows = (await session.execute(select(AuditEntry.action, AuditEntry.target, AuditEntry.outcome))).all()
    assert rows == [("session.create", "ann@example.org", 200)]


class TestAPublicClient:
    @pytest.fixture
    async def idp(self, idp):
        await idp.register(token_endpoint_auth_method="none")
        return idp

    @pytest.fixture
    def oidc(self):
        return {"client_secret": None}

    async def test_signs_in_without_a_secret(self, visit):
        assert (await visit.sign_in()).status_code == 303


# --- not in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/a\\b",
        "evil.example",
        "",
        " //evil.example",
        "/" + "x" * 500,
    ],
)
async def test_nobody_is_sent_to_another_site_afterwards(visit, path):
    told = await visit.ours.get(f"{BASE}/auth/oidc/login", params={"return_to": path})
    assert (told.status_code, told.json()["code"]) == (422, "invalid")


async def test_another_state_is_refused(visit):
    back = await visit.confirm(await visit.begin())
    state = parse_qs(urlsplit(back).query)["state"][0]
    for wrong in ("", "x", state[:16] + "x" * 27, "a=b; Domain=example.org", "é", "\r\nSet-Cookie: a=b", None):
        await refused(visit, await visit.come_back(with_query(back, state=wrong)), "sign-in-failed")


async def test_a_way_back_that_was_begun_in_another_browser_is_refused(visit, house):
    """Or somebody could be signed in to the account of somebody else without noticing."""
    back = await visit.confirm(await visit.begin())
    victim = await house.visitor()
    told = await victim.get(back)
    assert told.json()["code"] == "sign-in-failed"
    assert not told.cookies


async def test_another_nonce_is_refused(visit):
    address = await visit.begin()
    told = await visit.come_back(await visit.confirm(with_query(address, nonce="x" * 43)))
    assert "belongs to another sign-in" in await refused(visit, told, "sign-in-failed")


async def test_a_way_back_counts_once_even_with_its_cookie(idp, visit, house):
    address = await visit.begin()
    flow = {each.name: each.value for each in visit.ours.cookies.jar}
    back = await visit.confirm(address)
    assert (await visit.come_back(back)).status_code == 303
    thief = await house.visitor()
    assert (await thief.get(back)).json()["code"] == "sign-in-failed"
    thief.cookies.update(flow)
    assert "finished already" in (await thief.get(back)).json()["detail"]


async def test_a_code_of_another_browser_is_refused_by_its_verifier(idp, visit, house):
    """The state is right, but the code was meant for somebody else: PKCE ends it at the provider."""
    stolen = parse_qs(urlsplit(await visit.confirm(await visit.begin())).query)["code"][0]
    back = await visit.confirm(await visit.begin())
    told = await visit.come_back(with_query(back, code=stolen))
    assert "invalid_grant" in await refused(visit, told, "sign-in-failed")


async def test_a_sign_in_that_takes_too_long_is_refused(visit, clock):
    back = await visit.confirm(await visit.begin())
    clock.pass_(minutes=10)
    await refused(visit, await visit.come_back(back), "expired")


async def test_a_cookie_of_the_way_that_was_changed_is_refused(visit):
    back = await visit.confirm(await visit.begin())
    (cookie,) = visit.ours.cookies.jar
    for value in (cookie.value[:-3] + "AAA", "x", "", "A" * 50):
        told = await visit.ours.get(back, headers={"Cookie": f"{cookie.name}={value}"})
        assert told.json()["code"] == "sign-in-failed"


async def test_a_way_back_of_another_provider_is_refused(visit):
    for wrong in ("https://evil.example", None, ""):
        back = await visit.confirm(await visit.begin())
        told = await visit.come_back(with_query(back, iss=wrong))
        assert "another provider" in await refused(visit, told, "sign-in-failed")


async def test_what_the_provider_refuses_is_told(visit):
    back = await visit.confirm(await visit.begin())
    told = await visit.come_back(with_query(back, error="access_denied", code=None))
    assert "access_denied" in await refused(visit, told, "sign-in-failed")


async def test_who_looks_at_it_gets_a_page_in_which_nothing_runs(visit):
    back = await visit.confirm(await visit.begin())
    told = await visit.come_back(with_query(back, error="<script>alert(1)</script>"), Accept="text/html,*/*")
    assert told.status_code == 400
    assert told.headers["content-type"].startswith("text/html")
    assert "<script" not in told.text
    assert "default-src 'none'" in told.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        ({"key": "other"}, "not signed by the provider"),
        ({"key": "other", "kid": "unknown"}, "not signed by the provider"),
        ({"alg": "none"}, "is not taken"),
        ({"alg": "HS256"}, "is not taken"),
        ({"claims": {"iss": "https://evil.example"}}, "another issuer"),
        ({"claims": {"iss": None}}, "another issuer"),
        ({"claims": {"aud": "somebody"}}, "for somebody else"),
        ({"claims": {"aud": None}}, "for somebody else"),
        ({"claims": {"azp": "somebody"}}, "given to somebody else"),
        ({"claims": {"nonce": None}}, "another sign-in"),
        ({"claims": {"exp": None}}, "how long it counts"),
        ({"claims": {"iat": "now"}}, "how long it counts"),
        ({"claims": {"exp": 1}}, "expired"),
        ({"claims": {"iat": 4_000_000_000}}, "in the future"),
        ({"claims": {"nbf": 4_000_000_000}}, "in the future"),
        ({"claims": {"sub": None}}, "who it is about"),
        ({"claims": {"sub": ""}}, "who it is about"),
    ],
)
async def test_an_id_token_that_was_falsified_lets_nobody_in(idp, visit, forge, why):
    await idp.set(forge={**forge, "secret": idp.secret})
    assert why in await refused(visit, await visit.sign_in(), "sign-in-failed")


async def test_of_several_audiences_ours_must_be_the_authorized_one(idp, visit):
    await idp.set(forge={"claims": {"aud": [idp.client_id, "somebody"]}})
    assert "given to somebody else" in await refused(visit, await visit.sign_in(), "sign-in-failed")
    await idp.set(forge={"claims": {"aud": [idp.client_id, "somebody"], "azp": idp.client_id}})
    assert (await visit.sign_in()).status_code == 303


async def test_who_is_in_too_many_groups_is_not_let_in_without_them_but_told_what_helps(idp, visit, house, caplog):
    await idp.set(accounts={"ann": {}}, forge={"claims": OVERAGE})
    why = await refused(visit, await visit.sign_in(), "sign-in-failed")
    assert "the provider does not send `roles`" in why
    assert "app roles" in why
    assert any(getattr(each, "fields", {}).get("why") == why for each in caplog.records)
    async with house.installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(("skew", "is_let_in"), [(50, True), (-350, True), (90, False), (-390, False)])
async def test_a_clock_that_is_a_little_wrong_is_no_fault_and_a_very_wrong_one_is(idp, visit, skew, is_let_in):
    """Seconds of the clock of the provider, whose ID tokens count for 300; the leeway is 60."""
    await idp.set(skew=skew)
    told = await visit.sign_in()
    if is_let_in:
        assert told.status_code == 303
    else:
        assert "clock" in await refused(visit, told, "sign-in-failed")


class TestALeeway:
    @pytest.fixture
    def oidc(self):
        return {"leeway": 5}

    async def test_says_by_how_many_seconds_a_clock_may_be_wrong(self, idp, visit):
        await idp.set(skew=50)
        assert "clock" in await refused(visit, await visit.sign_in(), "sign-in-failed")
        await idp.set(skew=0)
        assert (await visit.sign_in()).status_code == 303


# --- a provider that is not there --------------------------------------------------------------------------------


async def test_a_provider_that_is_down_is_told_clearly(idp, visit):
    await idp.set(down=True)
    told = await visit.ours.get(f"{BASE}/auth/oidc/login")
    assert (told.status_code, told.json()["code"]) == (503, "provider-unavailable")
    assert "Traceback" not in told.text


async def test_a_provider_that_does_not_answer_is_waited_for_only_so_long(idp, visit, monkeypatch):
    monkeypatch.setattr("octo_platform.auth.oidc.web.TIME", 0.05)
    await idp.set(down="hangs")
    assert (await visit.ours.get(f"{BASE}/auth/oidc/login")).json()["code"] == "provider-unavailable"


async def test_an_endless_answer_of_a_provider_is_not_read_to_its_end(idp, visit):
    await idp.set(padding=600_000)
    assert (await visit.ours.get(f"{BASE}/auth/oidc/login")).json()["code"] == "provider-unavailable"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "provider-unavailable"),
        ("text", "provider-unavailable"),
        ({}, "sign-in-failed"),
        ({"id_token": 1}, "sign-in-failed"),
        ({"id_token": "x"}, "sign-in-failed"),
        ({"error": "server_error"}, "sign-in-failed"),
        ({"error": ["x" * 9999]}, "sign-in-failed"),
    ],
)
async def test_nonsense_of_a_provider_lets_nobody_in(idp, visit, body, code):
    await idp.set(tokenBody=body)
    assert len(await refused(visit, await visit.sign_in(), code)) < 300


async def test_a_provider_that_goes_down_in_between_lets_nobody_in(idp, visit):
    back = await visit.confirm(await visit.begin())
    await idp.set(down=True)
    await refused(visit, await visit.come_back(back), "provider-unavailable")


async def test_what_the_provider_says_of_itself_is_read_once(idp, visit):
    for _ in range(3):
        await visit.sign_in()
    assert await idp.counts() == {"discoveries": 1, "keyReads": 1}


async def test_tokens_that_name_unknown_keys_do_not_make_us_ask_each_time(idp, visit, clock, monkeypatch):
    monkeypatch.setattr("octo_platform.auth.oidc.provider._APART", timedelta(minutes=30))
    await visit.sign_in()
    await idp.set(forge={"kid": "unknown", "key": "other"})
    for _ in range(3):
        await visit.sign_in()
    assert (await idp.counts())["keyReads"] == 1
    clock.pass_(minutes=31)
    await idp.set(skew=31 * 60)
    await visit.sign_in()
    assert (await idp.counts())["keyReads"] == 2


@pytest.mark.parametrize("leeway", [-1, 601])
async def test_a_leeway_is_some_minutes_at_most(idp, leeway):
    with pytest.raises(ValueError, match="leeway"):
        settings(idp, leeway=leeway)


@pytest.mark.parametrize(
    "wrong", [{"issuer": "http://idp.example"}, {"roles": {"x": "root"}}, {"roles": {"x": "runtime"}}]
)
async def test_settings_that_cannot_be_right_are_refused_at_the_start(idp, tmp_path, wrong):
    from octo_platform.auth.oidc.provider import Provider

    with pytest.raises(ValueError, match=r"must be an address|is none of"):
        Provider(settings(idp, **wrong), "http://127.0.0.1/", lambda: datetime.now(UTC))


# --- going on ----------------------------------------------------------------------------------------------------


async def test_with_each_renewal_the_roles_are_asked_for_again(idp, visit, house, sales, clock):
    await idp.set(accounts={"ann": {"roles": ["octo-admins"]}})
    await visit.sign_in()
    await idp.set(accounts={"ann": {"roles": ["readers"]}})
    clock.pass_(minutes=11)
    await idp.set(skew=660)
    assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 200
    assert await roles(visit) == {"sales": "viewer"}
    await idp.set(accounts={"ann": {}})
    assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 200
    assert await roles(visit) == {}


async def test_who_comes_into_too_many_groups_is_signed_out_at_the_next_renewal(idp, visit, house, sales, caplog):
    """Not left with the roles of before, nor with none: nobody knows them."""
    await idp.set(accounts={"ann": {"roles": ["readers"]}})
    await visit.sign_in()
    await idp.set(accounts={"ann": {}}, forge={"claims": OVERAGE})
    told = await visit.ours.post("/session/renewal", headers=renewal_headers())
    assert told.json()["code"] == "not-signed-in"
    assert "app roles" in told.json()["detail"]
    assert "a login ends" in caplog.text
    assert (await visit.ours.get("/session")).status_code in (401, 409)


async def test_the_token_to_ask_again_with_is_kept_sealed(idp, visit, house):
    await visit.sign_in()
    async with house.installation.database.read() as session:
        login = await session.scalar(select(Login))
    opened = house.installation.keyring.open(f"login/{login.id}", login.refresh).decode()
    assert opened not in login.refresh
    assert len(opened) > 20


@on_both
async def test_tabs_that_renew_at_once_ask_the_provider_once(idp, visit):
    await visit.sign_in()
    told = await asyncio.gather(*(visit.ours.post("/session/renewal", headers=renewal_headers()) for _ in range(3)))
    assert [each.status_code for each in told] == [200] * 3
    assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 200
    await roles(visit)


async def test_who_may_not_go_on_at_the_provider_is_signed_out(idp, visit, house, clock):
    await idp.set(accounts={"ann": {"roles": ["octo-admins"]}})
    await visit.sign_in()
    async with house.installation.database.write() as session:
        login = await session.scalar(select(Login))
        login.refresh = house.installation.keyring.seal(f"login/{login.id}", b"revoked by the provider")
    told = await visit.ours.post("/session/renewal", headers=renewal_headers())
    assert told.json()["code"] == "not-signed-in"
    assert (await visit.ours.get("/session")).status_code == 401
    async with house.installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Login)) == 0


async def test_while_the_provider_is_down_nobody_goes_on_and_afterwards_they_do(idp, visit, clock):
    await idp.set(accounts={"ann": {"roles": ["octo-admins"]}})
    await visit.sign_in()
    clock.pass_(minutes=11)
    await idp.set(down=True)
    for _ in range(2):
        told = await visit.ours.post("/session/renewal", headers=renewal_headers())
        assert told.json()["code"] == "provider-unavailable"
        clock.pass_(minutes=1)
    assert (await visit.ours.get("/session")).status_code == 401
    await idp.set(down=False, skew=780)
    assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 200
    assert await roles(visit) == {"*": "admin"}


class TestWithoutARefreshToken:
    @pytest.fixture
    async def idp(self, idp):
        await idp.register(grant_types=["authorization_code"])
        return idp

    async def test_somebody_signs_in_again_after_an_hour(self, visit, clock):
        await visit.sign_in()
        clock.pass_(minutes=59)
        assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 200
        clock.pass_(minutes=1)
        assert (await visit.ours.post("/session/renewal", headers=renewal_headers())).status_code == 401


# --- out ---------------------------------------------------------------------------------------------------------


async def test_who_signs_out_here_is_shown_the_way_to_sign_out_there(idp, visit):
    await visit.sign_in()
    told = (await visit.ours.delete("/session", headers=renewal_headers())).json()
    query = parse_qs(urlsplit(told["provider"]).query)
    assert query == {"client_id": [idp.client_id], "post_logout_redirect_uri": [f"{BASE}/"]}
    left = await visit.sign_out_there(told["provider"])
    assert left.headers["location"].startswith(f"{BASE}/")


async def test_who_signs_out_there_is_signed_out_here_at_once(idp, house, visit, tmp_path):
    """The provider itself calls our back channel, over a real socket."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    await idp.register(base)
    options = Options(folder=tmp_path, database=house.installation.options.place, port=port, oidc=settings(idp))
    house.installation.options = options
    house.installation.identity = type(house.installation.identity)(
        options, house.installation.database, house.installation.keyring
    )
    server = uvicorn.Server(
        uvicorn.Config(create_app(house.installation), port=port, log_level="warning", lifespan="off")
    )
    server.install_signal_handlers = lambda: None
    async with asyncio.TaskGroup() as tasks, httpx.AsyncClient(base_url=base) as ours:
        serving = tasks.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            address = (await ours.get("/auth/oidc/login")).headers["location"]
            while not address.startswith(base):
                found = await visit.theirs.get(address)
                address = str(found.url.join(found.headers["location"]))
            assert (await ours.get(address)).status_code == 303
            assert (await ours.get("/api/v1/session")).status_code == 200

            await visit.sign_out_there(
                f"{idp.issuer}/session/end?"
                + urlencode({"client_id": idp.client_id, "post_logout_redirect_uri": f"{base}/"})
            )
            assert (await ours.get("/api/v1/session")).status_code in (401, 409)
            told = await ours.post("/api/v1/session/renewal", headers={"Origin": base})
            assert told.json()["code"] == "not-signed-in"
        finally:
            server.should_exit = True
            await serving


class TestTheBackChannel:
    @pytest.fixture
    async def sid(self, idp, visit, house):
        await idp.set(accounts={"ann": {"roles": ["octo-admins"]}})
        await visit.sign_in()
        async with house.installation.database.read() as session:
            return await session.scalar(select(Login.sid))

    @pytest.fixture
    def claims(self, idp, sid):
        at = int(time.time())
        return {
            "iss": idp.issuer,
            "aud": idp.client_id,
            "iat": at,
            "exp": at + 120,
            "jti": "one",
            "sub": "ann",
            "sid": sid,
            "events": {LOGOUT: {}},
        }

    async def send(self, house, token):
        return await (await house.visitor()).post(f"{BASE}/auth/oidc/backchannel-logout", data={"logout_token": token})

    @pytest.mark.parametrize("without", ["sub", "sid"])
    async def test_ends_the_logins_that_are_meant(self, idp, visit, house, claims, without):
        del claims[without]
        told = await self.send(house, await idp.logout_token(claims))
        assert told.status_code == 200, told.text
        assert told.headers["cache-control"] == "no-store"
        assert (await visit.ours.get("/session")).json()["code"] == "not-signed-in"

    async def test_ends_no_others(self, idp, visit, house, claims):
        await idp.logout_token(claims)
        del claims["sub"]
        claims["sid"] = "another"
        assert (await self.send(house, await idp.logout_token(claims))).status_code == 200
        assert (await visit.ours.get("/session")).status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [
            {"nonce": "x"},
            {"events": {}},
            {"events": {LOGOUT: True}},
            {"events": None},
            {"iss": "https://evil.example"},
            {"aud": "somebody"},
            {"exp": 1},
            {"iat": 4_000_000_000},
            {"jti": None},
        ],
    )
    async def test_takes_no_other_token(self, idp, visit, house, claims, wrong):
        token = await idp.logout_token({k: v for k, v in {**claims, **wrong}.items() if v is not None})
        assert (await self.send(house, token)).json()["code"] == "sign-in-failed"
        assert (await visit.ours.get("/session")).status_code == 200

    async def test_takes_none_that_says_nothing_of_whom(self, idp, visit, house, claims):
        del claims["sub"], claims["sid"]
        assert (await self.send(house, await idp.logout_token(claims))).status_code == 400

    async def test_takes_none_that_somebody_else_has_signed(self, idp, visit, house, claims):
        token = await idp.logout_token(claims, key="other")
        assert (await self.send(house, token)).json()["code"] == "sign-in-failed"
        for nonsense in ("", "x", "a.b.c", "." * 9, "x" * 10_000):
            told = await self.send(house, nonsense)
            assert told.status_code == 400
        assert (await visit.ours.get("/session")).status_code == 200

    async def test_takes_each_token_once(self, idp, visit, house, claims):
        token = await idp.logout_token(claims)
        assert (await self.send(house, token)).status_code == 200
        await visit.sign_in()
        assert "used already" in (await self.send(house, token)).json()["detail"]
        assert (await visit.ours.get("/session")).status_code == 200

    async def test_takes_a_form_and_nothing_else(self, house):
        visitor = await house.visitor()
        told = await visitor.post(f"{BASE}/auth/oidc/backchannel-logout", json={"logout_token": "x"})
        assert told.status_code == 415
