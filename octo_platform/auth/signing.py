"""The secret of this installation, and what is signed with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy.exc import IntegrityError

from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Setting

SETTING = "session-key"
_ALGORITHM = ["HS256"]
_LONGEST = 8192


class Signing:
    """Signs with a secret that the processes of an installation share; it is stored sealed, and made at first use.

    Each purpose has a key of its own, so what was signed for one says nothing in another.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._secret: bytes | None = None

    async def token(self, purpose: str, claims: Mapping[str, object], until: datetime) -> str:
        """A signed text that says this until then."""
        key = OctKey.import_key(await self._key(purpose))
        return jwt.encode({"alg": "HS256"}, {**claims, "exp": until.timestamp()}, key, algorithms=_ALGORITHM)

    async def claims(self, purpose: str, token: str, at: datetime) -> dict[str, Any] | None:
        """What such a text says; None if it is not ours, or too old."""
        if len(token) > _LONGEST:
            return None
        key = OctKey.import_key(await self._key(purpose))
        try:
            claims = jwt.decode(token, key, algorithms=_ALGORITHM).claims
        except (JoseError, ValueError):
            return None
        return claims if at.timestamp() < claims["exp"] else None

    async def mac(self, purpose: str, text: str) -> str:
        """What only this installation can say of a text: 64 hexadecimal digits."""
        return hmac.digest(await self._key(purpose), text.encode(), "sha256").hex()

    async def _key(self, purpose: str) -> bytes:
        if self._secret is None:
            self._secret = await self._load() or await self._make()
        return hmac.digest(self._secret, purpose.encode(), hashlib.sha256)

    async def _load(self) -> bytes | None:
        async with self._database.read() as session:
            found = await session.get(Setting, SETTING)
        return self._keyring.open(SETTING, found.value) if found else None

    async def _make(self) -> bytes:
        made = secrets.token_bytes(32)
        try:
            async with self._database.write() as session:
                session.add(Setting(name=SETTING, value=self._keyring.seal(SETTING, made)))
        except IntegrityError:  # another process was faster
            found = await self._load()
            assert found is not None
            return found
        return made
