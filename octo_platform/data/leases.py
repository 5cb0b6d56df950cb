"""Leases: names that one holder has at a time, and for a limited time."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from octo_platform.data import clock
from octo_platform.data.plane import Look
from octo_platform.data.shelf import Shelf
from octo_platform.data.sweeping import weight
from octo_platform.problem import Problem
from octo_platform.storage.tables import Lease


def bell(name: str) -> str:
    return f"lease {name}"


def acquire(shelf: Shelf, name: str, ttl: float) -> Look[int]:
    """Take the lease if it is free; return its token."""
    row = shelf.first(select(Lease.until).where(*_here(shelf, name)))
    if row is not None and row.until > shelf.now:
        return Look(None, row.until - shelf.now)
    if row is None:
        shelf.grow(weight(name))
    held = {"token": shelf.next(), "until": shelf.now + ttl}
    if row is None:
        shelf.do(insert(Lease).values(store_id=shelf.id, name=name, **held))
    else:
        shelf.do(update(Lease).where(*_here(shelf, name)).values(held))
    return Look(int(held["token"]))


def left(connection: Connection, store: str, name: str) -> Look[bool]:
    """Whether the lease is free."""
    query = select(Lease.until - clock.moment(connection)).where(Lease.store_id == store, Lease.name == name)
    seconds = connection.execute(query).scalar()
    return Look(None, seconds) if seconds is not None and seconds > 0 else Look(found=True)


def renew(shelf: Shelf, name: str, token: int, ttl: float) -> None:
    """Hold it from now. Raises `Problem` once its time is over."""
    held = *_here(shelf, name), Lease.token == token, Lease.until > shelf.now
    if shelf.first(select(Lease.token).where(*held)) is None:
        raise Problem("lost")
    shelf.do(update(Lease).where(*held).values(until=shelf.now + ttl))


def release(shelf: Shelf, name: str, token: int) -> None:
    """Give it back. One that is lost already is left alone."""
    held = *_here(shelf, name), Lease.token == token
    if shelf.first(select(Lease.token).where(*held)) is not None:
        shelf.grow(-weight(name))
        shelf.do(delete(Lease).where(*held))
        shelf.ring(bell(name))


def _here(shelf: Shelf, name: str) -> tuple[ColumnElement[bool], ...]:
    return Lease.store_id == shelf.id, Lease.name == name
