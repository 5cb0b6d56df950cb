"""A model that replies as its script says."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from octo.ai import codes as ai
from octo.ai.conversation import Ask, Piece, Reply, ToolCall, Usage
from octo.ai.model import Embedded, Hear, Wire
from octo.ai.script import codes
from octo.ai.script.request import brief, seen
from octo.ai.script.settings import Called, Fault, Script, Scripted
from octo.ai.script.vectors import hashed
from octo.core import codec
from octo.core.errors import NotConnected, OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.expressions import Expr
from octo.core.secrets import masked
from octo.core.shown import shown
from octo.expr import ExprError, nearest

NO_ROOM = (429, 503, 529)
_WORD = re.compile(r"\S+\s*|\s+")


class ScriptedWire:
    """Gives the replies of a script. behind: what is asked where the script has nothing to say, such as a cassette."""

    def __init__(self, script: Script, model: str, max_tokens: int | None = None, behind: Wire | None = None) -> None:
        self._script = script
        self.model = model
        self.max_tokens = max_tokens
        self._behind = behind
        self._given: Counter[int] = Counter()
        self._rounds = 0
        self._asked = 0
        self._calls = 0
        self._complaints: list[str] = []
        script.watch(self)

    async def send(self, ask: Ask, hear: Hear | None) -> Reply:
        """Return the reply that the script has for the request. Raises what it says, and `Permanent` if it has none."""
        self._asked += 1
        request = seen(ask, self.model)
        number = self._chosen(request)
        if number is None and self._behind is not None:
            return await self._behind.send(ask, hear)
        if number is None:
            raise self._complained(self._missing(ask, request), codes.NO_REPLY)
        self._given[number] += 1
        reply = self._script.replies[number]
        for condition in reply.that:
            if why := _why_not(condition, request):
                told = f"reply {number + 1} ({reply.label}) wants `{condition.text}`, which {why}"
                raise self._complained(f"{told}; {_evidence(condition.text, request)}", codes.NOT_AS_WANTED)
        await asyncio.sleep(reply.delay.total_seconds())
        return await self._play(reply, ask, hear)

    async def embed(self, texts: Sequence[str], model: str, dimensions: int | None) -> Embedded:
        """Return the vectors that the script has for the texts."""
        given = self._script.embeddings
        if self._behind is not None and "embeddings" not in self._script.model_fields_set:
            return await self._behind.embed(texts, model, dimensions)
        usage = Usage(_tokens("".join(texts)))
        if given == "hash":
            size = dimensions or self._script.dimensions
            return Embedded(tuple(hashed(each, size) for each in texts), usage)
        assert isinstance(given, dict)
        for each in texts:
            if each not in given:
                near = nearest(each, given)
                hint = f"; the nearest is {_cut(near)}" if near else ""
                raise self._complained(f"`embeddings` has no vector for {_cut(each)}{hint}", codes.NO_VECTOR)
        return Embedded(tuple(given[each] for each in texts), usage)

    def complaints(self) -> Sequence[str]:
        """Return what was not as the script wants, and which replies nobody asked for.

        If the model was never asked, that is for the test to expect or not.
        """
        left = []
        if self._asked and not self._rounds:
            for number, each in enumerate(self._script.replies):
                if each.when is None and self._given[number] < (each.times or 1):
                    left.append(f"reply {number + 1} ({each.label}) was not asked for")
        return [*self._complaints, *left]

    def _complained(self, message: str, code: str) -> Permanent:
        self._complaints.append(message)
        return Permanent(message, code=code)

    # --- which reply ---------------------------------------------------------------------------------------------

    def _chosen(self, request: Mapping[str, Any]) -> int | None:
        found = self._first(request)
        if found is None and self._script.repeat and self._given:
            self._given.clear()
            self._rounds += 1
            found = self._first(request)
        return found

    def _first(self, request: Mapping[str, Any]) -> int | None:
        numbered = enumerate(self._script.replies)
        return next((number for number, each in numbered if not self._misfit(number, each, request)), None)

    def _misfit(self, number: int, reply: Scripted, request: Mapping[str, Any]) -> str:
        """Why the reply is not given, "" if it is."""
        most = reply.times or (1 if reply.when is None else math.inf)
        if self._given[number] >= most:
            return "was given" if most == 1 else f"was given {self._given[number]} times"
        if reply.when is not None and (why := _why_not(reply.when, request)):
            return f"wants `{reply.when.text}`, which {why}"
        return ""

    def _missing(self, ask: Ask, request: Mapping[str, Any]) -> str:
        asked = f"request {self._asked} ({_cut(brief(ask))}, turn {request['turn']} of its conversation)"
        replies = self._script.replies
        if not replies:
            return f"the script has no `replies`, so none to {asked}"
        misfits = [self._misfit(number, each, request) for number, each in enumerate(replies)]
        open_ = [number for number, why in enumerate(misfits) if why.startswith("wants")]
        if not open_:
            return f"the script has no reply left for {asked}: all {len(replies)} were given"
        number = open_[0]
        return f"the script has no reply to {asked}; reply {number + 1} ({replies[number].label}) {misfits[number]}"

    # --- what it does --------------------------------------------------------------------------------------------

    async def _play(self, reply: Scripted, ask: Ask, hear: Hear | None) -> Reply:
        text = codec.write(reply.value).decode() if reply.has_json else reply.text
        calls = tuple(map(self._call, reply.calls))
        if reply.error is None or reply.error == "broken":
            await self._stream(reply, text, calls, hear)
        if reply.error is not None:
            raise _failure(reply.error)
        stop = reply.stop or ("tool_use" if calls else "end_turn")
        return Reply(text, calls, stop, _usage(reply, ask, text), self.model, reply.thinking)

    def _call(self, call: Called) -> ToolCall:
        self._calls += 1
        id_ = call.id or f"call-{self._calls}"
        if call.raw is not None:
            return ToolCall(id_, call.tool, None, call.raw)
        return ToolCall(id_, call.tool, call.arguments)

    async def _stream(self, reply: Scripted, text: str, calls: Sequence[ToolCall], hear: Hear | None) -> None:
        if hear is None:
            return
        await stream(Reply(text, tuple(calls), thinking=reply.thinking), hear, reply.chunks)


async def stream(reply: Reply, hear: Hear, chunks: int | None = None) -> None:
    """Tell a reply in pieces: so many, or word by word."""
    for kind, text in (("thinking", reply.thinking), ("text", reply.text)):
        for piece in _pieces(text, chunks):
            await hear(Piece(kind, piece))  # type: ignore[arg-type]
            await asyncio.sleep(0)  # as between two packets
    for call in reply.calls:
        written = call.raw if call.arguments is None else json.dumps(call.arguments, ensure_ascii=False)
        for piece in _pieces(written, chunks):
            await hear(Piece("tool_input", piece, call.id, call.name))


def _pieces(text: str, chunks: int | None) -> Iterator[str]:
    if chunks is None:
        yield from (found[0] for found in _WORD.finditer(text))
        return
    size = max(1, math.ceil(len(text) / chunks))
    yield from (text[at : at + size] for at in range(0, len(text), size))


def _failure(error: str | Fault) -> OctoError:
    if error == "connect":
        return NotConnected("cannot connect: its script says so", code=ai.BROKEN)
    if error == "timeout":
        return Timeout("no answer in time: its script says so")
    if isinstance(error, str):
        return Transient("the answer broke off: its script says so", code=ai.BROKEN)
    text, status = f"the provider returned {error.status}: {error.message}", error.status
    if status in NO_ROOM:
        after = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
        failure: OctoError = Overloaded(text, retry_after=after, code=ai.LIMITED)
        failure.status = status
        return failure
    if status >= 500:
        return Transient(text, code=ai.BROKEN, status=status)
    return Permanent(text, code=ai.NO_LOGIN if status in (401, 403) else ai.BAD_REQUEST, status=status)


def _usage(reply: Scripted, ask: Ask, text: str) -> Usage:
    if reply.usage is not None:
        return Usage(reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens)
    said = seen(ask, "")
    arguments = "".join(shown(each.arguments) for each in reply.calls)
    return Usage(_tokens(ask.system + shown(said["messages"]) + shown(said["tools"])), _tokens(text + arguments))


def _tokens(text: str) -> int:
    return math.ceil(len(text) / 4)


def _why_not(condition: Expr[bool], request: Mapping[str, Any]) -> str:
    """Why a condition does not hold, "" if it does. What cannot be evaluated does not hold: `request.results[0]`."""
    try:
        return "" if condition(request) else "is false"
    except ExprError as error:
        return f"cannot be evaluated: {error}"


def _evidence(text: str, request: Mapping[str, Any]) -> str:
    """The parts of a request that a condition is about."""
    names = [name for name in request if re.search(rf"\brequest\.{name}\b", text)]
    return (
        "; ".join(f"request.{name} is {_cut(request[name], 300)}" for name in names[:3])
        or "nothing of it depends on the request"
    )


def _cut(value: object, most: int = 100) -> str:
    text = masked(shown(value))  # before cutting: a part of a secret is not recognised
    return text if len(text) <= most else f"{text[:most]}..."


_: type[Wire] = ScriptedWire
