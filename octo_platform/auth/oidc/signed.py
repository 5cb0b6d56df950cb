"""Tokens that the provider has signed, and whether they are for us, from it, and of now."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from octo_platform.auth.oidc.metadata import SAFE, Metadata
from octo_platform.problem import Problem

Claims = dict[str, Any]
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"

_LONGEST = 64 * 1024
_MOST_TRIED = 10
_LAST = 1e12
_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


@dataclass(frozen=True)
class Expected:
    """What a token must fit. leeway: seconds by which the clocks may differ."""

    metadata: Metadata
    client_id: str
    leeway: int
    at: datetime


def kid_of(token: str) -> str | None:
    """Which key a token says that it was signed with. Raises `Problem`."""
    if len(token) > _LONGEST:
        raise _wrong("it is too large")
    try:
        kid = jws.extract_compact(token.encode(), registry=_registry(SAFE)).headers().get("kid")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _wrong("it cannot be read") from error
    return kid if isinstance(kid, str) else None


def claims_of(token: str, keys: KeySet, expected: Expected) -> Claims:
    """What a token says, once its signature, issuer, audience and times are right. Raises `Problem`."""
    claims = _opened(token, keys, expected.metadata.algorithms)
    if claims.get("iss") != expected.metadata.issuer:
        raise _wrong("it is of another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise _wrong("it is for somebody else")
    authorized = claims.get("azp")
    if (len(audiences) > 1 or authorized is not None) and authorized != expected.client_id:
        raise _wrong("it was given to somebody else")
    _check_times(claims, expected)
    return claims


def check_nonce(claims: Claims, nonce: str) -> None:
    """Refuse an ID token that answers another sign-in. Raises `Problem`."""
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise _wrong("it belongs to another sign-in")


def subject_of(claims: Claims) -> str:
    """Raises `Problem` if there is none."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or "\0" in subject:
        raise _wrong("it does not say who it is about")
    return subject


def check_logout(claims: Claims) -> None:
    """Refuse what is no logout token: most of all an ID token, which has the same signature. Raises `Problem`."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT), dict) or "nonce" in claims:
        raise _wrong("it is no logout token")
    if not isinstance(claims.get("jti"), str) or not (claims.get("sid") or claims.get("sub")):
        raise _wrong("it does not say which login ends")


def _check_times(claims: Claims, expected: Expected) -> None:
    now = expected.at.timestamp()
    expires, issued, begins = (_number(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None:
        raise _wrong("it does not say when it was made and how long it counts")
    if now >= expires + expected.leeway:
        raise _wrong("it has expired; the clock of the provider or of this machine may be wrong")
    if issued > now + expected.leeway or (begins is not None and begins > now + expected.leeway):
        raise _wrong("it was made in the future; the clock of the provider or of this machine may be wrong")


def _number(value: object) -> float | None:
    """A time; None for what is none, such as a whole number that no float holds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < _LAST:
        return None
    return float(value)


def _opened(token: str, keys: KeySet, algorithms: frozenset[str]) -> Claims:
    registry = _registry(algorithms)
    try:
        header = jws.extract_compact(token.encode(), registry=registry).headers()
        if header.get("alg") not in algorithms:
            raise _wrong(f"it is signed in a way that is not taken: {str(header.get('alg'))[:20]!r}")
        for key in _candidates(keys, header["alg"], header.get("kid")):
            try:
                return dict(jwt.decode(token, key, registry=registry).claims)
            except JoseError:
                continue
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _wrong("it cannot be read") from error
    raise _wrong("it was not signed by the provider")


def _registry(algorithms: frozenset[str]) -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=sorted(algorithms), strict_check_header=False)
    registry.max_header_length = 8192  # some providers send their certificates in it
    return registry


def _candidates(keys: KeySet, algorithm: str, kid: object) -> Sequence[Key]:
    fitting = [
        each
        for each in keys.keys
        if each.key_type == _KINDS[algorithm[:2]]
        and each.get("use") in (None, "sig")
        and (kid is None or each.kid == kid)
    ]
    return fitting[:_MOST_TRIED]


def _wrong(why: str) -> Problem:
    return Problem("sign-in-failed", f"the provider's token does not fit: {why}")
