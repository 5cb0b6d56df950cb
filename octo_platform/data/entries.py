"""Keys and values of an integration in an environment: they outlive its deployments.

Namespaces that end with `_secrets` are sealed. A version counts the writes of an entry; a write may name the version
that it is based on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Deployment, Entry, now

LARGEST = 1 << 20
MOST_BYTES = 64 << 20
"""Of all values of an integration in an environment together."""

SEALED = "_secrets"


class Found(NamedTuple):
    """A value and its version, from 1."""

    value: bytes
    version: int


async def read(session: AsyncSession, keyring: Keyring, of: Deployment, namespace: str, key: str) -> Found | None:
    row = await _row(session, of, namespace, key)
    return None if row is None else Found(_opened(keyring, row), row.version)


async def write(
    session: AsyncSession, keyring: Keyring, of: Deployment, namespace: str, key: str, value: bytes,
    expected: int | None, ttl: float | None,
) -> int:  # fmt: skip
    """Write a value; return its version. expected: the version it must have, 0 for none; None for whatever there is."""
    row = await _row(session, of, namespace, key)
    if expected is not None and (row.version if row else 0) != expected:
        raise Problem("changed", f"it has the version {row.version if row else 0}")
    await _check_quota(session, of, len(value))
    if row is None:
        row = Entry(
            integration_id=of.integration_id, environment_id=of.environment_id, namespace=namespace, key=key, version=0
        )
        session.add(row)
    row.version += 1
    row.value = keyring.seal(_place(row), value).encode() if namespace.endswith(SEALED) else value
    row.expires_at = None if ttl is None else now() + timedelta(seconds=ttl)
    return row.version


async def remove(session: AsyncSession, of: Deployment, namespace: str, key: str, expected: int | None) -> None:
    """Remove an entry; that there is none is no error, unless a version was expected."""
    row = await _row(session, of, namespace, key)
    if expected is not None and (row.version if row else 0) != expected:
        raise Problem("changed", f"it has the version {row.version if row else 0}")
    if row is not None:
        await session.delete(row)


async def keys(session: AsyncSession, of: Deployment, namespace: str, after: str, limit: int) -> list[str]:
    """The keys of a namespace in their order, after one of them."""
    query = select(Entry.key).where(*_owned(of), Entry.namespace == namespace, Entry.key > after, _alive())
    return [*await session.scalars(query.order_by(Entry.key).limit(limit))]


async def _row(session: AsyncSession, of: Deployment, namespace: str, key: str) -> Entry | None:
    place = (of.integration_id, of.environment_id, namespace, key)
    row = await session.get(Entry, place, with_for_update=LOCK)
    if row is not None and row.expires_at is not None and row.expires_at <= now():
        await session.delete(row)
        await session.flush()
        return None
    return row


def _opened(keyring: Keyring, row: Entry) -> bytes:
    return keyring.open(_place(row), row.value.decode()) if row.namespace.endswith(SEALED) else row.value


def _place(row: Entry) -> str:
    return f"entry/{row.integration_id}/{row.environment_id}/{row.namespace}/{row.key}"


def _owned(of: Deployment) -> tuple[ColumnElement[bool], ...]:
    return Entry.integration_id == of.integration_id, Entry.environment_id == of.environment_id


def _alive() -> ColumnElement[bool]:
    return Entry.expires_at.is_(None) | (Entry.expires_at > now())


async def _check_quota(session: AsyncSession, of: Deployment, size: int) -> None:
    if size > LARGEST:
        raise Problem("too-large", f"a value has at most {LARGEST:,} bytes")
    await session.execute(delete(Entry).where(*_owned(of), Entry.expires_at <= now()))
    used = await session.scalar(select(func.sum(func.length(Entry.value))).where(*_owned(of)))
    if (used or 0) + size > MOST_BYTES:
        raise Problem("limit", f"an integration keeps at most {MOST_BYTES:,} bytes in an environment")
