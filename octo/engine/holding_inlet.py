"""The inlet of a flow with a journal: a message that was accepted is held until its push source has the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from octo.core.deadline import Lift
from octo.core.flow import Ending
from octo.core.message import Message
from octo.core.partial import Receiver
from octo.engine import elements
from octo.engine.flow import Flow, FlowInlet
from octo.engine.journal.holding import Held, holding


class HoldingInlet(FlowInlet):
    """See the module. inner: the inlet that it holds messages for.

    A caller that hangs up, or a stop, cuts a message off; its run is gone on with from the store.
    """

    def __init__(self, flow: Flow, inner: FlowInlet) -> None:
        super().__init__(flow, inner.connector, inner.service)
        self._inner = inner

    def call(
        self,
        message: Message,
        timeout: float | None = None,
        partial: Receiver | None = None,
        lift: Lift | None = None,
    ) -> Ending | Awaitable[Ending]:
        """See `octo.core.source.Inlet.call`."""
        return self._held(message, timeout, partial, lift)

    async def _held(
        self, message: Message, timeout: float | None, partial: Receiver | None, lift: Lift | None
    ) -> Ending:
        made = elements.gather()
        with holding(self.flow, redelivers=False) as held:
            try:
                result = self._inner.call(message, timeout, partial, lift)
                ending = result if isinstance(result, Ending) else await result
            except asyncio.CancelledError:
                held.left()
                raise
            except Exception:
                await held.over()
                raise
            finally:
                elements.leave()
        if made.is_under_way:
            self._flow.spawn(_over_later(made, held))
        else:
            await held.over()
        return ending


async def _over_later(made: elements.Elements, held: Held) -> None:
    await made.ended()
    await held.over()
