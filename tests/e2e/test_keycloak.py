"""Signing in through a real Keycloak to a real `octo platform`: what a pretended provider may do otherwise.

`make e2e-keycloak` starts a Keycloak and names it in OCTO_E2E_KEYCLOAK.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from playwright.sync_api import sync_playwright

from tests.e2e.realm import PATIENCE, Person, Realm, Visit, with_query
from tests.platform.pages.conftest import ARGUMENTS, NAMES

ROOT = Path(__file__).parents[2]
ROLES_CLAIM = {"rolesClaim": "realm_access.roles"}
SCOPES = {"scopes": "openid profile email"}
ROLES = {"octo-admins": "admin", "octo-viewers": "shop:viewer", "/shop": "shop:developer"}


@dataclass
class Octo:
    """A platform that runs, with the workspace `shop`."""

    url: str
    log: Path
    stack: ExitStack

    def visit(self) -> Visit:
        """A browser, which is closed when the platform ends."""
        visit = Visit(self.url)
        self.stack.enter_context(visit.browser)
        return visit


@contextmanager
def started(realm: Realm, folder: Path, port: Callable[[], int], oidc: dict, **client: object) -> Iterator[Octo]:
    """A platform in a process of its own, with a client of its own at Keycloak. oidc, client: what differs."""
    url = f"http://127.0.0.1:{port()}"
    known = realm.client(url, **client)
    settings = {"issuer": realm.issuer, "clientId": known["clientId"], "roles": ROLES, **oidc}
    (folder / "octo.yaml").write_text(yaml.safe_dump({"oidc": settings}))
    ports = ["--port", url.rpartition(":")[2], "--data-port", str(port())]
    places = ["--config", str(folder / "octo.yaml"), "--folder", str(folder / "kept")]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "OCTO_PLATFORM_OIDC_CLIENT_SECRET": known["secret"],
    }
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "octo", "platform", *places, *ports], env=environment, stdout=out, stderr=out
        )
        try:
            _set_up(url, process, log)
            with ExitStack() as stack:
                yield Octo(url, log, stack)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def _set_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it runs, and make the workspace `shop` as the first administrator, who has a password there."""
    end = time.monotonic() + PATIENCE
    while "/setup#token=" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    token = log.read_text().partition("/setup#token=")[2].split()[0]
    first = {"email": "first@example.org", "password": "correct horse battery"}
    asked = {"/setup": {**first, "token": token}, "/session": first, "/workspaces": {"name": "shop"}}
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=PATIENCE) as client:
        for path, body in asked.items():
            assert client.post(path, json=body).is_success


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    with Realm(os.environ["OCTO_E2E_KEYCLOAK"]) as found:
        yield found


@pytest.fixture(scope="module")
def octo(realm, tmp_path_factory, free_port) -> Iterator[Octo]:
    """The platform as docs/platform.md describes it for Keycloak."""
    with started(realm, tmp_path_factory.mktemp("octo"), free_port, ROLES_CLAIM | SCOPES) as found:
        yield found


@pytest.fixture
def other(realm, tmp_path, free_port) -> Iterator[Callable[..., Octo]]:
    """Start another platform for one test, with these settings."""
    with ExitStack() as stack:

        def start(oidc: dict, **client: object) -> Octo:
            return stack.enter_context(started(realm, tmp_path, free_port, oidc, **client))

        yield start


@pytest.fixture
def ada(realm) -> Person:
    return realm.person(roles=("octo-admins",))


def refused(visit: Visit, told: httpx.Response, why: str) -> None:
    assert told.json()["code"] == "sign-in-failed"
    assert why in told.json()["detail"]
    assert not visit.is_signed_in()


# --- in ----------------------------------------------------------------------------------------------------------


def test_roles_of_the_realm_are_roles_here(octo, ada):
    visit = octo.visit()
    told = visit.sign_in(ada)
    assert (told.status_code, told.headers["location"]) == (303, "/")
    assert visit.roles() == {"*": "admin"}
    assert visit.api("GET", "/session").json()["email"] == f"{ada.name}@example.org"


def test_groups_are_roles_in_a_workspace(other, realm):
    octo = other({"rolesClaim": "groups"} | SCOPES)
    visit = octo.visit()
    visit.sign_in(realm.person(groups=("/shop",)))
    assert visit.roles() == {"shop": "developer"}


def test_who_has_no_role_there_has_none_here(octo, realm):
    visit = octo.visit()
    visit.sign_in(realm.person())
    assert visit.roles() == {}


def test_a_claim_that_keycloak_was_not_told_to_send_is_in_the_log(other, ada):
    """By itself it puts the roles of a realm into access tokens alone, which are not for us."""
    octo = other(ROLES_CLAIM | SCOPES, protocolMappers=[])
    visit = octo.visit()
    visit.sign_in(ada)
    assert visit.roles() == {}
    assert "there is no such claim" in octo.log.read_text()


def test_the_client_takes_no_sign_in_without_pkce(octo, ada):
    """So what the other tests pass through is checked by Keycloak, too."""
    visit = octo.visit()
    address = with_query(visit.begin(), code_challenge=None, code_challenge_method=None)
    refused(visit, visit.get(visit.confirm(ada, address)), "invalid_request")


