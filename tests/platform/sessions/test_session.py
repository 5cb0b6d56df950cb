"""Signing in with a password, going on, and signing out."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sqlalchemy import select

from octo_platform.storage.tables import AuditEntry, Grant, Login, User
from tests.platform.conftest import on_both

SECRET = "correct horse battery"


def credentials(name: str, password: str = SECRET) -> dict[str, str]:
    return {"email": f"{name}@example.org", "password": password}


def cookie_headers(response: httpx.Response) -> dict[str, str]:
    return {each.split("=")[0]: each for each in response.headers.get_list("set-cookie")}


async def test_who_signs_in_is_told_who_they_are_and_what_they_may(house):
    place = await house.workspace("sales")
    user = await house.person("ann", "developer", place)
    browser = await house.browser()
    assert (await browser.post("/session", json=credentials("ann"))).json() == {"expiresIn": 600}
    assert (await browser.get("/session")).json() == {
        "id": user.id,
        "name": "ann",
        "email": "ann@example.org",
        "roles": {"sales": "developer"},
        "hasRights": True,
        "way": "cookie",
    }


async def test_who_has_no_role_is_told_so(house):
    browser = await house.signed_in("ann")
    assert (await browser.get("/session")).json()["hasRights"] is False


async def test_cookies_are_for_this_host_alone_and_no_script_reads_them(house):
    await house.person("ann")
    told = await (await house.browser()).post("/session", json=credentials("ann"))
    for each in cookie_headers(told).values():
        assert "HttpOnly" in each
        assert "SameSite=strict" in each
        assert "Path=/" in each
        assert "Domain" not in each
    assert set(cookie_headers(told)) == {"octo-session", "octo-renewal"}


@pytest.mark.parametrize(
    ("email", "password"),
    [("ann", "wrong"), ("nobody", SECRET), ("ann", ""), ("gone", SECRET), ("ann", SECRET + " ")],
)
async def test_a_wrong_name_or_password_is_told_in_the_same_words(house, email, password):
    await house.person("ann")
    gone = await house.person("gone")
    async with house.installation.database.write() as session:
        (await session.get(User, gone.id)).disabled = True
    browser = await house.browser()
    told = await browser.post("/session", json=credentials(email, password))
    if password:
        assert told.json() == {
            "type": "urn:octo:problem:bad-credentials",
            "title": "The name or the password is wrong",
            "status": 401,
            "code": "bad-credentials",
        }
    assert not told.headers.get_list("set-cookie")
    assert told.status_code in (401, 422)


async def test_the_same_password_typed_on_another_keyboard_fits(house):
    composed, apart = "caf\u00e9 au lait 12", "cafe\u0301 au lait 12"
    user = await house.person("ann")
    hashed = await house.installation.identity.passwords.hashed(composed)
    async with house.installation.database.write() as session:
        (await session.get(User, user.id)).password = hashed
    told = await (await house.browser()).post("/session", json=credentials("ann", apart))
    assert told.status_code == 200


async def test_guesses_at_one_account_are_slowed_down_wherever_they_come_from(house):
    await house.person("ann")
    codes = []
    for n in range(7):
        guesser = await house.browser(address=f"10.0.0.{n}")
        codes.append((await guesser.post("/session", json=credentials("ann", "wrong wrong wrong"))).json()["code"])
    assert codes == ["bad-credentials"] * 6 + ["too-many-tries"]
    told = await (await house.browser()).post("/session", json=credentials("ann"))
    assert told.status_code == 429
    assert int(told.headers["Retry-After"]) >= 1


async def test_whoever_guesses_keeps_nobody_out_who_signed_in_from_there_before(house):
    """They could go on for ever, and always be faster than the owner when a wait ends."""
    await house.signed_in("ann")
    guesser = await house.browser(address="10.0.0.1")
    for _ in range(7):
        await guesser.post("/session", json=credentials("ann", "wrong wrong wrong"))
    assert (await guesser.post("/session", json=credentials("ann"))).status_code == 429
    assert (await (await house.browser()).post("/session", json=credentials("ann"))).status_code == 200
    codes = [
        (await (await house.browser()).post("/session", json=credentials("ann", "wrong wrong"))).status_code
        for _ in range(7)
    ]
    assert codes == [401] * 6 + [429], "there are no more tries from there than from elsewhere"


async def test_guesses_of_one_address_at_many_accounts_are_slowed_down(house):
    guesser = await house.browser(address="10.0.0.1")
    answers = [await guesser.post("/session", json=credentials(f"p{n}", "wrong")) for n in range(32)]
    assert [each.status_code for each in answers] == [401] * 31 + [429]
    await house.person("ann")
    assert (await (await house.browser("10.0.0.2")).post("/session", json=credentials("ann"))).status_code == 200


async def test_guesses_that_are_sent_at_once_get_no_more_tries(house):
    await house.person("ann")
    guesser = await house.browser()
    told = await asyncio.gather(
        *(guesser.post("/session", json=credentials("ann", f"wrong number {n}")) for n in range(12))
    )
    assert sorted(each.status_code for each in told) == [401] * 6 + [429] * 6


async def test_sign_ins_and_their_sign_outs_are_in_the_audit_log(house):
    browser = await house.signed_in("ann")
    await browser.delete("/session")
    async with house.installation.database.read() as session:
        user = await session.scalar(select(User.id))
        rows = (await session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.target))).all()
    assert rows == [
        (f"cookie:{user}", "session.create", "ann@example.org"),
        (f"cookie:{user}", "session.delete", "/api/v1/session"),
    ]


class TestWithoutPasswords:
    @pytest.fixture
    def closed(self, closed):
        return {**closed, "passwords": False}

    async def test_nobody_signs_in_with_one(self, house):
        await house.person("ann", "admin")
        told = await (await house.browser()).post("/session", json=credentials("ann"))
        assert told.json()["code"] == "sign-in-off"


class TestByHttps:
    @pytest.fixture
    def closed(self, closed):
        return {**closed, "public_url": "https://octo.example"}

    async def test_the_cookies_go_by_https_alone_and_no_neighbour_can_set_them(self, house):
        await house.person("ann")
        visitor = await house.visitor(Origin="https://octo.example", Host="octo.example")
        found = cookie_headers(await visitor.post("/session", json=credentials("ann")))
        assert set(found) == {"__Host-octo-session", "__Host-octo-renewal"}
        assert all("Secure" in each for each in found.values())

    async def test_a_page_that_came_without_tls_is_another_site(self, house):
        await house.person("ann")
        visitor = await house.visitor(Origin="http://octo.example", Host="octo.example")
        assert (await visitor.post("/session", json=credentials("ann"))).json()["code"] == "cross-site"


# --- going on ----------------------------------------------------------------------------------------------------


@on_both
async def test_a_session_ends_after_ten_minutes_and_is_renewed(house, clock):
    browser = await house.signed_in("ann", "admin")
    clock.pass_(minutes=10)
    assert (await browser.get("/session")).json()["code"] == "not-signed-in"
    assert (await browser.post("/session/renewal")).status_code == 200
    assert (await browser.get("/session")).json()["roles"] == {"*": "admin"}


async def test_a_session_from_before_the_clock_was_set_back_is_renewed(house, clock):
    """It would live for as long as the clock was ahead, and nothing could end it."""
    clock.pass_(days=1)
    ann = await house.signed_in("ann", "admin")
    assert (await ann.get("/session")).status_code == 200
    clock.pass_(days=-1)
    assert (await ann.get("/session")).status_code == 401
    assert (await ann.post("/session/renewal")).status_code == 200
    assert (await ann.get("/session")).status_code == 200


async def test_the_cookie_of_the_turn_before_has_no_longer_grace_then(house, clock):
    clock.pass_(days=1)
    ann = await house.signed_in("ann")
    before = dict(ann.cookies)
    assert (await ann.post("/session/renewal")).status_code == 200
    clock.pass_(days=-1)
    thief = await house.browser()
    thief.cookies.update(before)
    assert (await thief.post("/session/renewal")).status_code == 401


async def test_roles_that_changed_count_after_the_renewal(house, clock):
    place = await house.workspace("sales")
    user = await house.person("ann", "admin")
    browser = await house.sign_in("ann")
    async with house.installation.database.write() as session:
        await session.delete(await session.get(Grant, (user.id, "*")))
        session.add(Grant(user_id=user.id, workspace=place, role="viewer"))
    await browser.post("/session/renewal")
    assert (await browser.get("/session")).json()["roles"] == {"sales": "viewer"}


async def test_who_is_disabled_cannot_renew(house):
    await house.person("boss", "admin")
    user = await house.person("ann", "admin")
    browser = await house.sign_in("ann")
    async with house.installation.database.write() as session:
        (await session.get(User, user.id)).disabled = True
    assert (await browser.post("/session/renewal")).json()["code"] == "not-signed-in"
    assert (await browser.get("/session")).json()["code"] == "not-signed-in"


@on_both
async def test_two_tabs_that_renew_at_once_both_stay_signed_in(house):
    browser = await house.signed_in("ann", "admin")
    tabs = [await house.browser() for _ in range(4)]
    for each in tabs:
        each.cookies = httpx.Cookies(browser.cookies)
    told = await asyncio.gather(*(each.post("/session/renewal") for each in tabs))
    assert [each.status_code for each in told] == [200] * 4
    for each in tabs:
        assert (await each.get("/session")).status_code == 200
        assert (await each.post("/session/renewal")).status_code == 200


async def test_a_renewal_that_was_used_long_ago_ends_the_login_for_everybody(house, clock):
    browser = await house.signed_in("ann", "admin")
    thief = await house.browser()
    thief.cookies = httpx.Cookies(browser.cookies)
    await browser.post("/session/renewal")
    clock.pass_(seconds=21)

    assert (await thief.post("/session/renewal")).json()["code"] == "not-signed-in"
    assert (await browser.get("/session")).json()["code"] == "not-signed-in"
    assert (await browser.post("/session/renewal")).json()["code"] == "not-signed-in"
    async with house.installation.database.read() as session:
        assert await session.scalar(select(Login.id)) is None


async def test_a_renewal_that_nobody_gave_ends_nothing(house):
    browser = await house.signed_in("ann", "admin")
    login, turn, mac = browser.cookies["octo-renewal"].split(".")
    for forged in (f"{login}.{turn}.{mac[::-1]}", f"{login}.7.{mac}", f"{login}.{turn}", "x", f"{login}.²." + mac):
        visitor = await house.browser()
        told = await visitor.post("/session/renewal", headers={"Cookie": f"octo-renewal={forged}".encode()})
        assert told.json()["code"] == "not-signed-in"
    assert (await browser.post("/session/renewal")).status_code == 200


async def test_who_does_nothing_for_a_day_is_signed_out(house, clock):
    browser = await house.signed_in("ann", "admin")
    clock.pass_(hours=24)
    assert (await browser.post("/session/renewal")).json()["code"] == "not-signed-in"


async def test_after_a_week_everybody_signs_in_again(house, clock):
    browser = await house.signed_in("ann", "admin")
    for _ in range(7):
        last = await browser.post("/session/renewal")
        assert last.status_code == 200
        clock.pass_(hours=23)
        # The cookies of a browser follow the real clock.
    clock.pass_(hours=8)
    assert (await browser.post("/session/renewal")).json()["code"] == "not-signed-in"


async def test_a_session_that_was_changed_is_nobodys(house):
    browser = await house.signed_in("ann", "admin")
    header, payload, mac = browser.cookies["octo-session"].split(".")
    for forged in (f"{header}.{payload}.{mac[::-1]}", f"{header}.{payload[:-4]}AAAA.{mac}", f"{payload}", "." * 3):
        visitor = await house.browser()
        told = await visitor.get("/session", headers={"Cookie": f"octo-session={forged}"})
        assert told.json()["code"] == "not-signed-in"


async def test_who_has_a_role_in_many_workspaces_has_a_small_cookie(house):
    user = await house.person("ann")
    places = [await house.workspace(f"w{n}") for n in range(60)]
    async with house.installation.database.write() as session:
        session.add_all(Grant(user_id=user.id, workspace=each, role="viewer") for each in places)
    browser = await house.sign_in("ann")
    assert len(browser.cookies["octo-session"]) < 3000
    assert len((await browser.get("/session")).json()["roles"]) == 60


# --- signing out -------------------------------------------------------------------------------------------------


async def test_who_signs_out_is_out_at_once_with_all_copies_of_the_session(house):
    browser = await house.signed_in("ann", "admin")
    copy = await house.browser()
    copy.cookies = httpx.Cookies(browser.cookies)
    assert (await browser.delete("/session")).json() == {}
    assert not browser.cookies
    assert (await copy.get("/session")).json()["code"] == "not-signed-in"
    assert (await copy.post("/session/renewal")).json()["code"] == "not-signed-in"


async def test_who_signs_out_in_one_browser_stays_signed_in_in_another(house):
    first = await house.signed_in("ann", "admin")
    second = await house.sign_in("ann")
    await first.delete("/session")
    assert (await second.get("/session")).status_code == 200


async def test_signing_out_needs_no_session_that_still_counts(house, clock):
    browser = await house.signed_in("ann", "admin")
    clock.pass_(minutes=11)
    await browser.delete("/session")
    async with house.installation.database.read() as session:
        assert await session.scalar(select(Login.id)) is None


async def test_signing_out_twice_is_no_fault(house):
    assert (await (await house.browser()).delete("/session")).status_code == 200


# --- one's own password ------------------------------------------------------------------------------------------


async def test_who_chooses_another_password_is_signed_out_everywhere_else(house):
    here = await house.signed_in("ann", "admin")
    there = await house.sign_in("ann")
    told = await here.put("/session/password", json={"old": SECRET, "new": "another horse battery"})
    assert told.status_code == 204
    assert (await here.get("/session")).status_code == 200
    assert (await there.get("/session")).json()["code"] == "not-signed-in"
    assert (await there.post("/session", json=credentials("ann"))).json()["code"] == "bad-credentials"
    assert (await there.post("/session", json=credentials("ann", "another horse battery"))).status_code == 200


async def test_another_password_needs_the_old_one_and_a_long_new_one(house):
    here = await house.signed_in("ann", "viewer")
    wrong = await here.put("/session/password", json={"old": "wrong", "new": "another horse battery"})
    short = await here.put("/session/password", json={"old": SECRET, "new": "short"})
    assert (wrong.json()["code"], short.json()["code"]) == ("bad-credentials", "invalid")
    assert "short" not in short.text.replace("at least", "")


# --- pages of other sites ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1:8321.evil.example"},
        {"Origin": "http://127.0.0.1:8321", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_a_write_by_cookie_from_elsewhere_is_refused(house, headers):
    browser = await house.signed_in("ann", "admin")
    foreign = await house.visitor(**headers)
    foreign.cookies = httpx.Cookies(browser.cookies)
    for method, path in (("DELETE", "/session"), ("POST", "/session/renewal"), ("DELETE", "/users/abc")):
        assert (await foreign.request(method, path)).json()["code"] == "cross-site"
    told = await foreign.post("/keys", json={"name": "x", "scopes": "all"})
    assert told.json()["code"] == "cross-site"
    assert (await browser.get("/session")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://127.0.0.1:8321"},
        {"Origin": "http://127.0.0.1:8321", "Sec-Fetch-Site": "none"},
    ],
)
async def test_a_write_by_cookie_from_a_page_of_ours_is_let_through(house, headers):
    browser = await house.signed_in("ann", "admin")
    ours = await house.visitor(**headers)
    ours.cookies = httpx.Cookies(browser.cookies)
    assert (await ours.post("/keys", json={"name": "x", "scopes": "all"})).status_code == 201


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_a_page_of_another_site_signs_nobody_in(house, headers):
    await house.person("ann")
    told = await (await house.visitor(**headers)).post("/session", json=credentials("ann"))
    assert told.json()["code"] == "cross-site"


async def test_in_local_mode_pages_of_other_sites_write_nothing_either(client):
    told = await client.delete("/users/x", headers={"Origin": "https://evil.example"})
    assert told.json()["code"] == "cross-site"
    assert (await client.delete("/users/abc")).json()["code"] == "not-found"


async def test_signing_in_is_never_answered_from_memory(house):
    """Without its cookies the answer would be a lie."""
    client = await house.signed_in("ada", "viewer")
    body = {"email": "ada@example.org", "password": SECRET}
    for _ in range(2):
        answer = await client.post("/session", json=body, headers={"Idempotency-Key": "once"})
        assert (answer.status_code, len(answer.headers.get_list("set-cookie"))) == (200, 2)


async def test_half_a_character_is_no_password(house):
    client = await house.browser()
    body = b'{"email": "a@b", "password": "\\ud800"}'
    answer = await client.post("/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_a_key_of_one_workspace_tells_nothing_of_others(house):
    places = [await house.workspace(name) for name in ("one", "two")]
    client = await house.signed_in("ada", "viewer", places[0])
    async with house.installation.database.write() as session:
        user = (await client.get("/session")).json()["id"]
        session.add(Grant(user_id=user, workspace=places[1], role="admin"))
    key = await house.key(client, workspace="one")
    assert (await key.get("/session")).json()["roles"] == {"one": "viewer"}
