"""A sign-in that is under way: what binds the way back from the provider to the browser that was sent there."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from octo_platform.problem import Problem
from octo_platform.storage.sealing import Keyring, Unsealable

LONGEST = timedelta(minutes=10)
_PLACE = "oidc-flow"
_LONGEST_PATH = 500


@dataclass(frozen=True)
class Flow:
    """state and nonce: what the way back and the ID token must repeat. verifier: of PKCE. until: as a timestamp."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    until: float


def begun(return_to: str, at: datetime) -> Flow:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(state, nonce, verifier, safe_path(return_to), (at + LONGEST).timestamp())


def sealed(flow: Flow, keyring: Keyring) -> str:
    """The value of its cookie: nobody can read or change it."""
    return urlsafe_b64encode(keyring.seal(_PLACE, json.dumps(asdict(flow)).encode()).encode()).decode().rstrip("=")


def opened(cookie: str | None, state: str, keyring: Keyring, at: datetime) -> Flow:
    """The sign-in that a way back belongs to. Raises `Problem`."""
    if not cookie or not state:
        raise Problem("sign-in-failed", "this browser has not begun this sign-in, or has finished it; sign in again")
    try:
        raw = urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4)).decode()
        flow = Flow(**json.loads(keyring.open(_PLACE, raw)))
    except (ValueError, TypeError, Unsealable):
        raise Problem("sign-in-failed", "this browser has not begun this sign-in; sign in again") from None
    if not hmac.compare_digest(flow.state.encode(), state.encode()):
        raise Problem("sign-in-failed", "this browser has not begun this sign-in; sign in again")
    if at.timestamp() >= flow.until:
        raise Problem("expired", "the sign-in took too long; sign in again")
    return flow


def safe_path(path: str) -> str:
    """A path of this platform. Raises `Problem` for what a browser could take for another site."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    if not is_path or "\\" in path or not path.isascii() or not path.isprintable() or len(path) > _LONGEST_PATH:
        raise Problem("invalid", "`return_to` is a path of this platform, e.g. `/integrations`")
    if any(urlsplit(path)[:2]):
        raise Problem("invalid", "`return_to` is a path of this platform")
    return path
