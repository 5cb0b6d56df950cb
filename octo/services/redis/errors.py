"""The errors of the driver and the server, as errors of services: all may pass, because the server decides them."""

from __future__ import annotations

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError as DriverTimeout,
)

from octo.core.errors import NotConnected, OctoError, Transient, system_reason
from octo.core.secrets import masked
from octo.services import codes

FAILURES = (RedisError, OSError, TimeoutError)
"""What the driver raises."""
ANSWERS = (ResponseError,)
"""Of these, what the server said: the connection is as good as before."""

_MEANING = {
    "OOM": "its memory is full (`maxmemory`): make room, or give it more",
    "READONLY": "it is a replica, which refuses writes; if it was the primary, its successor is looked for",
    "MISCONF": "it refuses writes because it cannot save them: look at its disk and its log",
    "NOREPLICAS": "too few replicas are there to write to (`min-replicas-to-write`)",
    "MASTERDOWN": "it is a replica that has lost its primary",
    "LOADING": "it has started and reads its file",
    "BUSY": "a script of somebody else keeps it busy",
    "MOVED": "it is a node of a cluster, which services cannot use",
    "NOPERM": "the user lacks a right",
}
"""What the first word of an error means."""
_ELSEWHERE = ("READONLY", "MASTERDOWN", "LOADING", "MOVED")
"""Answers of a server that is not the one to talk to, or not yet."""


def not_connected(where: str, error: BaseException, *, tls: bool = False) -> OctoError:
    """The error of a call that the server never got."""
    # A server without TLS waits for the rest of what it takes for a command.
    is_mute = tls and isinstance(error, TimeoutError | DriverTimeout)
    hint = "; does it speak TLS at this port?" if is_mute else ""
    return NotConnected(f"cannot connect to {where}: {_text(error)}{hint}", code=codes.SERVER)


def failed(where: str, error: BaseException) -> OctoError:
    """The error of a call that the server got, or may have got."""
    code = codes.FULL if kind(error) == "OOM" else codes.SERVER
    return Transient(f"{where} did not do it: {_text(error)}", code=code)


def is_elsewhere(error: BaseException) -> bool:
    """Whether another connection may lead to a server that can do it, as after a failover."""
    return kind(error) in _ELSEWHERE


def is_unscripted(error: BaseException) -> bool:
    """Whether the server does not know the script."""
    return kind(error) == "NOSCRIPT"


_NAMED: dict[type[BaseException], str] = {
    BusyLoadingError: "LOADING",
    MasterDownError: "MASTERDOWN",
    MovedError: "MOVED",
    NoPermissionError: "NOPERM",
    NoScriptError: "NOSCRIPT",
    OutOfMemoryError: "OOM",
    ReadOnlyError: "READONLY",
}
"""Where the driver has a class for an error, it cuts off the first word."""


def kind(error: BaseException) -> str:
    """The first word of the server's error, e.g. `READONLY`; "" if it has none that says anything."""
    if type(error) in _NAMED:
        return _NAMED[type(error)]
    text = str(error) if isinstance(error, RedisError) else ""
    if "rror running script" in text:  # before Redis 7 the word is inside
        return next((word for word in _MEANING if f"-{word} " in text), "")
    first = text.partition(" ")[0]
    return first if first.isupper() else ""


def _text(error: BaseException) -> str:
    if meaning := _MEANING.get(kind(error)):
        return meaning
    if isinstance(error, TimeoutError | DriverTimeout):
        return "no answer in time"
    if isinstance(error, AuthenticationError):
        return "it refuses the user or the password"
    if not isinstance(error, ResponseError):
        while isinstance(error, RedisError) and (cause := error.__cause__ or error.__context__) is not None:
            error = cause
        if isinstance(error, OSError):
            return masked(system_reason(error)[:300])
    return masked(str(error)[:300]) or type(error).__name__
