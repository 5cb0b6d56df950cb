"""Access tokens for an MCP server, got as MCP says: the server names its authorization server, the SDK does the rest.

The SDK checks that the metadata is that of the issuer (RFC 8414), and `iss` of the answer to an authorization request
(RFC 9207). With `oauth.issuer` the client's credentials go to that authorization server alone.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from octo.ai.mcp.client.leash import Leash
from octo.ai.mcp.client.settings import OAuth, Server
from octo.core.secrets import mask

SECONDS = 10.0
"""How long the authorization endpoint may take."""


def auth(settings: Server) -> httpx2.Auth | None:
    """What adds tokens to requests, None without `oauth`."""
    if settings.oauth is None:
        return None
    assert settings.url is not None
    how = settings.oauth
    return _of_the_client(settings.url, how) if how.grant == "client-credentials" else _of_a_grant(settings, how)


def _of_the_client(url: str, how: OAuth) -> httpx2.Auth:
    common: dict[str, Any] = {
        "server_url": url,
        "storage": _Memory(),
        "client_id": how.client_id,
        "scope": " ".join(how.scopes) or None,
        "issuer": how.issuer,
    }
    if how.client_secret is not None:
        return ClientCredentialsOAuthProvider(
            **common,
            client_secret=how.client_secret.get_secret_value(),
            token_endpoint_auth_method=f"client_secret_{how.token_method}",  # type: ignore[arg-type]
        )
    assert how.key is not None
    signer = SignedJWTParameters(
        issuer=how.client_id,
        subject=how.client_id,
        signing_key=how.key.get_secret_value(),
        signing_algorithm=how.key_algorithm,
    )
    return PrivateKeyJWTOAuthProvider(**common, assertion_provider=signer.create_assertion_provider())


def _of_a_grant(settings: Server, how: OAuth) -> httpx2.Auth:
    assert settings.url is not None
    errand = _Errand(how.redirect_uri, Leash(settings))
    metadata = OAuthClientMetadata(
        client_name="octo",
        redirect_uris=[AnyUrl(how.redirect_uri)],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=" ".join(how.scopes) or None,
    )
    return OAuthClientProvider(
        settings.url,
        metadata,
        _Memory(_known(how)),
        errand.go,
        errand.outcome,
        client_metadata_url=how.client_metadata_url or None,
    )


def _known(how: OAuth) -> OAuthClientInformationFull | None:
    """The client as the authorization server knows it, None if it has to register."""
    if not how.client_id:
        return None
    secret = None if how.client_secret is None else how.client_secret.get_secret_value()
    return OAuthClientInformationFull(
        client_id=how.client_id,
        client_secret=secret,
        redirect_uris=[AnyUrl(how.redirect_uri)],
        token_endpoint_auth_method="none" if secret is None else f"client_secret_{how.token_method}",
        issuer=how.issuer or None,
    )


class _Memory:
    """Keeps tokens for as long as the connector is open. They are masked in logs and traces."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self._client = client
        self._tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        for each in (tokens.access_token, tokens.refresh_token):
            if each:
                mask(each)
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        if client_info.client_secret:
            mask(client_info.client_secret)
        self._client = client_info


class _Errand:
    """Goes to the authorization endpoint, and takes what it is sent back with."""

    def __init__(self, redirect: str, leash: Leash) -> None:
        self._redirect = redirect
        self._leash = leash
        self._outcome: AuthorizationCodeResult | None = None

    async def go(self, address: str) -> None:
        self._outcome = None
        async with httpx2.AsyncClient(timeout=SECONDS, event_hooks={"request": [self._leash.check]}) as client:
            response = await client.get(address)
        back = response.headers.get("location", "")
        if not response.is_redirect or back.partition("?")[0] != self._redirect:
            raise OAuthFlowError(
                "the authorization server asks a person, and none is there: use `grant: client-credentials`, or a "
                "`token` that was made for this client"
            )
        answer = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        if "error" in answer:
            raise OAuthFlowError(f"the authorization server refused: {answer['error'][:200]}")
        self._outcome = AuthorizationCodeResult(
            code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
        )

    async def outcome(self) -> AuthorizationCodeResult:
        if self._outcome is None:
            raise OAuthFlowError("the authorization server gave no answer")
        return self._outcome