# --- not in ------------------------------------------------------------------------------------------------------


def test_another_state_is_refused(octo, ada):
    visit = octo.visit()
    back = visit.confirm(ada, visit.begin())
    refused(visit, visit.get(with_query(back, state="x" * 43)), "has not begun this sign-in")


def test_another_nonce_is_refused(octo, ada):
    visit = octo.visit()
    back = visit.confirm(ada, with_query(visit.begin(), nonce="x" * 43))
    refused(visit, visit.get(back), "belongs to another sign-in")


def test_a_way_back_of_another_issuer_is_refused(octo, ada):
    for wrong in ("https://evil.example", None):
        visit = octo.visit()
        back = visit.confirm(ada, visit.begin())
        refused(visit, visit.get(with_query(back, iss=wrong)), "another provider")


def test_a_code_counts_once(octo, ada):
    first, thief = octo.visit(), octo.visit()
    back = first.confirm(ada, first.begin())
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert first.get(back).status_code == 303
    assert first.get(back).json()["code"] == "sign-in-failed"
    stolen = with_query(thief.confirm(ada, thief.begin()), code=code)
    refused(thief, thief.get(stolen), "invalid_grant")


def test_a_wrong_secret_lets_nobody_in(other, realm, ada):
    octo = other(ROLES_CLAIM | SCOPES)
    (client,) = realm.ask("GET", "clients", params={"clientId": f"octo-{octo.url.rpartition(':')[2]}"})
    realm.ask("POST", f"clients/{client['id']}/client-secret")
    visit = octo.visit()
    refused(visit, visit.sign_in(ada), "unauthorized_client")


# --- going on ----------------------------------------------------------------------------------------------------


def test_a_renewal_brings_the_roles_of_now(octo, ada):
    visit = octo.visit()
    visit.sign_in(ada)
    ada.revoke("octo-admins")
    ada.grant("octo-viewers")
    assert visit.renew().status_code == 200
    assert visit.roles() == {"shop": "viewer"}
    ada.revoke("octo-viewers")
    assert visit.renew().status_code == 200
    assert visit.roles() == {}


def test_who_is_disabled_there_is_signed_out_at_the_next_renewal(octo, ada):
    visit = octo.visit()
    visit.sign_in(ada)
    ada.disable()
    told = visit.renew()
    assert (told.status_code, told.json()["code"]) == (401, "not-signed-in")
    assert not visit.is_signed_in()


def test_keys_that_are_rotated_there_disturb_nobody(octo, realm, ada):
    before, after = octo.visit(), octo.visit()
    before.sign_in(ada)
    realm.rotate()
    assert before.is_signed_in()
    end = time.monotonic() + PATIENCE
    # For ten seconds after it has read keys, the platform reads none: anybody can send tokens that name some.
    while after.sign_in(ada).status_code != 303:
        assert time.monotonic() < end
        time.sleep(1)
    assert after.roles() == {"*": "admin"}
    assert before.renew().status_code == 200


# --- out ---------------------------------------------------------------------------------------------------------


def test_signing_out_here_signs_out_there(octo, ada):
    visit = octo.visit()
    visit.sign_in(ada)
    assert len(ada.sessions()) == 1
    there = visit.api("DELETE", "/session").json()["provider"]
    back = visit.send(visit.get(there), confirmLogout="Logout")
    assert (back.status_code, back.headers["location"]) == (302, f"{octo.url}/")
    assert ada.sessions() == []
    assert not visit.is_signed_in()
    assert visit.get(visit.begin()).status_code == 200  # it asks for the password


def test_a_session_that_ends_there_ends_here_at_once(octo, ada):
    first, second = octo.visit(), octo.visit()
    first.sign_in(ada)
    (session,) = ada.sessions()
    second.sign_in(ada)
    ada.end(session)
    assert (first.is_signed_in(), second.is_signed_in()) == (False, True)
    assert first.renew().status_code == 401
    ada.end_all()
    assert not second.is_signed_in()


def test_with_offline_access_keycloak_has_no_session_that_it_could_end(other, ada):
    """So docs/platform.md leaves this scope out for Keycloak: who is signed out there is told nothing here."""
    octo = other(ROLES_CLAIM)
    visit = octo.visit()
    visit.sign_in(ada)
    assert ada.sessions() == []
    ada.end_all()
    assert visit.is_signed_in()
    ada.disable()
    assert visit.renew().status_code == 401


def test_in_a_browser_one_signs_in_and_out_by_the_buttons(octo, ada):
    """The pages' own policies let it go there and back."""
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"NOT TESTED, for want of a browser: none of {', '.join(NAMES)} is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*ARGUMENTS])
        page = browser.new_page(base_url=octo.url)
        page.set_default_timeout(PATIENCE * 1000)
        page.goto("/keys")
        page.get_by_role("link", name="Sign in with Single sign-on").click()
        page.get_by_label("Username or email").fill(ada.name)
        page.get_by_label("Password", exact=True).fill(ada.name)
        page.get_by_role("button", name="Sign In").click()
        page.wait_for_url("**/keys")
        page.get_by_text("admin everywhere").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Logout").click()
        page.get_by_role("link", name="Sign in with Single sign-on").wait_for()
        assert ada.sessions() == []
        browser.close()
