"""A server at a URL: an HTTP client whose failures end one request.

The SDK ends a session, with every call that is under way, when one connection breaks. Here such a failure becomes the
answer to its own request, with a mark by which `Failures` finds the error again.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from typing import Any

import httpx2
from mcp.client.auth import OAuthFlowError
from mcp.shared.exceptions import MCPError

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.leash import Leash
from octo.ai.mcp.client.oauth import auth
from octo.ai.mcp.client.settings import Server
from octo.core import clock, codec
from octo.core.dates import pause_of
from octo.core.errors import Disconnected, OctoError, Permanent, Transient
from octo.core.tls import reason

CONNECT = 10.0
"""Seconds to open a connection."""
IDLE = 3600.0
"""Seconds without a byte after which a call that nobody waits for any more is given up."""
MOST_KEPT = 1_000
_STREAMS = "subscriptions/listen"


class Failures:
    """The errors behind answers that the client has made up itself."""

    def __init__(self) -> None:
        self._errors: OrderedDict[str, OctoError] = OrderedDict()

    def answer(self, request: httpx2.Request, error: OctoError, status: int = 503) -> httpx2.Response:
        """An answer that stands for the error."""
        mark = secrets.token_hex(16)
        self._errors[mark] = error
        if len(self._errors) > MOST_KEPT:
            self._errors.popitem(last=False)
        failure = {"code": -32000, "message": str(error), "data": mark}
        body = codec.write({"jsonrpc": "2.0", "id": None, "error": failure})
        return httpx2.Response(status, headers={"content-type": "application/json"}, content=body, request=request)

    def behind(self, error: MCPError) -> OctoError | None:
        """The error that an answer stood for, None if the server gave the answer."""
        return self._errors.pop(error.data, None) if isinstance(error.data, str) else None


class Client(httpx2.AsyncClient):
    """Sends what the SDK wants to send."""

    def __init__(self, settings: Server, failures: Failures, most: int) -> None:
        headers = dict(settings.headers)
        if settings.token is not None:
            headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
        super().__init__(
            headers=headers,
            auth=auth(settings),
            verify=True if settings.tls is None else settings.tls.context(),
            proxy=settings.proxy,
            event_hooks={"request": [Leash(settings).check]} if settings.oauth is not None else None,
            timeout=httpx2.Timeout(CONNECT, read=max(IDLE, settings.patience), pool=None),
        )
        self._failures = failures
        self._place = settings.place
        self._most = most

    async def send(self, request: httpx2.Request, **more: Any) -> httpx2.Response:
        """Send the request. What fails is answered, never raised."""
        if request.method == "GET" or request.headers.get("mcp-method") == _STREAMS:
            request.extensions = {**request.extensions, "timeout": {**request.extensions["timeout"], "read": None}}
        try:
            response = await super().send(request, **more)
            if response.status_code >= 400 or _is_json(response):
                return await self._whole(request, response)
        except OAuthFlowError as error:
            text = f"{self._place}: no access token: {error}"
            return self._failures.answer(request, Permanent(text, code=codes.REFUSED), 403)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            text = f"{self._place}: {_reason(error)}"
            return self._failures.answer(request, Disconnected(text, code=codes.UNREACHABLE))
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:  # the server is there, so others may go on
            text = f"{self._place}: {_reason(error)}"
            return self._failures.answer(request, Transient(text, code=codes.UNREACHABLE))
        except OctoError as error:
            return self._failures.answer(request, error)
        return response

    async def _whole(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """The answer, read to its end. Raises the error that its status stands for, unless the server explains it."""
        data = bytearray()
        try:
            async for piece in response.aiter_bytes():
                data += piece
                if len(data) > self._most:
                    text = f"{self._place}: an answer with more than {self._most} bytes"
                    raise Permanent(text, code=codes.TOO_LARGE)
        finally:
            await response.aclose()
        status = response.status_code
        if _SESSION in request.headers and _is_over(status, bytes(data)):
            raise Disconnected(f"{self._place} does not know the session any more", code=codes.UNREACHABLE)
        if status >= 400 and (error := self._error(response)) is not None and not _explains(bytes(data)):
            raise error
        kept = {name: value for name, value in response.headers.items() if name not in _OF_THE_BODY}
        return httpx2.Response(status, headers=kept, content=bytes(data), request=request)

    def _error(self, response: httpx2.Response) -> OctoError | None:
        status = response.status_code
        text = f"{self._place} answered {status}"
        if status in (401, 403):
            return Permanent(f"{text}: it refuses the credentials", code=codes.REFUSED, status=status)
        if status == 429 or status >= 500:
            passing = Transient(text, code=codes.NOT_NOW, status=status)
            passing.retry_after = pause_of(response.headers.get("retry-after", ""), clock.now().timestamp())
            return passing
        return None


_SESSION = "mcp-session-id"
_NO_SESSION = re.compile(
    rb"(valid|unknown|expired) session|session.{0,20}(not found|expired|unknown|invalid)|not initialized", re.IGNORECASE
)
_OF_THE_BODY = frozenset(("content-encoding", "content-length", "transfer-encoding"))


def _is_json(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").lower().startswith("application/json")


def _is_over(status: int, data: bytes) -> bool:
    """Whether a server says that it does not know the session: many do so with another status than 404."""
    return status == 404 or (status == 400 and _NO_SESSION.search(data) is not None)


def _explains(data: bytes) -> bool:
    """Whether this is an error of JSON-RPC."""
    try:
        found = codec.read(data)
    except codec.NotJson:
        return False
    return isinstance(found, dict) and isinstance(found.get("error"), dict)


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx2.ConnectTimeout):
        return f"no connection within {CONNECT:g}s"
    found: BaseException = error
    cause: BaseException | None = error
    while cause is not None:
        found = cause if isinstance(cause, OSError) else found
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__
    return reason(found)
