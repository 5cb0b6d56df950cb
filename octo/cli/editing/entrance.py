"""Who may come in: the page of the editor in a browser of this machine, opened with a link that works once.

A link has a token in its fragment, which browsers send to no server and leave out of the `Referer`. The page exchanges
it for a cookie that scripts cannot read, and for a key that it sends as a header. It needs both: browsers send the
cookie to every port of this host, so another server here may see it; the key stays with the pages of this port.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from octo.cli.authoring.refusal import Refused
from octo.cli.editing import codes

KEY = "octo-key"
"""The header with the key of the session."""
MOST_SESSIONS = 32
"""Browsers at a time; the oldest has to open a new link when there are more."""
MOST_LINKS = 8
"""Links that are not used yet, at most; the oldest of more works no longer."""

_SAFE = ("GET", "HEAD")


class Session(NamedTuple):
    """What the page was given. cookie: the whole `Set-Cookie`."""

    cookie: str
    key: str


class Entrance:
    """The rules of one port.

    used: called with the next link after one was used, so that there is always one for another browser.
    """

    def __init__(self, port: int, used: Callable[[str], None] = lambda _: None) -> None:
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        self._base = f"http://127.0.0.1:{port}/"
        self._name = f"octo-edit-{port}"
        self._tokens: deque[str] = deque(maxlen=MOST_LINKS)
        self._sessions: deque[tuple[str, str]] = deque(maxlen=MOST_SESSIONS)
        self._used = used

    def link(self) -> str:
        """The address of the page, with a new token."""
        self._tokens.append(secrets.token_urlsafe(32))
        return f"{self._base}#token={self._tokens[-1]}"

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Refuse what a page of another address has sent, and what came under another name than ours."""
        host = headers.get("host", "").lower()
        if host not in self._hosts:
            raise Refused(codes.FOREIGN, "the Host header names another server", "open the link that octo edit printed")
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}":
            raise Refused(codes.FOREIGN, "a page of another address has sent this")
        site = headers.get("sec-fetch-site", "same-origin")
        if site == "same-origin" or (method in _SAFE and (site == "none" or _opens_page(headers))):
            return
        raise Refused(codes.FOREIGN, "a page of another address has sent this")

    def exchange(self, token: str) -> Session:
        """A session for a token that was not used yet."""
        known = [each for each in self._tokens if _same(each, token)]
        if not known:
            raise Refused(codes.LINK, "this link does not open the editor", "the terminal of octo edit shows a new one")
        self._tokens.remove(known[0])
        secret, key = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._sessions.append((secret, key))
        self._used(self.link())
        return Session(f"{self._name}={secret}; Path=/; HttpOnly; SameSite=Strict", key)

    def admit(self, headers: Mapping[str, str]) -> None:
        """Refuse who has no session."""
        found = re.search(rf"(?:^|;\s*){self._name}=([\w-]+)", headers.get("cookie", ""), re.ASCII)
        secret, key = found[1] if found else "", headers.get(KEY, "")
        if not any(_same(secret, one) & _same(key, other) for one, other in self._sessions):
            raise Refused(codes.LINK, "this page has no session", "open the link that the terminal of octo edit shows")


def _opens_page(headers: Mapping[str, str]) -> bool:
    """Whether somebody follows a link to the page: it holds nothing but the program of the editor."""
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
