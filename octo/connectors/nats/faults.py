"""Errors of the client as those of Octo, by who must act.

Invariant: no text has an address with credentials: the client quotes only what the server says.
"""

from __future__ import annotations

from typing import Any

from octo.connectors.nats import codes
from octo.core import tls
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.core.secrets import masked


def is_end(error: Exception) -> bool:
    """Whether the error says that the connection is gone."""
    from nats import errors

    ends = (errors.ConnectionClosedError, errors.ConnectionDrainingError, errors.OutboundBufferLimitError, OSError)
    return isinstance(error, ends) and not isinstance(error, TimeoutError)


def told(error: Exception, what: str, most: int) -> OctoError:
    """The error. what: begins its text. most: bytes that the server allows for a message."""
    from nats import errors
    from nats.js.errors import APIError, NoStreamResponseError

    if isinstance(error, APIError):
        return _refused(error, what)
    kinds: tuple[tuple[type[Exception], OctoError], ...] = (
        (errors.NoRespondersError, Transient(f"{what}: nobody listens on this subject", code=codes.NO_RESPONDERS)),
        (NoStreamResponseError, Transient(f"{what}: no stream takes this subject", code=codes.NO_STREAM)),
        (
            errors.MaxPayloadError,
            Permanent(f"{what}: the message is larger than the server allows ({most:,} bytes)", code=codes.TOO_LARGE),
        ),
        (errors.BadSubjectError, Permanent(f"{what}: it is no subject")),
        (errors.BadHeaderError, Permanent(f"{what}: {text_of(error)}")),
        (TimeoutError, Timeout(f"{what}: no answer in time")),
    )
    return next((made for kind, made in kinds if isinstance(error, kind)), Transient(f"{what}: {text_of(error)}"))


def _refused(error: Any, what: str) -> OctoError:
    """What JetStream has refused: 4xx is for a person, but that something is missing may pass."""
    text = f"{what}: {error.description or text_of(error)}"
    if "message size exceeds" in text:
        return Permanent(text, code=codes.TOO_LARGE)
    if error.code is not None and 400 <= error.code < 500 and error.code not in (404, 408, 429):
        return Permanent(text)
    return Transient(text)


def text_of(error: BaseException) -> str:
    """What an error says, without prefixes and secrets."""
    return masked(tls.reason(error).removeprefix("nats: ").strip("'\" "))
