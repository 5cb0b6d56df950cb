"""The realm `octo` of a Keycloak, as its administrator and as a browser of somebody see it."""

from __future__ import annotations

import html
import re
from itertools import count
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

PATIENCE = 120.0
"""Seconds for an answer: the first page that a Keycloak shows takes some, on a busy machine many."""

CLIENT = "octo"
"""The client of scripts/keycloak/realm.json, which those of tests are copies of."""

_numbers = count(1)


class Realm:
    """What an administrator does there. url: of the Keycloak."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.issuer = f"{url}/realms/octo"
        self._client = httpx.Client(base_url=f"{url}/admin/realms/octo/", timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, method: str, path: str = "", **extra: Any) -> Any:
        """The JSON of an answer, None if there is none. Keycloak lets its administrator in for a minute at a time."""
        token = httpx.post(
            f"{self.url}/realms/master/protocol/openid-connect/token",
            data={"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"},
            timeout=PATIENCE,
        ).json()["access_token"]
        answer = self._client.request(method, path, headers={"Authorization": f"Bearer {token}"}, **extra)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def client(self, base: str, **changed: Any) -> dict[str, Any]:
        """A copy of the realm's client, for a platform at this address."""
        (found,) = self.ask("GET", "clients", params={"clientId": CLIENT})
        addresses = {
            "post.logout.redirect.uris": f"{base}/",
            "backchannel.logout.url": f"{base}/auth/oidc/backchannel-logout",
        }
        made = {name: value for name, value in found.items() if name != "id"} | {
            "clientId": f"octo-{base.rpartition(':')[2]}",
            "redirectUris": [f"{base}/auth/oidc/callback"],
            "attributes": found["attributes"] | addresses,
            "protocolMappers": [{k: v for k, v in each.items() if k != "id"} for each in found["protocolMappers"]],
            **changed,
        }
        self.ask("POST", "clients", json=made)
        return made

    def person(self, *, roles: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> Person:
        """Somebody new, whose password is their name."""
        name = f"person-{next(_numbers)}-{id(self):x}"
        body = {
            "username": name,
            "email": f"{name}@example.org",
            "firstName": name,
            "lastName": "Test",
            "enabled": True,
            "groups": list(groups),
            "credentials": [{"type": "password", "value": name}],
        }
        self.ask("POST", "users", json=body)
        (found,) = self.ask("GET", "users", params={"username": name, "exact": "true"})
        person = Person(self, name, found["id"])
        person.grant(*roles)
        return person

    def rotate(self) -> None:
        """Let another key sign from now on, and forget the one that has signed until now."""
        kind = "org.keycloak.keys.KeyProvider"
        old = [each for each in self.ask("GET", "components", params={"type": kind}) if each["name"].startswith("rsa-")]
        old = [each for each in old if each["providerId"] == "rsa-generated"]
        config = {"priority": ["1000"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]}
        new = {"name": f"rsa-{next(_numbers)}", "providerId": "rsa-generated", "providerType": kind, "config": config}
        self.ask("POST", "components", json=new)
        for each in old:
            self.ask("DELETE", f"components/{each['id']}")


class Person:
    """A user of the realm."""

    def __init__(self, realm: Realm, name: str, id_: str) -> None:
        self.name = name
        self._realm = realm
        self._path = f"users/{id_}"

    def grant(self, *roles: str) -> None:
        self._change("POST", roles)

    def revoke(self, *roles: str) -> None:
        self._change("DELETE", roles)

    def _change(self, method: str, roles: tuple[str, ...]) -> None:
        found = [self._realm.ask("GET", f"roles/{each}") for each in roles]
        self._realm.ask(method, f"{self._path}/role-mappings/realm", json=found)

    def disable(self) -> None:
        self._realm.ask("PUT", self._path, json={"enabled": False})

    def sessions(self) -> list[str]:
        """The ids of the sessions that Keycloak has of them."""
        return [each["id"] for each in self._realm.ask("GET", f"{self._path}/sessions")]

    def end(self, session: str) -> None:
        self._realm.ask("DELETE", f"sessions/{session}")

    def end_all(self) -> None:
        self._realm.ask("POST", f"{self._path}/logout")


class Visit:
    """A browser that goes between a platform and the Keycloak, by following links and filling in forms."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.browser = httpx.Client(timeout=PATIENCE)

    def get(self, address: str) -> httpx.Response:
        return self._kept(self.browser.get(address))

    def api(self, method: str, path: str) -> httpx.Response:
        """Ask as a page of the platform does."""
        return self.browser.request(method, f"{self.base}/api/v1{path}", headers={"Origin": self.base})

    def begin(self) -> str:
        """Go to sign in; returns the address at the Keycloak."""
        found = self.get(f"{self.base}/auth/oidc/login")
        assert found.status_code == 303, found.text
        return found.headers["location"]

    def confirm(self, person: Person, address: str) -> str:
        """Sign in there; returns the way back. Who has a session there is not asked again."""
        page = self.get(address)
        if page.is_success:
            page = self.send(page, username=person.name, password=person.name)
        assert page.is_redirect, page.text
        return page.headers["location"]

    def sign_in(self, person: Person) -> httpx.Response:
        return self.get(self.confirm(person, self.begin()))

    def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Send the form of a page, with its hidden fields."""
        form = re.search(r"<form[^>]*\baction=\"([^\"]+)\".*?</form>", page.text, re.DOTALL)
        assert form is not None, page.text
        hidden = re.findall(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\"", form[0])
        given = {name: html.unescape(value) for name, value in hidden} | fields
        return self._kept(self.browser.post(str(page.url.join(html.unescape(form[1]))), data=given))

    def renew(self) -> httpx.Response:
        return self.api("POST", "/session/renewal")

    def roles(self) -> dict[str, str]:
        found = self.api("GET", "/session")
        assert found.status_code == 200, found.text
        return found.json()["roles"]

    def is_signed_in(self) -> bool:
        return self.api("GET", "/session").status_code == 200

    def _kept(self, response: httpx.Response) -> httpx.Response:
        for each in self.browser.cookies.jar:
            each.secure = False  # to browsers, this machine is as safe as TLS
        return response


def with_query(address: str, **changed: str | None) -> str:
    """The address with other parameters; None removes one."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()} | changed
    return urlsplit(address)._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()
