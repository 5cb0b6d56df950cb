"""JSON Web Tokens: whether one is of an issuer that is trusted, and what it says of its bearer."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from octo.core.errors import Explanation, Permanent, Transient, system_reason

NO_KEYS = "OCTO-X105"
BAD_KEY = "OCTO-X106"

EXPLANATIONS: dict[str, Explanation] = {
    NO_KEYS: Explanation(
        "The keys that tokens are checked with are not there",
        "The server that issues tokens did not give its keys (a JWKS document), so no token can be checked, and none "
        "is accepted. The text says what came instead. Check `issuer` or `jwksUrl`, and whether that server runs; Octo "
        "asks again with the next token.",
    ),
    BAD_KEY: Explanation(
        "A public key cannot be read",
        "`publicKey` is the text of a PEM file, which begins with `-----BEGIN PUBLIC KEY-----`. It is the key that "
        "tokens are checked with, never the private one that they are signed with.",
    ),
}

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key alone: who can check a token must not be able to make one."""
LONGEST = 16_384
"""Characters of a token that is looked at."""
_MOST_KEYS = 1 << 20
"""Bytes of a document with keys."""
_PATIENCE = 10.0
_FRESH, _AGAIN = 600.0, 30.0
"""Seconds for which keys are kept, and for which none are asked for again because a token names another one."""
_LEEWAY = 30.0
"""Seconds by which the clock of the issuer may be wrong."""
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The token is not accepted. Its text is for the log: the bearer learns only that."""


class Trust(NamedTuple):
    """What a token must be. audience: for whom it was made; "" is not checked, and so is an issuer of ""."""

    issuer: str = ""
    audience: str = ""
    algorithms: tuple[str, ...] = ALGORITHMS


class Fixed:
    """One public key, as the text of a PEM file. Raises `Permanent` if it cannot be read."""

    def __init__(self, pem: str) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            self._key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise Permanent("the public key is no key in PEM", code=BAD_KEY) from None

    async def key(self, kid: str) -> Any:  # noqa: ARG002  there is but one
        return self._key


class Fetched:
    """The keys that an issuer gives, at their address or where its own description says. They are kept for a while.

    One request is under way at a time, in a thread of its own: whoever sends tokens must not keep all threads busy.
    """

    def __init__(self, url: str, *, is_issuer: bool = False) -> None:
        self._url = url
        self._is_issuer = is_issuer
        self._keys: dict[str, Any] = {}
        self._at = -_FRESH
        self._failed: tuple[float, Transient] | None = None
        self._thread = ThreadPoolExecutor(1, "octo-keys")

    async def key(self, kid: str) -> Any:
        """Return the key of this name; the only one if the token names none. Raises `Refused` and `Transient`."""
        found = self._known(kid)
        age = time.monotonic() - self._at
        if age > _FRESH or (found is None and age > _AGAIN):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, time.monotonic())
            found = self._known(kid)
        if found is None:
            raise Refused("it is signed with a key that the issuer does not have")
        return found

    def _known(self, kid: str) -> Any:
        if not kid and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _fetch(self, wanted: float) -> None:
        """Ask the issuer, unless it has answered another token, or failed it, since this one wanted the keys."""
        if time.monotonic() - self._at < 1:
            return
        if self._failed is not None and self._failed[0] >= wanted:
            raise Transient(str(self._failed[1]), code=NO_KEYS)
        try:
            self._keys = self._asked()
        except Transient as error:
            self._failed = time.monotonic(), error
            raise
        self._at = time.monotonic()

    def _asked(self) -> dict[str, Any]:
        url = self._url
        if self._is_issuer:
            url = str(_document(f"{url.rstrip('/')}/.well-known/openid-configuration").get("jwks_uri") or "")
        return dict(_keys(_document(url)))


Keys = Fixed | Fetched


async def claims(token: str, keys: Keys, trust: Trust) -> dict[str, Any]:
    """Return what the token says of its bearer.

    Raises `Refused` if it is not accepted, and `Transient` if there are no keys to check it with.
    """
    if len(token) > LONGEST:
        raise Refused("it is too long")
    jwt: Any = sys.modules.get("jwt") or await asyncio.to_thread(import_module, "jwt")
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in trust.algorithms:
            raise Refused("it is signed in a way that is not accepted")
        key = await keys.key(str(header.get("kid") or ""))
        said: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(trust.algorithms),
            audience=trust.audience or None,
            issuer=trust.issuer or None,
            leeway=_LEEWAY,
            options={"require": ["exp"], "verify_aud": bool(trust.audience)},
        )
        return said  # noqa: TRY300  the happy path reads better here
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from None


def bearer(header: str) -> str:
    """Return the token in a header `Authorization`, "" if there is none."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else "" if token else scheme


def challenge(resource_metadata: str = "", *, is_invalid: bool = False) -> str:
    """Return what a refusal says under `WWW-Authenticate`."""
    parts = ['error="invalid_token"'] * is_invalid
    parts += [f'resource_metadata="{resource_metadata}"'] * bool(resource_metadata)
    return f"Bearer {', '.join(parts)}".rstrip()


def is_safe(url: str) -> bool:
    """Whether what comes from there cannot be changed on its way: https, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nobody: where it leads to may not be safe."""

    def redirect_request(self, *_: Any) -> None:
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Stay)


def _document(url: str) -> Mapping[str, Any]:
    if not is_safe(url):
        raise Transient(f"the keys of the issuer are at {url!r}, which is not https", code=NO_KEYS)
    try:
        with _opener().open(url, timeout=_PATIENCE) as response:
            found = json.loads(response.read(_MOST_KEYS))
    except urllib.error.HTTPError as error:
        with error:
            raise Transient(f"the keys of the issuer: {url} answered {error.code}", code=NO_KEYS) from None
    except OSError as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        text = system_reason(reason) if isinstance(reason, OSError) else str(reason)
        raise Transient(f"the keys of the issuer: {url}: {text}", code=NO_KEYS) from None
    except (ValueError, RecursionError):
        raise Transient(f"the keys of the issuer: {url} is no JSON", code=NO_KEYS) from None
    return found if isinstance(found, dict) else {}


def _keys(document: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The keys for signatures by a private key; what is none of them is left out."""
    import jwt

    every = document.get("keys")
    for each in every[:100] if isinstance(every, list) else []:
        try:
            key = jwt.PyJWK.from_dict(each)
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, KeyError):
            continue
        if key.key_type != "oct" and each.get("use", "sig") == "sig":
            yield str(each.get("kid") or ""), key.key
