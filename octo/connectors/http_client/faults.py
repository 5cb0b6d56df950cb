"""What an error of aiohttp means: one of Octo's that names the cause."""

from __future__ import annotations

import aiohttp
from aiohttp.http import HttpProcessingError

from octo.connectors.http_client import codes
from octo.connectors.http_client.proxies import Proxy
from octo.connectors.http_client.request import Request, broken, cannot_connect, failed, too_slow
from octo.core.errors import OctoError, system_reason

LONGEST_HEADER = 1 << 16
"""Bytes of a line in the head of an answer."""
MOST_HEADERS = 256


def fault(error: Exception, request: Request, timeout: float, proxy: Proxy | None = None) -> OctoError:  # noqa: PLR0911  one per cause
    """Return the error for one of aiohttp's. It shows nothing of what the server sent."""
    match error:
        case TimeoutError():
            return too_slow(request, timeout)
        case aiohttp.ClientConnectorCertificateError():
            return failed(request, error.certificate_error, codes.TLS)
        case aiohttp.ClientProxyConnectionError() if proxy is not None:
            return cannot_connect(request, f"{system_reason(error.os_error)} (the proxy {proxy.place})")
        case aiohttp.ClientHttpProxyError() if proxy is not None:
            return _refused(error.status, request, proxy)
        case aiohttp.ClientConnectorError():
            return cannot_connect(request, system_reason(error.os_error))
        case aiohttp.InvalidURL() | UnicodeError():
            return failed(request, "its host is neither a name nor an address")
        case aiohttp.ClientResponseError() | HttpProcessingError():
            return _unreadable(error.message, request)
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            return broken(request)
    return failed(request, type(error).__name__)


def _refused(status: int, request: Request, proxy: Proxy) -> OctoError:
    what = f"the proxy {proxy.place} answered {status} to the request for a tunnel"
    if status >= 500 or status == 429:
        return cannot_connect(request, what)  # nothing has been sent to the server
    return failed(request, f"{what}; it wants other credentials" if status == 407 else what, codes.PROXY)


def _unreadable(message: str, request: Request) -> OctoError:
    reason = _reason(message)
    # A broken chunk is half an answer: what wrote the others has gone.
    return broken(request, reason) if "chunk" in reason.lower() else failed(request, reason)


def _reason(message: str) -> str:
    """Return what the reader says of an answer, without the bytes that it shows, which may be secret."""
    if message.startswith("Got more than"):
        return f"a header of the answer is longer than {LONGEST_HEADER} bytes"
    if message.startswith("Too many headers"):
        return f"the answer has more than {MOST_HEADERS} headers"
    head = " ".join(line.strip() for line in message.partition("\n\n")[0].splitlines())
    said = head.partition(" b'")[0].rstrip(":")
    return f"the answer is not valid HTTP: {said}"[:200]
