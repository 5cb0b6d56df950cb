"""How a client presents itself: addresses without credentials, credentials, and certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from octo.connectors.nats.faults import text_of
from octo.connectors.nats.settings import Server
from octo.core.errors import Permanent
from octo.core.secrets import mask


def addresses(settings: Server) -> tuple[list[str], dict[str, Any]]:
    """The servers without credentials, and the credentials of the first that has some."""
    servers: list[str] = []
    login: dict[str, Any] = {}
    for each in settings.url.get_secret_value().split(","):
        text = each.strip()
        parts = urlsplit(text if "://" in text else f"nats://{text}")
        if parts.username is not None and not login:
            user, password = unquote(parts.username), unquote(parts.password or "")
            mask(password or user)
            login = {"user": user, "password": password} if parts.password is not None else {"token": user}
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        servers.append(f"{parts.scheme}://{host}:{parts.port or 4222}")
    return servers, login


def credentials(settings: Server) -> dict[str, Any]:
    if settings.password is not None:
        return {"user": settings.user, "password": settings.password.get_secret_value()}
    if settings.token is not None:
        return {"token": settings.token.get_secret_value()}
    if settings.nkey is None and settings.credentials is None:
        return {}
    try:
        import nkeys
    except ModuleNotFoundError:
        raise Permanent("NKeys need the package nkeys: pip install 'octo-flows[nats]'") from None
    if settings.nkey is not None:
        seed = settings.nkey.get_secret_value()
        try:
            nkeys.from_seed(bytearray(seed.encode()))
        except (nkeys.NkeysError, ValueError):
            raise Permanent("`nkey` is no seed of an NKey: it begins with `SU`") from None
        return {"nkeys_seed_str": seed}
    return {} if settings.credentials is None else {"user_credentials": _file(settings.credentials)}


def _file(path: Path) -> str:
    """The name of a file with credentials. Raises `Permanent` if it is none."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Permanent(f"`credentials`: cannot read {path}: {text_of(error)}") from None
    if "BEGIN NATS USER JWT" not in text or "BEGIN USER NKEY SEED" not in text:
        raise Permanent(f"`credentials`: {path} has no JWT with its NKey, as `nsc` writes it")
    return str(path)
