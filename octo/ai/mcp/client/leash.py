"""Where a server may lead its clients: one at a public address never into a private network.

With `oauth` the server names further addresses to ask: those of its metadata and of its authorization server.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import httpx2

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.settings import Server
from octo.core.errors import Permanent


class Leash:
    """Checks each request that is sent for a server with `oauth`."""

    def __init__(self, settings: Server) -> None:
        assert settings.url is not None
        assert settings.oauth is not None
        self._own = httpx2.URL(settings.url)
        self._known = {self._own.host, httpx2.URL(settings.oauth.issuer or settings.url).host}
        self._is_proxied = settings.proxy is not None  # then names mean what they mean to the proxy

    async def check(self, request: httpx2.Request) -> None:
        """Raise `Permanent` if the request must not be sent."""
        if request.url.host in self._known or self._is_proxied:
            return
        if await _is_private(request.url) and not await _is_private(self._own):
            text = f"the server leads to {request.url.host}, which is an address of a private network"
            raise Permanent(text, code=codes.REFUSED)


async def _is_private(url: httpx2.URL) -> bool:
    """Whether an address that the name means is not public. A name without an address is none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    return any(not (getattr(each, "ipv4_mapped", None) or each).is_global for each in addresses)
