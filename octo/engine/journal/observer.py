"""What a flow with a journal runs: its chains are frames of a run, and its blocks are `steps` that are noted.

An observer (`octo.engine.observe`), so a flow without a journal pays nothing. It also wraps the flows that one with a
journal calls: inside of a run their blocks are noted as well, and outside of runs they are as ever.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.config.walk import blocks_of, reachable
from octo.core.flow import Failure, Fenced, Outcome, Processor, Result, at_last
from octo.core.message import Message
from octo.core.settings import Effectful
from octo.core.sockets import Deciding, FlowRef, Repeating, Steps, sockets
from octo.engine.journal import steps
from octo.engine.journal.holding import current as holder
from octo.engine.journal.journal import Journal
from octo.engine.journal.run import Frame, Run, current
from octo.engine.journal.steps import Kind
from octo.engine.observe import Build, Observer
from octo.engine.step import Step
from octo.services.ports import Lost

Elsewhere = Callable[[Run, Message], Awaitable[Outcome]]
VersionOf = Callable[[Run], str]


class Journaling(Observer):
    """See the module.

    version_of: the version of the flow files in which a run goes on. elsewhere: goes on with one in other files than
    those of the journal.
    """

    def __init__(self, config: Config, journal: Journal, version_of: VersionOf, elsewhere: Elsewhere) -> None:
        self._journal = journal
        self._version_of = version_of
        self._elsewhere = elsewhere
        self._config = config
        self._flows = config.flows
        self._kinds: dict[str, Kind] = {}
        self._chains: set[str] = set()
        self._repeated: set[str] = set()
        for doc in {each.name: each for name in journalled(config) for each in reachable(config, name)}.values():
            self._chains |= {doc.name, f"{doc.name}[error]"}
            for block in blocks_of(doc):
                self._know(block)

    def _know(self, block: BlockDoc) -> None:
        self._kinds[block.address] = kind = kind_of(block)
        if kind == "runs chains" and self._calls_makers(block):
            self._kinds[block.address] = "calls makers"
        self._chains |= {socket.address for _, socket in sockets(block.settings) if isinstance(socket, Steps)}
        if isinstance(block.settings, Repeating) and block.settings.repeated is not None:
            self._repeated.add(block.settings.repeated.address)

    def _calls_makers(self, block: BlockDoc) -> bool:
        names = [socket.name for _, socket in sockets(block.settings) if isinstance(socket, FlowRef)]
        docs = (doc for name in names for doc in reachable(self._config, name))
        return any(each.type.takes_tail for doc in docs for each in blocks_of(doc))

    def flow(self, doc: FlowDoc, build: Build) -> Processor:
        """The flow, or a part of it: in the run of its caller, or in one of its own."""
        process = build(self)
        if doc.durability != "journal":
            return process
        return self._begun(doc, self._part(doc), process)

    def _begun(self, doc: FlowDoc, part: str, process: Processor) -> Processor:
        """The flow, as a run of its own unless its caller has one."""

        def whole(message: Message) -> Result:
            return process(message) if current.get() is not None else begun(message)

        async def begun(message: Message) -> Outcome:
            run, held = await self._journal.begin(doc.name, part, message)
            if run is None:
                return await at_last(process(message))
            version = self._version_of(run)
            if version != self._journal.version:
                return await self._elsewhere(run, message)
            run.moved(version)
            tokens = current.set(run.top), holder.set(None)
            try:
                outcome = await at_last(process(message))
                await run.written()
            except Fenced as error:
                raise Failure(Lost(error.reason), doc.name, doc.name, message, doc.at) from error
            finally:
                current.reset(tokens[0])
                holder.reset(tokens[1])
                if held is None:
                    run.left()
            if held is None:
                await run.over()
            return outcome

        return whole

    def _part(self, doc: FlowDoc) -> str:
        """The address of the block behind which the part begins, "" for the beginning of the flow."""
        whole = self._flows[doc.name].process
        start = whole.index(doc.process[0]) if doc.process else len(whole)
        return whole[start - 1].address if start else ""

    def branch(self, address: str, chain: Processor) -> Processor:
        """The chain as a frame."""
        return _framed(chain, address, is_repeated=address in self._repeated) if address in self._chains else chain

    def step(self, step: Step) -> Step:
        """The step, noted when it has finished. One that makes messages has finished when they have."""
        kind = self._kinds.get(step.address)
        return step if kind is None else step._replace(call=steps.noted(kind, step.call, step.address))


def journalled(config: Config) -> list[str]:
    """The flows that have a journal."""
    return [doc.name for doc in config.flows.values() if doc.durability == "journal"]


def kind_of(block: BlockDoc) -> Kind:
    """What a block does, as far as its declaration says."""
    type_, settings = block.type, block.settings
    if type_.takes_tail:
        return "makes messages"
    inner = [socket for _, socket in sockets(settings) if isinstance(socket, Steps | FlowRef)]
    if isinstance(settings, Deciding):
        return "acts alone"
    if inner and not getattr(settings, "one_way", False):
        return "runs chains"
    is_plain = not type_.services and not inspect.iscoroutinefunction(inspect.unwrap(type_.function))
    if is_plain and not type_.calls_outside and not inner and not isinstance(settings, Effectful):
        return "computes"
    return "acts"


# --- chains ----------------------------------------------------------------------------------------------------------


def _framed(chain: Processor, address: str, *, is_repeated: bool) -> Processor:
    def framed(message: Message) -> Result:
        above = current.get()
        if above is None:
            return chain(message)
        frame = above.enter(address, is_repeated=is_repeated)
        if frame.failure is not None:
            raise frame.failure
        token = current.set(frame)
        try:
            result = chain(message)
        except Failure as failure:
            frame.failed(failure)
            frame.ended()
            raise
        finally:
            current.reset(token)
        if isinstance(result, Outcome):
            frame.ended()
            return result
        return later(result, frame)

    async def later(waiting: Awaitable[Outcome], frame: Frame) -> Outcome:
        token = current.set(frame)
        try:
            return await waiting
        except Failure as failure:
            frame.failed(failure)
            raise
        finally:
            frame.ended()
            current.reset(token)

    return framed
