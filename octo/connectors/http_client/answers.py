"""The server of a stub: choose the answer to a request from a list."""

from __future__ import annotations

import asyncio
import re

from yarl import URL

from octo.connectors.http_client import codes, settings
from octo.connectors.http_client.reply import Reply
from octo.connectors.http_client.request import Request, broken, cannot_connect, too_large, too_slow
from octo.connectors.http_client.stub import ANYTHING, Answer, Stub
from octo.core import codec
from octo.core.charsets import encode, taken
from octo.core.content import BINARY
from octo.core.errors import Permanent
from octo.core.misfit import Misfit, advice
from octo.core.spool import Content, Spool
from octo.expr import ExprError


class Answers:
    """A transport (`octo.connectors.http_client.caller.Transport`) with a stub."""

    def __init__(self, client: settings.Client, stub: Stub) -> None:
        self._base = URL(client.base_url)
        self._patience = client.patience
        self._limit = client.max_response_bytes
        self._answers = [_Candidate(answer) for answer in stub.answers]

    async def send(self, request: Request, *, redirects: bool = True) -> Reply:
        """Return the whole answer, whatever its status."""
        del redirects  # none are followed
        answer = self._chosen(request)
        patience = request.terms.patience or self._patience
        try:
            async with asyncio.timeout(patience):
                await asyncio.sleep(answer.delay.total_seconds())
        except TimeoutError:
            raise too_slow(request, patience) from None
        match answer.error:
            case "connect":
                raise cannot_connect(request, "its stub says so")
            case "timeout":
                raise too_slow(request, patience)
            case "broken":
                raise broken(request)
        return within(_reply(answer, request), request, self._limit)

    def fit(self, request: Request) -> bool:
        """Whether an answer fits the request."""
        asked = _asked(self._base, request) if self._answers else {}
        return any(each.misfit(asked, request, number) is None for number, each in enumerate(self._answers, 1))

    def _chosen(self, request: Request) -> Answer:
        asked = _asked(self._base, request)
        misfits = []
        for number, candidate in enumerate(self._answers, 1):
            misfit = candidate.misfit(asked, request, number)
            if misfit is None:
                candidate.given += 1
                return candidate.answer
            misfits.append(misfit)
        labels = [each.answer.label for each in self._answers]
        near = advice(f"{asked['method']} {asked['path']}", labels, misfits)
        raise Permanent(f"the stub has no answer to {request.method} {request.target}; {near}", code=codes.NO_ANSWER)


class _Candidate:
    """An answer and how often it was given."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.given = 0
        path = answer.path or "*"
        self._is_address = path.startswith("http")
        self._path = re.compile("".join(map(_pattern, ANYTHING.split(path))), re.DOTALL)

    def misfit(self, asked: dict[str, object], request: Request, number: int) -> Misfit | None:
        answer = self.answer
        if not self._path.fullmatch(request.target if self._is_address else str(asked["path"])):
            return Misfit(0, "it is for another path")
        if answer.method not in (None, request.method):
            return Misfit(1, f"it is for {answer.method}")
        query = request.url.query
        for name, value in answer.query.items():
            if query.getall(name, []) != value if isinstance(value, list) else query.get(name) != value:
                return Misfit(2, f"the query parameter {name} is not {value!r}")
        if answer.when is not None and not _holds(answer, asked, number):
            return Misfit(3, f"`{answer.when.text}` is false")
        if answer.times is not None and self.given >= answer.times:
            return Misfit(4, f"its `times: {answer.times}` is used up")
        return None


def _pattern(piece: str) -> str:
    if piece == "*":
        return ".*"
    return "[^/]+" if ANYTHING.fullmatch(piece) else re.escape(piece)


def _holds(answer: Answer, asked: dict[str, object], number: int) -> bool:
    assert answer.when is not None
    try:
        return answer.when(asked)
    except ExprError as error:
        raise Permanent(f"`when` of answer {number} ({answer.label}): {error}", code=codes.NO_ANSWER) from error


def _asked(base: URL, request: Request) -> dict[str, object]:
    """Return the request as `when` sees it."""
    query = request.url.query
    return {
        "method": request.method,
        "path": below(base, request.url),
        "query": {name: query[name] for name in query},
        "queryAll": {name: query.getall(name) for name in query},
        "headers": {name.lower(): value for name, value in {**request.context, **request.headers}.items()},
        "body": _value(bytes(request.data or b""), request.header("content-type") or ""),
    }


def below(base: URL, url: URL) -> str:
    """Return the path below the base, or the whole path of an address that is not below it."""
    start = base.path.rstrip("/")
    if url.origin() != base.origin() or not f"{url.path}/".startswith(f"{start}/"):
        return url.path
    return url.path[len(start) :] or "/"


def _value(data: bytes, content_type: str) -> object:
    try:
        return codec.body(data, content_type)
    except codec.NotJson:
        return taken(data, content_type or "text/plain")


def _reply(answer: Answer, request: Request) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    data = b""
    if answer.text is not None:
        kind = headers.setdefault(
            "content-type", "text/plain; charset=utf-8" if isinstance(answer.text, str) else BINARY
        )
        data = answer.text if isinstance(answer.text, bytes) else encode(answer.text, kind)
    elif "body" in answer.model_fields_set:
        data = codec.write(answer.body)
        headers.setdefault("content-type", "application/json")
    cookies = (headers["set-cookie"],) if "set-cookie" in headers else ()
    return Reply(answer.status, headers, spooled(request, data), url=str(request.url), cookies=cookies)


def within(reply: Reply, request: Request, limit: int) -> Reply:
    """Return the answer if it has no more bytes than the request allows, or else the connector."""
    limit = limit if request.terms.most is None else request.terms.most
    if len(reply.data) > limit:
        raise too_large(request, limit, reply.status)
    return reply


def spooled(request: Request, data: bytes) -> bytes | Content:
    """Return what is sent of a body, in a file if it is large, as a server's would be."""
    spool = Spool()
    spool.write(b"" if request.method == "HEAD" else data)
    return spool.finish()
