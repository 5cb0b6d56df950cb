"""Recovery: a flow's error chain runs when its chain fails."""

from __future__ import annotations

from collections.abc import Awaitable

from octo.core.flow import Drop, Failure, Outcome, Processor, Result, Stop
from octo.core.message import Message


def recovering(flow: str, chain: Processor, error: Processor | None) -> Processor:
    """Return a processor that runs the chain and, if it fails, the error chain on the message as it was then."""
    return chain if error is None else _Recovery(flow, chain, error).run


class _Recovery:
    __slots__ = ("_chain", "_error", "_flow")

    def __init__(self, flow: str, chain: Processor, error: Processor) -> None:
        self._flow = flow
        self._chain = chain
        self._error = error

    def run(self, message: Message) -> Result:
        try:
            result = self._chain(message)
        except Failure as failure:
            return self._recover(failure)
        if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
            return result
        return self._run_on(result)  # type: ignore[arg-type]

    async def _run_on(self, waiting: Awaitable[Outcome]) -> Outcome:
        try:
            return await waiting
        except Failure as failure:
            result = self._recover(failure)
        return result if isinstance(result, Outcome) else await result

    def _recover(self, failure: Failure) -> Result:
        try:
            result = self._error(failure.recovery(self._flow))
        except Failure as second:
            raise second.inside("error path").after(failure) from failure
        if result.__class__ is Message or result.__class__ is Drop or result.__class__ is Stop:
            return result
        return self._recover_on(result, failure)  # type: ignore[arg-type]

    async def _recover_on(self, waiting: Awaitable[Outcome], failure: Failure) -> Outcome:
        try:
            return await waiting
        except Failure as second:
            raise second.inside("error path").after(failure) from failure
