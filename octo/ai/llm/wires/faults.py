"""Faults: what the libraries raise, as errors that say who must act."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from pydantic_ai import exceptions as library

from octo.ai import codes
from octo.core.errors import NotConnected, OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.printable import printable
from octo.core.secrets import masked

MOST = 400
"""Characters of what a provider says of its error."""
NO_ROOM = (429, 503, 529)
PASSING = (408, 409, 425, 429)
"""Statuses below 500 of what may succeed later."""
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window)|prompt is too long|input token count|maximum.{0,20}tokens|too many tokens",
    re.IGNORECASE,
)


@contextmanager
def translated(model: str, place: str = "the provider") -> Iterator[None]:
    """Raise errors of the library as ours. place: where the provider is."""
    try:
        yield
    except OctoError:
        raise
    except library.ModelConnectionError as error:
        raise _unreached(error, place) from error
    except library.ModelAPIError as error:
        raise _reported(error, model) from error
    except library.UnexpectedModelBehavior as error:
        raise malformed(_first_line(error)) from error
    except (library.UserError, NotImplementedError) as error:
        raise Permanent(_bounded(_first_line(error)), code=codes.BAD_REQUEST) from error
    except httpx2.HTTPError as error:
        raise _broken(error) from error
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        # The libraries do not check what they read: a list that is empty or a field that is missing ends like this.
        raise malformed(f"{type(error).__name__}: {_first_line(error)}") from error


def answered(status: int, text: str, retry_after: float | None, model: str) -> OctoError:
    """The error for an answer with a status of 300 or above."""
    said = _bounded(f"{status}: {text}" if text else f"status {status}")
    if status >= 500 or status in PASSING:
        passing = Overloaded(said, code=codes.LIMITED) if status in NO_ROOM else Transient(said, code=codes.BROKEN)
        passing.status = status
        passing.retry_after = passing.retry_after if retry_after is None else retry_after
        return passing
    if _TOO_LONG.search(text):
        said = _bounded(f"{status}: the conversation is too long for {model}: {text}")
    return Permanent(said, code=codes.BAD_REQUEST, status=status)


def malformed(text: str) -> Transient:
    return Transient(_bounded(f"the answer is not what the API promises: {text}"), code=codes.MALFORMED)


def cut() -> Transient:
    return Transient("the answer was cut off before its end", code=codes.BROKEN)


def _unreached(error: library.ModelConnectionError, place: str) -> Transient:
    text = _bounded(_reason(error))
    if error.phase in ("connect", "pool"):
        return NotConnected(_bounded(f"cannot connect to {place}: {text}"), code=codes.BROKEN)
    if isinstance(error, library.ModelTimeoutError):
        return Timeout(text)
    return Transient(text, code=codes.BROKEN)


def _broken(error: httpx2.HTTPError) -> Transient:
    """The error for what went wrong on the way, which the library did not notice."""
    text = _bounded(_first_line(error))
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return NotConnected(text, code=codes.BROKEN)
    return Timeout(text) if isinstance(error, httpx2.TimeoutException) else Transient(text, code=codes.BROKEN)


def _reported(error: library.ModelAPIError, model: str) -> OctoError:
    """The error for what the library reports: a status, a connection, or what a provider says within an answer."""
    if isinstance(error, library.ModelHTTPError):
        found = answered(error.status_code, _said(error.body) or _first_line(error), error.retry_after, model)
        if isinstance(found, Permanent):
            # Gemini answers 400 for a wrong key, and OpenRouter 403 for a prompt that it does not like.
            is_login = isinstance(error, library.ModelAuthenticationError)
            found.code = codes.NO_LOGIN if is_login else codes.BAD_REQUEST
        return found
    status = getattr(getattr(error.__cause__, "response", None), "status_code", None)
    if isinstance(status, int) and status >= 300:
        return answered(status, _first_line(error), error.retry_after, model)
    if isinstance(error, library.ModelAuthenticationError):
        return Permanent(_bounded(_first_line(error)), code=codes.NO_LOGIN)
    for kind, known in _STATUS.items():
        if isinstance(error, kind):
            return answered(known, _first_line(error), error.retry_after, model)
    if isinstance(error.__cause__, ValueError) or "JSON" in str(error):
        return malformed(_first_line(error))
    return Transient(_bounded(_first_line(error)), code=codes.BROKEN)


_STATUS: dict[type[library.ModelAPIError], int] = {
    library.ModelRateLimitError: 429,
    library.ModelQuotaExceededError: 429,
    library.ModelUnavailableError: 503,
    library.ModelServerError: 500,
    library.ModelRequestRejectedError: 400,
}
"""The status that stands for a kind of error that came without one."""


def _said(body: object) -> str:
    """What the body of an error says, in the forms that the APIs have."""
    if isinstance(body, str):
        return body.strip()
    while isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return ""
    found = body.get("error", body)
    if isinstance(found, dict):
        found = found.get("message") or found
    return found if isinstance(found, str) else json.dumps(found, default=str)


def _reason(error: BaseException) -> str:
    """The innermost text: the outer ones say little more than that there was an error."""
    found = _first_line(error)
    cause = error.__cause__
    for _ in range(5):
        if cause is None:
            break
        found = str(cause).strip() or found
        cause = cause.__cause__
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


def _bounded(text: str) -> str:
    text = printable(masked(text))
    return text if len(text) <= MOST else f"{text[:MOST]}…"
