"""Whether a write that a browser sends comes from a page of this platform."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from octo_platform.problem import Problem

_PORTS = {"http": 80, "https": 443}
_READS = ("GET", "HEAD", "OPTIONS")


def check(method: str, headers: Mapping[str, str], url: str, *, by_cookie: bool) -> None:
    """Refuse what another site lets a browser send. Raises `Problem`.

    url: where browsers reach the platform. by_cookie: whether the request counts only for its cookie; then it must show
    that it comes from here, which every browser does. Without a cookie, a program that shows nothing is let through.
    """
    if method in _READS:
        return
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_ours = origin is not None and _is_ours(origin, headers.get("host", ""), url)
    if origin is not None and not is_ours:
        raise Problem("cross-site")
    if site is not None and site != "same-origin" and not (site == "none" and is_ours):
        raise Problem("cross-site")
    if by_cookie and origin is None and site is None:
        raise Problem("cross-site", "a write with a cookie needs the header `Origin` or `Sec-Fetch-Site`")


def of(url: str) -> str:
    """The origin of a URL as browsers write it; "" if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")


def _is_ours(origin: str, host: str, url: str) -> bool:
    """Invariant: the guard has let in only hosts that are names of this platform."""
    given = of(origin)
    if not given:
        return False
    schemes = ("https",) if url.startswith("https:") else ("http", "https")
    return given == of(url) or given in {of(f"{scheme}://{host}") for scheme in schemes}
