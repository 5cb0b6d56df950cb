"""The observer that puts spies, mocks and a breakpoint into the flows of one run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from types import MappingProxyType

from octo.config.documents import BlockDoc, Config
from octo.config.part import without_idle
from octo.config.walk import inside
from octo.core.flow import Drop, Halt, Outcome, Result, ending
from octo.core.message import Message
from octo.debug.addresses import AddressError, resolve
from octo.debug.mocks import Mock, mocked
from octo.debug.spies import Crossing, spied
from octo.engine.observe import Observer
from octo.engine.step import Step

_NO_MOCKS: Mapping[str, Mock] = MappingProxyType({})


class Debug(Observer):
    """Watches one run. On the same block, the spy sees what the mock returns, and the breakpoint what the spy sees.

    flow: the flow that will be called; addresses may lie in any flow.
    spies, mocks, break_at: addresses, see `octo.debug.addresses`. Raises `AddressError` if one names no block, and
        for a spy or breakpoint inside a block that is mocked.

    config: the configuration to run: the given one without the connectors that only mocked blocks use.
    spies: the crossings by address, as the address was given.
    reached: the first message that left the block of the breakpoint `reached_block`, None until then. It ends the
        flow with `Halt`.
    """

    def __init__(
        self,
        config: Config,
        flow: str,
        *,
        spies: Iterable[str] = (),
        mocks: Mapping[str, Mock] = _NO_MOCKS,
        break_at: str | None = None,
    ) -> None:
        self._where = (config, flow)
        self._mocks: dict[str, tuple[str, Mock]] = {}
        self._crossings: dict[str, list[Crossing]] = {}
        self._numbers = count(1)
        blocks = [self._mock(address, mock) for address, mock in mocks.items()]
        gone = {each.address: block.address for block in blocks for each in inside(block)}
        self.spies: dict[str, list[Crossing]] = {address: self._spy(address, gone) for address in spies}
        self._break = None if break_at is None else self._watch(break_at, gone)
        self.reached: Message | None = None
        self.reached_block = break_at or ""
        self.config = without_idle(config, blocks)

    def _mock(self, address: str, mock: Mock) -> BlockDoc:
        block = self._find(address)
        if block.address in self._mocks:
            other = self._mocks[block.address][0]
            raise AddressError(f'"{address}" and "{other}" are the same block; mock it once', address)
        self._mocks[block.address] = (address, mock)
        return block

    def _spy(self, address: str, gone: Mapping[str, str]) -> list[Crossing]:
        return self._crossings.setdefault(self._watch(address, gone), [])

    def _watch(self, address: str, gone: Mapping[str, str]) -> str:
        """Return the address of a block to watch. Raises if the block is inside a mocked one, where nothing runs."""
        block = self._find(address)
        if block.address in gone:
            around = gone[block.address]
            raise AddressError(f'"{address}": nothing runs there, because "{around}" around it is mocked', address)
        return block.address

    def _find(self, address: str) -> BlockDoc:
        config, flow = self._where
        try:
            return resolve(config, address)
        except AddressError as error:
            try:
                meant = resolve(config, f"{flow}.{address}")
            except AddressError:
                raise error from None
            text = f'"{address}" does not begin with the name of a flow. Did you mean "{meant.address}"?'
            raise AddressError(text, address) from None

    # --- while flows are built -----------------------------------------------------------------------------------

    def step(self, step: Step) -> Step:
        if step.address in self._mocks:
            address, mock = self._mocks[step.address]
            step = mocked(step, mock, address)
        if step.address in self._crossings:
            step = spied(step, self._crossings[step.address], self._numbers.__next__)
        return step._replace(call=self._stopping(step.call)) if step.address == self._break else step

    def _stopping(self, call: Callable[[Message], Result]) -> Callable[[Message], Result]:
        def run(message: Message) -> Result:
            result = call(message)
            if inspect.isawaitable(result):
                return self._stop_later(result)
            return self._stop(result)

        return run

    async def _stop_later(self, waiting: Awaitable[Outcome]) -> Outcome:
        return self._stop(await waiting)

    def _stop(self, outcome: Outcome) -> Outcome:
        """Halt the flow when a message leaves the block. A drop is returned: it ends the flow anyway."""
        if isinstance(outcome, Drop):
            return outcome
        if self.reached is None:
            self.reached = ending(outcome)
        raise Halt
