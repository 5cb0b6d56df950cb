"""The errors of the driver and the server, as errors of services: all may pass, because the server decides them."""

from __future__ import annotations

import asyncpg

from octo.core.errors import NotConnected, OctoError, Transient, system_reason
from octo.core.secrets import masked
from octo.services import codes

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What the driver raises; an `OSError` when there is no connection."""

_FULL = "53100"
_STANDBY = "25006"
_FORBIDDEN = "42501"


def not_connected(where: str, error: BaseException) -> OctoError:
    """The error of a call that the server never got."""
    return NotConnected(f"cannot connect to {where}: {_text(error)}", code=codes.SERVER)


def failed(where: str, error: BaseException) -> OctoError:
    """The error of a call that the server got, or may have got."""
    if getattr(error, "sqlstate", None) == _FULL:
        return Transient(f"the disk of {where} is full", code=codes.FULL)
    return Transient(f"{where} did not do it: {_text(error)}", code=codes.SERVER)


def is_standby(error: BaseException) -> bool:
    """Whether the server refuses to write: after a failover it is not the primary any more."""
    return getattr(error, "sqlstate", None) == _STANDBY


def is_forbidden(error: BaseException) -> bool:
    """Whether the user lacks a right."""
    return getattr(error, "sqlstate", None) == _FORBIDDEN


def _text(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or "no SQLSTATE"
        # Without the detail, which may quote values.
        return masked(f"{str(error.args[0] if error.args else '')[:300]} (SQLSTATE {state})")
    reason = system_reason(error) if isinstance(error, OSError) else str(error)
    return masked(str(reason)[:300]) or type(error).__name__
