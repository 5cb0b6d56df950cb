"""A run of an agent: the model is asked, the tools that it wants are called, until it answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from octo.ai import codes, estimate
from octo.ai.agent import brief, compaction
from octo.ai.agent.approval import Approvals
from octo.ai.agent.calls import Calls
from octo.ai.agent.mail import Mail, Stopped
from octo.ai.agent.settings import AgentSettings
from octo.ai.agent.telling import Telling
from octo.ai.agent.thread import Memory, Saved, Waiting
from octo.ai.agent.toolbox import Toolbox, ToolStopped
from octo.ai.answer import Unusable, fitting, reason_of, unfenced
from octo.ai.conversation import (
    Ask,
    Assistant,
    Reply,
    Results,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    User,
    as_json,
    without_files,
)
from octo.ai.details import details
from octo.ai.model import Model
from octo.ai.pieces import Left
from octo.core import budget, codec
from octo.core.block import Site
from octo.core.budget import Meter
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Drop, Outcome, Stop, at_last
from octo.core.message import Message

MOST_CALLS = 32
"""Calls of tools in one turn. A model that wants more is told so, and may go on in the next turn."""
INTERRUPTED = "interrupted: the process ended before the result was known; the call may have had an effect"
LEFT = "nobody listened any more, so the run ended; the call may have had an effect"
STOPPED = "the user stopped the run; the call may have had an effect"


class Run:
    """One run. message: as the tools have left it. turns: the conversation so far.

    memory, mail: of the thread; None for a run that has none.
    """

    def __init__(
        self,
        model: Model,
        settings: AgentSettings,
        message: Message,
        site: Site,
        meter: Meter,
        memory: Memory | None = None,
        mail: Mail | None = None,
        scope: str = "",
    ) -> None:
        self._model = model
        self._settings = settings
        self._incoming = message
        self.message = message
        self._meter = meter
        self._memory = memory
        self._mail = mail
        self.turns: list[Turn] = []
        self._system = brief.system(settings)
        self._tools = Toolbox(settings, scope or message.event_id)
        self._calls = Calls(settings, self._tools, site, mail)
        self._telling = Telling(settings, lambda: self.message)
        self._approvals = Approvals(settings, self._telling, None if settings.authorize_id is None else mail)
        self._reply: Reply | None = None
        self._saved_tokens = 0
        self._repairs = settings.repairs
        self._first = 0
        self._ratio = 1.0

    # --- its beginning ---------------------------------------------------------------------------------------------

    async def begin(self, saved: Saved) -> Outcome:
        """Go on with the thread: with the message as the next question."""
        self._take(saved)
        self._interrupted(INTERRUPTED)
        self._first = len(self.turns)
        self.turns.append(brief.first(self._settings, self._incoming))
        return await self._watched()

    async def resume(self, saved: Saved) -> Outcome:
        """Go on with a run that waited for a person when its process ended."""
        self._take(saved)
        return await self._watched(saved.waiting)

    def _take(self, saved: Saved) -> None:
        self.turns = list(saved.turns)
        self._saved_tokens = saved.tokens
        if saved.waiting is not None:
            self._telling.iteration = saved.waiting.iteration
            self._meter.spent.restore(saved.waiting.spent)

    def _interrupted(self, reason: str) -> None:
        """Answer the calls of a turn that was interrupted in the middle of them."""
        if self.turns and isinstance(last := self.turns[-1], Assistant) and last.calls:
            self.turns.append(
                Results(tuple(ToolResult(each.id, each.name, reason, is_error=True) for each in last.calls))
            )

    # --- its course ------------------------------------------------------------------------------------------------

    async def _watched(self, waiting: Waiting | None = None) -> Outcome:
        budget.witness(self.history)
        try:
            return await self._course(waiting)
        except Stopped:
            self._interrupted(STOPPED)
            await self._save()
            with suppress(Left):
                await self._telling.tell("done", text="", stopped=True)
            return Stop(self._told(self.message.with_body({"stopped": True}), stopReason="stopped"))
        except Left:
            self._interrupted(LEFT)
            await self._save()
            return Stop(self._told(self.message))
        except ToolStopped as stopped:
            return Stop(self._told(stopped.stop.message))
        except Exception as error:
            with suppress(Left):
                await self._telling.error(error)
            raise

    async def _course(self, waiting: Waiting | None) -> Outcome:
        if waiting is not None:
            await self._tools.tools()  # those of servers are not known yet
            await self._answer_calls(waiting)
        while self._telling.iteration < self._settings.max_iterations:
            self._telling.iteration += 1
            await self._read_mail()
            reply = await self._ask()
            if reply.stop in ("refusal", "content_filter") or (reply.stop == "max_tokens" and not reply.calls):
                return await self._unanswered(reply)
            if reply.calls:
                await self._answer_calls()
            elif (outcome := await self._finished(reply)) is not None:
                return outcome
        return await self._exhausted()

    async def _ask(self) -> Reply:
        tell = self._telling
        await tell.tell("turn_start")
        ask = await self._prompt()
        tell.written = ""
        try:
            reply = await self._within(ask)
        except Stopped:
            if tell.written:  # what was seen was said
                self.turns.append(Assistant(tell.written))
            raise
        reply = _without_cut_call(reply)
        self._reply = reply
        self._saved_tokens = reply.usage.input_tokens + reply.usage.output_tokens
        self._ratio = max(1.0, reply.usage.input_tokens / estimate.request(ask))
        self.turns.append(reply.turn)
        if reply.text and not tell.hears_pieces:
            await tell.tell("text", text=reply.text)
        await tell.tell(
            "turn_end",
            text=reply.text,
            stopReason=reply.stop,
            usage=reply.usage.as_json(),
            contextTokens=reply.usage.input_tokens,
            contextMaxTokens=self._settings.context_max_tokens,
        )
        return reply

    async def _within(self, ask: Ask) -> Reply:
        hear = self._telling.piece if self._telling.hears_pieces else None
        if self._mail is None:
            return await self._model.ask(ask, hear)
        async with self._mail.interruptible():
            return await self._model.ask(ask, hear)

    async def _prompt(self) -> Ask:
        settings = self._settings
        tools = await self._tools.tools()
        await self._shorten(tools)
        return Ask(self._system, self._sent(), tools, max_tokens=settings.most_tokens)

    def _sent(self) -> tuple[Turn, ...]:
        """The turns as they are sent: files of earlier calls only if they are kept."""
        if self._settings.keep_attachments or self._telling.iteration <= 1:
            return tuple(self.turns)
        return tuple(map(without_files, self.turns))

    async def _shorten(self, tools: Sequence[Tool]) -> None:
        """Shorten the conversation if the prompt would be too long, by the size that the provider has reported."""
        settings = self._settings
        rest = estimate.request(Ask(self._system, (), tuple(tools))) * self._ratio
        most = max(0.0, settings.context_max_tokens - rest) / self._ratio
        before = sum(map(estimate.turn, self.turns))
        if before <= most:
            return
        await self._telling.tell("compaction_start", contextTokens=int(before * self._ratio + rest))
        if settings.memory_compaction == "summarize":
            turns = await compaction.summarized(self._model, self.turns, most)
        else:
            turns = compaction.pruned(self.turns, most)
        self.turns = list(turns)
        after = sum(map(estimate.turn, turns))
        await self._telling.tell("compaction_end", contextTokens=int(after * self._ratio + rest))

    async def _read_mail(self) -> None:
        mail = self._mail
        if mail is None:
            return
        await mail.collect()
        if mail.is_stopped:
            raise Stopped
        questions, mail.questions[:] = list(mail.questions), []
        for letter in questions:
            self.turns.append(User(str(letter["text"])))
            await self._telling.tell("signal", text=letter["text"])
        if questions:
            await self._save()
            await mail.done(*(str(letter["id"]) for letter in questions))

    # --- tools -----------------------------------------------------------------------------------------------------

    async def _answer_calls(self, waiting: Waiting | None = None) -> None:
        """Call the tools that the last turn wants, and append what they answer."""
        last = self.turns[-1]
        assert isinstance(last, Assistant)
        results: dict[str, ToolResult] = {}
        able: list[ToolCall] = []
        for number, call in enumerate(last.calls):
            fault = f"more than {MOST_CALLS} calls in one turn" if number >= MOST_CALLS else self._tools.fault(call)
            if fault:
                results[call.id] = ToolResult(call.id, call.name, fault, is_error=True)
            else:
                able.append(call)
        if waiting is None:
            for call in last.calls:
                await self._telling.tell("tool_call", tool=call.name, toolCallId=call.id, input=call.arguments)
            able_ids = {each.id for each in able}
            for call in (each for each in last.calls if each.id not in able_ids):
                await self._tell_result(results[call.id])
        results |= await self._refused(able, waiting)
        async for answer in self._calls.answers([each for each in able if each.id not in results], self.message):
            results[answer.result.id] = answer.result
            self.message = answer.message or self.message
            await self._tell_result(answer.result)
        self.turns.append(Results(tuple(results[each.id] for each in last.calls)))
        await self._save()

    async def _refused(self, calls: Sequence[ToolCall], waiting: Waiting | None) -> dict[str, ToolResult]:
        """Ask a person about the calls that need it; return the results of those that are not allowed."""
        pending = waiting or self._approvals.requests(calls, self._tools.find, self.message)
        if pending.requests:
            pending.iteration = self._telling.iteration
            pending.spent = self._meter.spent.as_json()
            await self._save(pending)  # before anybody is asked: the answer may come when this process is gone
        refused = await self._approvals.decided(calls, pending)
        await self._save()  # before anything is called: a call whose result is unknown is never repeated
        for each in refused.values():
            await self._tell_result(each)
        return refused

    async def _tell_result(self, result: ToolResult) -> None:
        output = result.content
        await self._telling.tell(
            "tool_result", tool=result.name, toolCallId=result.id, output=output, isError=result.is_error
        )

    # --- its end ---------------------------------------------------------------------------------------------------

    async def _finished(self, reply: Reply) -> Outcome | None:
        """The outcome of the answer; None if the run must go on: somebody has said more, or the answer does not fit."""
        settings = self._settings
        try:
            value = fitting(reply, settings.output_schema) if settings.output_schema is not None else None
        except Unusable as error:
            if not error.advice or not self._repairs:
                raise self._with_history(error) from None
            self._repairs -= 1
            self.turns.append(User(error.advice))
            return None
        await self._save()
        if self._mail is not None and not await self._mail.close():
            return None
        await self._telling.tell("done", text=reply.text)
        if settings.output_schema is not None:
            return self._told(self.message.with_body(value))
        if not reply.text.strip():
            return self._told(self.message)
        return self._told(self.message.with_body(reply.text if settings.answer == "text" else _value(reply.text)))

    async def _unanswered(self, reply: Reply) -> Outcome:
        """The model refused, a filter stopped it, or its answer was cut off."""
        await self._save()
        if reply.stop == "refusal":
            said = "the model refused"
            error: OctoError = Permanent(
                "ai-agent: model refused and no guardrail configured", code=codes.REFUSED, vars=self._details_only()
            )
        else:
            reason = reason_of(reply)
            assert reason is not None
            said, error = str(reason), reason
        return await self._guarded(said, error)

    async def _exhausted(self) -> Outcome:
        await self._save()
        said = f"the agent did not finish within {self._settings.max_iterations} calls of its model"
        error = Permanent(
            "ai-agent: exceeded max iterations and no guardrail configured",
            code=codes.NO_END,
            vars=self._details_only(),
        )
        return await self._guarded(said, error)

    async def _guarded(self, reason: str, error: OctoError) -> Outcome:
        await self._telling.tell("guardrail", reason=reason)
        if self._settings.default is None:
            raise self._with_history(error)
        outcome = await at_last(self._settings.default(self._told(self.message, reason=reason)))
        if not isinstance(outcome, Drop):
            await self._telling.tell("done", text="")
        return outcome

    def _with_history(self, error: OctoError) -> OctoError:
        told = error.vars.get("ai")
        error.vars = {"ai": {**(told if isinstance(told, dict) else {}), "history": self.history()}}
        return error

    def _details_only(self) -> dict[str, object]:
        return {"ai": self._details()}

    def _details(self, **more: object) -> dict[str, object]:
        told = {"iterations": self._telling.iteration, "toolCalls": list(self._calls.made)}
        return {**details(self._meter, self._reply), **told, **more}

    def _told(self, message: Message, **more: object) -> Message:
        return self._settings.told(message, self._details(**more))

    def history(self) -> list[dict[str, Any]]:
        """The conversation of this message so far, without files."""
        return as_json(map(without_files, self.turns[self._first :]))

    async def _save(self, waiting: Waiting | None = None) -> None:
        if self._memory is None:
            return
        kept = self.turns if self._settings.keep_attachments else map(without_files, self.turns)
        await self._memory.save(Saved(tuple(kept), self._saved_tokens, waiting))


def _without_cut_call(reply: Reply) -> Reply:
    """The reply whose last call cannot be made if no tokens were left for it: what is there of its arguments may fit
    the tool, and still be half of them.
    """
    if reply.stop != "max_tokens" or not reply.calls:
        return reply
    *whole, last = reply.calls
    raw = last.raw if last.arguments is None else codec.write(dict(last.arguments)).decode()
    return reply._replace(calls=(*whole, last._replace(arguments=None, raw=raw)))


def _value(text: str) -> object:
    plain = unfenced(text)
    try:
        return codec.read(plain)
    except codec.NotJson:
        return plain
