"""Who sends a request: its session cookie, its API key, or nobody."""

from __future__ import annotations

from collections.abc import Mapping

from octo_platform.auth.principal import EVERYWHERE, Principal
from octo_platform.options import Options
from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring


class Identity:
    """See the module."""

    def __init__(self, options: Options, database: Database, keyring: Keyring) -> None:
        self._options = options
        self._database = database
        self._keyring = keyring

    async def of(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal | None:
        """Who it is; None if it does not say, or not rightly."""
        if self._options.insecure_local:
            return Principal("local", "local", {EVERYWHERE: "admin"}, way="local")
        return None

    def same_site(self, method: str, headers: Mapping[str, str]) -> None:
        """Refuse a write that a page of another site makes with the cookie of somebody. Raises `Problem`."""

    async def still(self, principal: Principal, action: str, workspace: str) -> bool:
        """Whether who was let in some time ago still may."""
        return principal.may(action, workspace)

    async def is_set_up(self) -> bool:
        """Whether there is an administrator."""
        return True
