"""Sealed secrets of a workspace and its environments. The one of an environment wins over that of the workspace."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import SecretStr
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Environment, Secret

LARGEST = 64 << 10


def place(row: Secret) -> str:
    """What a sealed value is bound to: it opens nowhere else."""
    return f"secret/{row.workspace_id}/{row.scope_key}/{row.name}"


async def secret(session: AsyncSession, workspace_id: str, scope: str, name: str) -> Secret | None:
    query = select(Secret).where(Secret.workspace_id == workspace_id, Secret.scope_key == scope, Secret.name == name)
    row: Secret | None = await session.scalar(query.with_for_update(**LOCK))
    return row


async def found(
    session: AsyncSession, environment: Environment, names: Iterable[str], *, stay: bool = False
) -> dict[str, Secret]:
    """The secrets of these names that a deployment in the environment would get.

    stay: nobody changes or deletes them until the transaction ends: who deletes one looks for those who use it.
    """
    query = select(Secret).where(
        Secret.workspace_id == environment.workspace_id,
        or_(Secret.scope_key == "", Secret.scope_key == environment.id),
        Secret.name.in_(list(names)),
    )
    query = query.order_by(Secret.id).with_for_update(read=True) if stay else query
    rows = sorted(await session.scalars(query), key=lambda each: each.scope_key != "")
    return {each.name: each for each in rows}


def opened(keyring: Keyring, rows: Iterable[Secret]) -> dict[str, SecretStr]:
    """The values. Raises `Unsealable`."""
    return {each.name: SecretStr(keyring.open(place(each), each.sealed).decode()) for each in rows}


def checked_value(value: str) -> str:
    if not 0 < len(value.encode()) <= LARGEST:
        raise Problem("invalid", f"value: a secret has 1 to {LARGEST:,} bytes")
    return value
