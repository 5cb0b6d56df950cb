"""The cookies of a browser that is signed in."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Literal

from fastapi import Response

from octo_platform.auth.marks import SESSION

SAME_SITE = Literal["strict", "lax"]


class Cookies:
    """Their names and how they are kept. is_secure: whether browsers come by https; then no other host can set them."""

    def __init__(self, *, is_secure: bool) -> None:
        self.is_secure = is_secure
        prefix = "__Host-" if is_secure else ""
        self.session = f"{prefix}octo-session"
        self.renewal = f"{prefix}octo-renewal"
        self._flow = f"{prefix}octo-flow-"

    def flow(self, state: str) -> str:
        """The cookie of a sign-in that is under way; one for each, so that two tabs do not disturb each other."""
        return self._flow + hashlib.sha256(state.encode()).hexdigest()[:16]

    def put(
        self, response: Response, name: str, value: str, kept: timedelta, *, same_site: SAME_SITE = "strict"
    ) -> None:
        """Strict unless said: pages ask with it, and only a way back from a provider comes from elsewhere."""
        seconds = max(0, int(kept.total_seconds()))
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self.is_secure, httponly=True, samesite=same_site
        )

    def sign_in(self, response: Response, session: str, renewal: str, kept: timedelta) -> None:
        """kept: how long the browser stays signed in."""
        self.put(response, self.session, session, SESSION)
        self.put(response, self.renewal, renewal, kept)

    def sign_out(self, response: Response) -> None:
        for name in (self.session, self.renewal):
            self.drop(response, name)

    def drop(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self.is_secure, httponly=True)
