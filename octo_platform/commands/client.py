"""Asks the API of a platform: sends what may be repeated again, and makes one line of whatever goes wrong."""

from __future__ import annotations

import random
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, Self

import click
import httpx

from octo import __version__
from octo_platform.commands.credentials import Server

_PAUSES = (0.2, 0.5, 1.0, 2.0)
_CONNECTS = 2
"""How often it connects again where nobody listens: it may be starting, but whoever waits wants to know."""
_LONGEST_PAUSE = 10.0
_MOST_PROBLEMS = 20

HINTS = {
    "not-signed-in": "sign in: octo login {url}",
    "set-up-first": "open {url}/setup with the token that the platform showed when it started",
    "changed": "somebody else was faster: look at it, and type the command again",
    "plan-changed": "something changed since the plan was shown: type the command again",
    "wrong-host": "the platform has another name: use the address of its --public-url",
}
"""Code → what to do about it, where the detail does not say."""

_KEY_HINT = (
    "the key that was sent is not known there, was revoked, or has expired; sign in again: octo login {url}\n"
    "a key in OCTO_PLATFORM_KEY or OCTO_PLATFORM_KEY_FILE wins over the one of `octo login`"
)


class Refused(click.ClickException):
    """What the platform answered. code: of the problem, "" if the answer was none of a platform."""

    exit_code = 1

    def __init__(self, code: str, message: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.problem = problem or {}


class Unreachable(click.ClickException):
    """Nobody answered."""

    exit_code = 1


class Client:
    """See the module. Use it in a `with` block."""

    def __init__(self, server: Server, *, timeout: float = 60.0) -> None:
        self.url = server.url
        self._has_key = bool(server.key)
        headers = {"User-Agent": f"octo/{__version__}", "Accept": "application/json"}
        if server.key:
            headers["Authorization"] = f"Bearer {server.key}"
        self._http = httpx.Client(
            base_url=f"{server.url}/api/v1",
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=10.0),
            follow_redirects=False,  # the key goes nowhere else
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of an answer. Raises `Refused` and `Unreachable`."""
        return self.send("GET", path, params=query).json()

    def found(self, path: str) -> httpx.Response | None:
        """The answer to a GET, or None if there is no such thing."""
        try:
            return self.send("GET", path)
        except Refused as refused:
            if refused.code == "not-found":
                return None
            raise

    def post(self, path: str, body: object = None, etag: str | None = None) -> httpx.Response:
        """POST with a key of its own, so that it is carried out once however often it is sent."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} | ({"If-Match": etag} if etag else {})
        return self.send("POST", path, json=body, headers=headers)

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            if (cursor := page.get("next")) is None:
                return

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request; again, if it was not carried out or may be repeated. Raises `Refused`, `Unreachable`."""
        for number, pause in enumerate((*_PAUSES, None)):
            try:
                answer = self._http.request(method, path, **more)
            except httpx.ConnectError as error:
                if pause is None or number == _CONNECTS or _certificate(error):
                    self._unreachable(error)
            except httpx.TransportError as error:
                if pause is None or not _repeatable(method, more):
                    self._unreachable(error)
            else:
                if pause is None or not _is_passing(answer):
                    return self._checked(answer)
                time.sleep(min(_after(answer), _LONGEST_PAUSE))
            time.sleep(pause * (0.75 + random.random() / 2))  # noqa: S311  no secret
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def stream(self, path: str, last: str = "", **query: Any) -> Iterator[httpx.Response]:
        """An answer that goes on, e.g. of events. last: the id of the event to go on behind.

        Raises `Refused`, `Unreachable`, also while it is read.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        try:
            with self._http.stream("GET", path, params=query, headers=headers) as answer:
                if answer.status_code != 200:
                    answer.read()
                    self._checked(answer)
                yield answer
        except httpx.TransportError as error:
            self._unreachable(error)

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            kind = answer.headers.get("content-type", "application/json")
            if kind.startswith("text/html"):
                raise Refused("", f"{self.url} answers with a page, and is no platform of Octo")
            return answer
        try:
            problem = answer.json()
            code, title = str(problem["code"]), str(problem["title"])
        except (ValueError, KeyError, TypeError):
            where = f" to {answer.headers['location'][:200]}" if answer.has_redirect_location else ""
            text = f"{self.url} answered {answer.status_code}{where}, and not as a platform of Octo does"
            raise Refused("", text) from None
        hint = _KEY_HINT if code == "not-signed-in" and self._has_key else HINTS.get(code, "")
        raise Refused(code, _told(code, title, problem, hint.format(url=self.url)), problem)

    def _unreachable(self, error: httpx.TransportError) -> NoReturn:
        if reason := _certificate(error):
            text = f"the certificate of {self.url} is not to be trusted: {reason}"
            raise Unreachable(f"{text}; SSL_CERT_FILE names certificates of your own") from None
        if "WRONG_VERSION_NUMBER" in str(error):
            text = f"{self.url} does not speak TLS; if it is meant to be so: http://{self.url.partition('://')[2]}"
            raise Unreachable(text) from None
        if isinstance(error, httpx.TimeoutException):
            raise Unreachable(f"{self.url} did not answer in time") from None
        raise Unreachable(f"{self.url} cannot be reached: {_reason(error)}; is `octo platform` running?") from None


def _told(code: str, title: str, problem: Mapping[str, Any], hint: str) -> str:
    problems = list(problem.get("problems") or ())
    lines = [f"{code}: {(not problems and problem.get('detail')) or title}"]
    for each in problems[:_MOST_PROBLEMS]:
        if isinstance(each, dict):
            place = ":".join(str(each[name]) for name in ("file", "line", "column") if each.get(name))
            lines.append(f"  {place}: {each.get('message', '')}" if place else f"  {each.get('message', each)}")
            lines += [f"      {each['hint']}"] if each.get("hint") else []
    lines += [hint] if hint else []
    return "\n".join(lines)


def _repeatable(method: str, more: Mapping[str, Any]) -> bool:
    """Whether it does no harm to send it twice, when nobody knows if it was carried out."""
    return method in ("GET", "HEAD") or "Idempotency-Key" in (more.get("headers") or {})


def _is_passing(answer: httpx.Response) -> bool:
    """Whether it was not carried out, and may be in a moment."""
    if answer.status_code in (502, 503, 504):
        return True
    return answer.status_code == 409 and b'"under-way"' in answer.content


def _after(answer: httpx.Response) -> float:
    """Seconds that it asks to wait."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _certificate(error: BaseException) -> str:
    """Why a certificate is not trusted, or ""."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message or "it cannot be verified"
        seen = seen.__cause__ or seen.__context__
    return ""


def _reason(error: BaseException) -> str:
    """The innermost reason, without the number of the system."""
    seen, text = error, str(error) or type(error).__name__
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
        if isinstance(seen, OSError) and seen.strerror:
            text = seen.strerror
    return text.partition("] ")[2] or text
