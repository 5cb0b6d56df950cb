"""The identity provider: where people are sent, and what it is asked afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from octo_platform.auth.oidc import claims as claims_, metadata as metadata_, signed, web
from octo_platform.auth.oidc.metadata import Metadata
from octo_platform.auth.oidc.signed import Claims, Expected
from octo_platform.options import Oidc
from octo_platform.problem import Problem

_FRESH = timedelta(hours=1)
"""How long what the provider says of itself, and its keys, are taken as known."""

_APART = timedelta(seconds=10)
"""The least time between two looks for a key that is not known: anybody can send tokens that name one."""


_REST = timedelta(seconds=5)
"""How long nobody waits for a provider that did not answer a moment ago."""


@dataclass(frozen=True)
class Answer:
    """What the provider says of somebody, and the token with which it is asked again, if it gave one."""

    claims: Claims
    refresh: str | None


class Provider:
    """See the module. redirect: the address of ours to which it sends people back."""

    def __init__(self, options: Oidc, redirect: str, clock: Callable[[], datetime]) -> None:
        if not web.is_safe(options.issuer):
            raise ValueError(f"the issuer {options.issuer!r} must be an address that begins with https://")
        claims_.check(options)
        self.options = options
        self._redirect = redirect
        self._clock = clock
        self._turn = asyncio.Lock()
        self._metadata: tuple[Metadata, datetime] | None = None
        self._failure: tuple[Problem, datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser signs in."""
        metadata = await self._known()
        url, _ = self._client(metadata).create_authorization_url(
            metadata.authorize, state=state, nonce=nonce, code_verifier=verifier, response_type="code"
        )
        return str(url)

    async def goodbye(self, after: str) -> str | None:
        """Where a browser signs out at the provider, too; None if it cannot, or cannot be asked."""
        try:
            metadata = await self._known()
        except Problem:
            return None
        if metadata.end is None:
            return None
        query = urlencode({"client_id": self.options.client_id, "post_logout_redirect_uri": after})
        return f"{metadata.end}{'&' if '?' in metadata.end else '?'}{query}"

    async def check_issuer(self, issuer: str | None) -> None:
        """Refuse a way back that comes from another provider (RFC 9207). Raises `Problem`."""
        metadata = await self._known()
        if issuer is None and not metadata.names_issuer:
            return
        if issuer != metadata.issuer:
            raise Problem("sign-in-failed", "the answer is of another provider")

    async def exchange(self, code: str, verifier: str, nonce: str) -> Answer:
        """Who has signed in. Raises `Problem`."""
        metadata = await self._known()
        async with web.asking(metadata.issuer), self._client(metadata) as client:
            token = await client.fetch_token(metadata.token, code=code, code_verifier=verifier)
        if not isinstance(token.get("id_token"), str):
            raise Problem("sign-in-failed", "the provider did not say who has signed in")
        claims = await self._checked(token["id_token"], metadata)
        signed.check_nonce(claims, nonce)
        signed.subject_of(claims)
        return await self._answer(metadata, claims, token)

    async def again(self, refresh: str, subject: str) -> Answer:
        """What it says of somebody now. Raises `Problem`: `sign-in-failed` if they may not go on."""
        metadata = await self._known()
        async with web.asking(metadata.issuer), self._client(metadata) as client:
            client.token = {}
            client.scope = None  # as much as was given: it may be less than what was asked for
            token = await client.refresh_token(metadata.token, refresh_token=refresh)
        claims: Claims = {"sub": subject}
        if isinstance(token.get("id_token"), str):
            claims = await self._checked(token["id_token"], metadata)
        if signed.subject_of(claims) != subject:
            raise Problem("sign-in-failed", "the provider answered of somebody else")
        return await self._answer(metadata, claims, token)

    async def logout(self, token: str) -> Claims:
        """What a logout token of the provider says. Raises `Problem`."""
        claims = await self._checked(token, await self._known())
        signed.check_logout(claims)
        return claims

    async def _answer(self, metadata: Metadata, claims: Claims, token: Any) -> Answer:
        """With what only the endpoint for it says, if the roles are not in the ID token."""
        access = token.get("access_token")
        if claims_.values_at(claims, self.options.roles_claim) is None and metadata.userinfo and access:
            async with web.asking(metadata.issuer), self._client(metadata) as client:
                headers = {"Authorization": f"Bearer {access}"}
                response = await client.request(
                    "GET", metadata.userinfo, headers=headers, withhold_token=True, auth=None
                )
                response.raise_for_status()
                found = response.json()
            if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
                raise Problem("sign-in-failed", "the provider answered of somebody else")
            claims = {**found, **claims}
        refresh = token.get("refresh_token")
        return Answer(claims, refresh if isinstance(refresh, str) else None)

    async def _checked(self, token: str, metadata: Metadata) -> Claims:
        keys = await self._keys_with(signed.kid_of(token), metadata)
        expected = Expected(metadata, self.options.client_id, self.options.leeway, self._clock())
        return signed.claims_of(token, keys, expected)

    async def _known(self) -> Metadata:
        async with self._turn:
            if self._metadata is None or self._clock() - self._metadata[1] > _FRESH:
                if self._failure and self._clock() - self._failure[1] < _REST:
                    raise Problem(self._failure[0].code, self._failure[0].detail)
                self._metadata = (await self._discovered(), self._clock())
            return self._metadata[0]

    async def _discovered(self) -> Metadata:
        url = self.options.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            async with web.asking(self.options.issuer):
                return metadata_.read(await _json(web.Client(), url), self.options.issuer)
        except Problem as problem:
            self._failure = (problem, self._clock())
            raise

    async def _keys_with(self, kid: str | None, metadata: Metadata) -> KeySet:
        """The keys of the provider; they are read again if the one that is named is not among them."""
        async with self._turn:
            age = self._clock() - self._keys[1] if self._keys else _FRESH
            is_known = self._keys is not None and (kid is None or any(each.kid == kid for each in self._keys[0].keys))
            if self._keys is None or age >= _FRESH or (not is_known and age >= _APART):
                async with web.asking(metadata.issuer):
                    self._keys = (_key_set(await _json(web.Client(), metadata.keys)), self._clock())
            return self._keys[0]

    def _client(self, metadata: Metadata) -> web.Client:
        secret = self.options.client_secret
        return web.Client(
            client_id=self.options.client_id,
            client_secret=secret.get_secret_value() if secret else None,
            token_endpoint_auth_method=metadata.client_auth if secret else "none",
            scope=self.options.scopes,
            redirect_uri=self._redirect,
            code_challenge_method="S256",
        )


def _key_set(found: Any) -> KeySet:
    """The keys that we understand. Raises ValueError if there is none."""
    try:
        return KeySet.import_key_set(found)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError("it has no keys") from error


async def _json(client: web.Client, url: str) -> Any:
    async with client:
        response = await client.request("GET", url, withhold_token=True, auth=None)
        response.raise_for_status()
        return response.json()
