"""The keys of this user, one for each platform: in `~/.octo/credentials`, which nobody else can read."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

USUAL = "http://127.0.0.1:8321"
_MOST_BYTES = 1 << 20
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", re.IGNORECASE)
"""What is on this machine, where nobody listens on the way."""


class Server(NamedTuple):
    """A platform, and the key to show it. url: without a path at its end. key: None to show none."""

    url: str
    key: str | None


def server(named: str | None, environ: Mapping[str, str] = os.environ) -> Server:
    """The platform that is meant: named, else OCTO_PLATFORM_URL, else where one signed in last, else on this machine.

    A key in OCTO_PLATFORM_KEY, or in the file that OCTO_PLATFORM_KEY_FILE names, counts more than the one that is
    stored. Raises `ClickException`.
    """
    stored = read()
    url = origin(named or environ.get("OCTO_PLATFORM_URL") or stored["current"] or USUAL)
    key = environ.get("OCTO_PLATFORM_KEY") or None
    if key is None and (path := environ.get("OCTO_PLATFORM_KEY_FILE")):
        key = key_in(Path(path))
    return Server(url, key or stored["servers"].get(url, {}).get("key"))


def origin(url: str) -> str:
    """A URL as it is stored and compared. Raises click.UsageError."""
    text = url if "://" in url else f"{'http' if _LOOPBACK.match(url) else 'https'}://{url}"
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right or parts.username or parts.query or parts.fragment:
        raise click.UsageError(f"{url[:200]!r} is no address of a platform, such as https://octo.example.com")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def key_in(path: Path) -> str:
    """The key in a file. Raises click.UsageError."""
    try:
        with path.open() as file:
            key = file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {getattr(error, 'strerror', 'it is no text')}") from None
    return checked_key(key, str(path))


def checked_key(key: str, place: str) -> str:
    if not key.startswith("octo_") or not key.isascii() or not key.isprintable() or " " in key:
        raise click.UsageError(f"{place} has no key of a platform: one begins with `octo_`")
    return key


# --- the file ----------------------------------------------------------------------------------------------------


def place() -> Path:
    return Path.home() / ".octo" / "credentials"


def read() -> dict[str, Any]:
    """`current`, a URL or "", and `servers`: URL → `key`. Raises `ClickException` if others could read it."""
    path = place()
    try:
        with path.open() as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise click.ClickException(f"others can read {path}, which has keys in it; type: chmod 600 {path}")
            content = json.loads(file.read(_MOST_BYTES))
    except FileNotFoundError:
        return {"current": "", "servers": {}}
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        content = None
    servers = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(servers, dict) or not all(isinstance(each, dict) for each in servers.values()):
        raise click.ClickException(f"{path} cannot be understood; remove it, and sign in again")
    return {"current": str(content.get("current") or ""), "servers": servers}


def store(url: str, key: str | None) -> None:
    """Store a key, or that none is needed; this is where one has signed in last."""
    content = read()
    content["current"] = url
    content["servers"][url] = {"key": key} if key else {}
    _write(content)


def forget(url: str) -> bool:
    """Forget the key of a platform. Return whether there was one."""
    content = read()
    was = content["servers"].pop(url, None)
    if content["current"] == url:
        content["current"] = next(iter(content["servers"]), "")
    _write(content)
    return was is not None


def _write(content: Mapping[str, object]) -> None:
    """Write it beside and rename it: nobody sees half of it, and a full disk loses nothing."""
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")  # mode 0600
        try:
            with os.fdopen(number, "w") as file:
                json.dump(content, file, indent=2)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
