"""The request composer: sends a request to the flows that run here, and to nothing else."""

from __future__ import annotations

import http.client
import secrets
import ssl
import time
from base64 import b64encode
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.running import received

MOST_BODY = 4 << 20
"""Bytes of a response that are shown."""
TRACE = "traceparent"
_OURS = {"host", "content-length", "connection", "transfer-encoding"}
"""Headers that are decided here."""


class Reply(NamedTuple):
    """What came back. text: None for what is none; then `data` has it in base64. trace: the id of the trace it made."""

    status: int
    headers: list[tuple[str, str]]
    text: str | None
    data: str | None
    isWhole: bool  # noqa: N815  as pages read it
    milliseconds: int
    trace: str


def send(
    url: str, served: Collection[str], method: str, headers: Mapping[str, str], body: str, timeout: float
) -> Reply:
    """Send a request. url: absolute, at the address of one of those that are served. Raises `Refused`."""
    asked = urlsplit(url)
    if (asked.scheme, asked.netloc) not in {urlsplit(each)[:2] for each in served}:
        listed = ", ".join(sorted({"://".join(urlsplit(each)[:2]) for each in served})) or "none"
        raise Refused(codes.MISSING, f"nothing that runs here listens at {url[:200]!r}", f"servers: {listed}")
    given = {name.lower(): value for name, value in headers.items() if name.lower() not in _OURS}
    given.setdefault(TRACE, f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")
    connection = _connection(asked.scheme, asked.hostname or "", asked.port, timeout)
    began = time.monotonic()
    try:
        path = f"{asked.path or '/'}{f'?{asked.query}' if asked.query else ''}"
        connection.request(method, path, body.encode() if body else None, given)
        response = connection.getresponse()
        content, is_whole = received(response, connection, began + timeout, MOST_BODY)
    except (ValueError, http.client.InvalidURL) as error:
        raise Refused(codes.ARGUMENT, f"it is no request: {error}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Refused(codes.LATE, f"no response: {type(error).__name__}: {error}", "the log may say why") from None
    finally:
        connection.close()
    took = round((time.monotonic() - began) * 1000)
    text = _text(content)
    data = None if text is not None else b64encode(content).decode()
    trace = given[TRACE].split("-")[1] if given[TRACE].count("-") == 3 else ""
    return Reply(response.status, response.getheaders(), text, data, is_whole, took, trace)


def _connection(scheme: str, host: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    host = "127.0.0.1" if host in ("0.0.0.0", "localhost") else host  # noqa: S104  where a server of every address is
    if scheme == "https":
        trusting = ssl.create_default_context()  # it is our own server, whoever has signed its certificate
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=trusting)
    return http.client.HTTPConnection(host, port, timeout=timeout)


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
