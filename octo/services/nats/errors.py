"""The errors of the client and the server, as errors of services: all may pass, because the server decides them."""

from __future__ import annotations

from nats import errors as client

from octo.core.errors import NotConnected, OctoError, Transient, system_reason
from octo.core.secrets import masked
from octo.services import codes

FAILURES = (client.Error, OSError, TimeoutError)
"""What the client raises; an `OSError` when there is no connection."""

CHANGED = (10071, 10164)
NO_MESSAGE = (10037, 10043, 10057)
NO_STREAM = 10059
NO_CONSUMER = 10014
IS_THERE = (10013, 10105, 10148)
_FULL = (10002, 10023, 10028, 10047)
_NOT_STORED = 10077


class Refused(Transient):
    """The server answered, and did not do it. number: of its error."""

    code = codes.SERVER

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number


def not_connected(where: str, error: BaseException) -> OctoError:
    """The error of a call that the server never got."""
    return NotConnected(f"cannot connect to {where}: {_text(error)}", code=codes.SERVER)


def failed(where: str, error: BaseException | str) -> OctoError:
    """The error of a call that the server got, or may have got."""
    text = error if isinstance(error, str) else _text(error)
    return Transient(f"{where} did not do it: {text}", code=codes.SERVER)


def refused(where: str, answer: dict[str, object]) -> OctoError:
    """The error of an answer of JetStream."""
    number, text = int(str(answer.get("err_code", 0))), masked(str(answer.get("description", ""))[:300])
    if number in _FULL or (number == _NOT_STORED and ("space" in text or "maximum" in text)):
        return Transient(f"{where} has no room: {text}", code=codes.FULL)
    return Refused(f"{where} did not do it: {text} ({number})", number)


def _text(error: BaseException) -> str:
    if isinstance(error, client.NoRespondersError):
        return "JetStream does not answer; is it enabled for this account?"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    reason = system_reason(error) if isinstance(error, OSError) else str(error).removeprefix("nats: ")
    return masked(str(reason)[:300]) or type(error).__name__
