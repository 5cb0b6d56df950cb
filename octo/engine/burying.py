"""The inlet of a flow with a `deadLetter`: what fails is kept before its push source hears of the failure."""

from __future__ import annotations

from collections.abc import Awaitable

from octo.core.deadline import Lift
from octo.core.errors import Timeout
from octo.core.flow import Ending, Failure
from octo.core.message import Message
from octo.core.partial import Receiver
from octo.engine.burial import Burial
from octo.engine.flow import Flow, FlowInlet


class BuryingInlet(FlowInlet):
    """See the module. A message that never started, because there was no room, is no dead letter."""

    def __init__(self, flow: Flow, burial: Burial, connector: str = "", service: str = "") -> None:
        super().__init__(flow, connector, service)
        self._burial = burial

    def call(
        self,
        message: Message,
        timeout: float | None = None,
        partial: Receiver | None = None,
        lift: Lift | None = None,
    ) -> Ending | Awaitable[Ending]:
        """See `octo.core.source.Inlet.call`."""
        if partial is not None:
            return super().call(message, timeout, partial, lift)  # which calls this again, without it
        try:
            result = super().call(message, timeout, lift=lift)
        except Failure as failure:
            return self._bury(message, failure)
        return result if isinstance(result, Ending) else self._watch(message, result)

    async def _watch(self, message: Message, waiting: Awaitable[Ending]) -> Ending:
        try:
            return await waiting
        except (Failure, Timeout) as error:
            return await self._bury(message, error)

    async def _bury(self, message: Message, error: Exception) -> Ending:
        await self._burial.keep(message, error)
        raise error
