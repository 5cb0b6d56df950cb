"""Credentials: the values of the Authorization header, and where they come from."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode

from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.reply import Reply, failure
from octo.connectors.http_client.request import Request
from octo.core import codec
from octo.core.errors import Permanent
from octo.core.secrets import MASKED, masked

EARLY = 30.0
"""Seconds before its expiry at which a token is replaced: it must still be valid when the request arrives."""

SHORTEST = 6
Send = Callable[[Request], Awaitable[Reply]]


class Credentials(Protocol):
    """The value of Authorization."""

    async def header(self) -> str: ...

    def refused(self, header: str) -> bool:
        """Note that the server answered 401 to this value. Return whether `header` may now return another one."""
        ...

    def hide(self, text: str) -> str:
        """Return the text without the credentials."""
        ...


class _Hiding:
    """Keeps the credentials out of texts: a server may quote the request that it refuses."""

    _header = ""

    def hide(self, text: str) -> str:
        secret = self._header.partition(" ")[2]
        # A text shorter than any real secret would only be masked in words that have nothing to do with it.
        return masked(text.replace(secret, MASKED) if len(secret) >= SHORTEST else text)


class Fixed(_Hiding):
    """Credentials that never change."""

    def __init__(self, header: str) -> None:
        self._header = header

    async def header(self) -> str:
        return self._header

    def refused(self, header: str) -> bool:  # noqa: ARG002  part of the protocol
        return False


class ClientCredentials(_Hiding):
    """OAuth2 tokens by the client credentials grant. Invariant: at most one fetch runs, however many requests wait."""

    def __init__(self, auth: settings.Auth, send: Send) -> None:
        assert auth.token_url is not None
        self._request = Request("POST", URL(auth.token_url), _token_headers(auth), _form(auth))
        self._send = send
        self._header = ""
        self._ends = 0.0
        self._fetching = asyncio.Lock()
        self.clock = asyncio.get_running_loop().time

    async def header(self) -> str:
        if not self._is_good():
            async with self._fetching:
                if not self._is_good():  # another request may have fetched one while this one waited
                    await self._fetch()
        return self._header

    def refused(self, header: str) -> bool:
        if header == self._header:
            self._ends = 0.0
        return True

    def _is_good(self) -> bool:
        return self.clock() < self._ends - EARLY

    async def _fetch(self) -> None:
        reply = await self._send(self._request)
        if reply.status != 200:
            raise failure(reply, f"token request to {self._request.target}", {}, hide=self.hide, code=codes.TOKEN)
        token, seconds = _token(reply, self._request.target)
        self._header = f"Bearer {token}"
        # Without `expires_in`, a token is used until the server refuses it.
        self._ends = self.clock() + (seconds if seconds is not None else float("inf"))


def _token_headers(auth: settings.Auth) -> dict[str, str]:
    assert auth.client_id is not None
    assert auth.client_secret is not None
    # RFC 6749 2.3.1: both are form-encoded before they are joined.
    basic = _basic(quote_plus(auth.client_id), quote_plus(auth.client_secret.get_secret_value()))
    return {
        "Authorization": basic,
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }


def _form(auth: settings.Auth) -> bytes:
    form = {"grant_type": "client_credentials"}
    if auth.scopes:
        form["scope"] = " ".join(auth.scopes)
    return urlencode(form).encode()


def _token(reply: Reply, target: str) -> tuple[str, float | None]:
    try:
        answer: Any = codec.body(bytes(reply.data))
        token, seconds = answer["access_token"], answer.get("expires_in")
        if isinstance(token, str) and token and settings.is_value(token):
            return token, None if seconds is None else _number(seconds)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise Permanent(f"the answer of {target} holds no usable `access_token`", code=codes.TOKEN)


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a number of hundreds of digits
        return float("inf")


def _basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def credentials(auth: settings.Auth, send: Send) -> Credentials | None:
    """Return the credentials that the connector's settings ask for, None if they ask for none."""
    match auth.type:
        case "bearer":
            assert auth.token is not None
            return Fixed(f"Bearer {auth.token.get_secret_value()}")
        case "basic":
            password = auth.password.get_secret_value() if auth.password else ""
            return Fixed(_basic(auth.username or "", password))
        case "oauth2":
            return ClientCredentials(auth, send)
    return None
