"""Where the data plane is, and the token that opens what a deployment keeps there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from octo.core.errors import Permanent, system_reason
from octo.core.secrets import mask
from octo.services import codes
from octo.services.urls import refused

URL = "OCTO_DATA_URL"
TOKEN_FILE = "OCTO_DATA_TOKEN_FILE"  # noqa: S105  the name of a variable


@dataclass(frozen=True)
class Address:
    """url: with scheme, host and port. connect: seconds to open a connection."""

    url: str
    token: str = field(repr=False)
    connect: float = 5.0

    @property
    def where(self) -> str:
        """Names the server in messages."""
        return f"the platform at {urlsplit(self.url).netloc}"


def found(environ: Mapping[str, str]) -> Address:
    """The address that the platform has given; its token is masked from now on. Raises `Permanent`."""
    url, file = environ.get(URL, ""), environ.get(TOKEN_FILE, "")
    if not url or not file:
        raise refused(
            f"`platform:` is for what the platform has deployed: it gives its deployments {URL} and {TOKEN_FILE}"
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise refused(f"{URL} is no address, such as http://127.0.0.1:8322")
    return Address(url.rstrip("/"), _token(file))


def _token(file: str) -> str:
    try:
        token = Path(file).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else "it is no token"
        raise Permanent(f"{TOKEN_FILE}: {file[:200]!r} cannot be read: {reason}", code=codes.UNREADABLE) from None
    if not token or not token.isprintable():
        raise Permanent(f"{TOKEN_FILE}: {file[:200]!r} has no token", code=codes.UNREADABLE)
    mask(token)
    return token
