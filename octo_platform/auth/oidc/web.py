"""How the identity provider is asked: with a limit for time and for size, and a clear problem if it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

from octo_platform.problem import Problem

TIME = 10.0
LARGEST = 512 * 1024
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class TooLarge(httpx2.HTTPError):
    """An answer that no provider gives."""


class Client(AsyncOAuth2Client):  # type: ignore[misc]  # authlib has no types
    """Asks as the client that the provider knows. Answers are read only as far as they may go."""

    async def send(self, request: httpx2.Request, **extra: Any) -> httpx2.Response:
        extra["stream"] = True
        response = await super().send(request, **extra)
        try:
            body = bytearray()
            async for part in response.aiter_bytes(65_536):
                body += part
                if len(body) > LARGEST:
                    raise TooLarge(f"{request.url} answered more than {LARGEST:,} bytes")
        finally:
            await response.aclose()
        kept = {name: value for name, value in response.headers.items() if name == "content-type"}
        return httpx2.Response(response.status_code, headers=kept, content=bytes(body), request=request)


@asynccontextmanager
async def asking(issuer: str) -> AsyncIterator[None]:
    """Ask the provider. What it refuses is `sign-in-failed`; if it does not answer, `provider-unavailable`."""
    try:
        async with asyncio.timeout(TIME):
            yield
    except OAuthError as error:
        raise Problem("sign-in-failed", f"the provider said {str(error.error)[:100]!r}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, TypeError, AttributeError) as error:
        # The last three: JSON of another form than the one that is read out of it.
        name = urlsplit(issuer).netloc
        raise Problem("provider-unavailable", f"{name} did not answer as a provider does") from error


def is_safe(url: object) -> bool:
    """Whether secrets may go to an address: by TLS, or to this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or parts.fragment or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
