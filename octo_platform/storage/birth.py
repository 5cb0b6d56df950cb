"""What an installation is given once, and keeps: an id, and a salt. Stored sealed, they tell a wrong key."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from octo_platform.ids import new_id
from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Setting

SETTING = "birth"


class Birth(NamedTuple):
    """id: of this installation, of all its processes. salt: makes hashes that others see useless to who guesses."""

    id: str
    salt: str


async def born(database: Database, keyring: Keyring) -> Birth:
    """What was given to the installation at its first start. Raises `Unsealable` if the keys are not those of then."""
    text = await _stored(database, keyring)
    if text is None:
        made = f"{new_id()} {secrets.token_urlsafe(32)}"
        try:
            async with database.write() as session:
                session.add(Setting(name=SETTING, value=keyring.seal(SETTING, made.encode())))
        except IntegrityError:  # another process was faster
            text = await _stored(database, keyring)
        else:
            text = made
    assert text is not None
    return Birth(*text.split(" "))


async def _stored(database: Database, keyring: Keyring) -> str | None:
    async with database.read() as session:
        found = await session.get(Setting, SETTING)
    return keyring.open(SETTING, found.value).decode() if found else None
