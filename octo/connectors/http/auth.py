"""Credentials of requests: HTTP Basic and API keys, compared in a time that tells nothing about them."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import secrets
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote_plus

from octo.connectors.http import cookies, settings, sources
from octo.connectors.http.call import Scope
from octo.connectors.http.request import Rejected

LONGEST = 4096
"""Bytes of a credential that is looked at, at most."""
_SALT = secrets.token_bytes(32)


class Guard:
    """Finds out who sent a request.

    variable: the variable for the name. hidden: the parameter of the query that holds a key.
    """

    def __init__(self, auth: settings.Auth) -> None:
        self.variable = auth.user_var
        self.hidden = auth.query or ""
        self._header = (auth.header or "X-API-Key").lower()
        self._cookie = auth.cookie or ""
        self._known = {name: _digest(secret) for name, secret in auth.secrets.items()}
        self._nobody = _digest(secrets.token_hex())
        scheme = "Basic" if auth.type == "basic" else "Bearer" if self._header == "authorization" else "ApiKey"
        self._challenge = f'{scheme} realm="{auth.realm}"'
        if auth.type == "basic":
            self._challenge += ', charset="UTF-8"'
        self._who: Callable[[Scope], str | None] = self._basic if auth.type == "basic" else self._api_key

    def user(self, scope: Scope) -> str:
        """Return the name of the user or of the key. Raises `Rejected` (401) if the credentials are not valid."""
        found = self._who(scope)
        if found is None:
            raise Rejected(401, "unauthorized", headers=[("www-authenticate", self._challenge)])
        return found

    def shown(self, query: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
        """Return the query without the key."""
        return {name: values for name, values in query.items() if name != self.hidden} if self.hidden else query

    def _basic(self, scope: Scope) -> str | None:
        scheme, _, given = _only(scope.headers.all("authorization")).partition(" ")
        if scheme.lower() != "basic" or len(given) > LONGEST:
            return None
        try:
            pair = b64decode(given.strip(), validate=True)
        except (binascii.Error, ValueError):
            return None
        name, colon, password = _text(pair).partition(":")
        # An unknown user costs the same comparison as a known one.
        is_right = hmac.compare_digest(self._known.get(name, self._nobody), _digest(password))
        return name if is_right and colon and name in self._known else None

    def _api_key(self, scope: Scope) -> str | None:
        given = self._given(scope)
        if not given or len(given) > LONGEST:
            return None
        digest, found = _digest(given), None
        for name, known in self._known.items():  # all of them, whichever fits
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _given(self, scope: Scope) -> str:
        if self.hidden:
            return _only(_parameters(scope.query_string, self.hidden))
        if self._cookie:
            return _only(cookies.read(scope.headers.all("cookie"), self._cookie))
        given = _only(scope.headers.all(self._header)).strip()
        scheme, _, token = given.partition(" ")
        return token.strip() if self._header == "authorization" and scheme.lower() == "bearer" else given


def guard(server: settings.Server, route: sources.Route) -> Guard | None:
    """Return who checks the requests of a route: by its own settings, else by those of the connector."""
    auth = route.auth or server.auth
    return None if auth is None or auth.type == "none" else Guard(auth)


def _only(values: Iterable[str]) -> str:
    """Return the only value. Of several, two servers could choose different ones, so none counts."""
    found = [*values]
    return found[0] if len(found) == 1 else ""


def _parameters(query: str, name: str) -> list[str]:
    pairs = (pair.partition("=") for pair in query.split("&"))
    return [unquote_plus(value) for key, _, value in pairs if unquote_plus(key) == name]


def _digest(secret: str) -> bytes:
    """Return what is compared: of one length for all secrets, and of no use to whoever learns a part of it."""
    return hmac.digest(_SALT, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
