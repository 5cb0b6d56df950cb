"""A checked configuration: typed documents with positions, ready for the engine.

Invariant of a `Config`: every type exists, every setting is valid, every expression is compiled, every reference
(connector, flow, processor) names something that exists, and names are unique.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from octo.core.block import BlockType
from octo.core.budget import Budget
from octo.core.connector import ConnectorType
from octo.core.contract import Contract
from octo.core.errors import Position, Problem
from octo.core.language import Durability
from octo.core.settings import Settings
from octo.core.source import SourceType


class ConnectorDoc(NamedTuple):
    """A configured connector instance. Two with the same `key` are the same connection.

    stub: what replaces it, in the settings of its type's stub; None where it is real.
    """

    name: str
    type: ConnectorType
    settings: Settings
    at: Position
    stub: Settings | None = None

    @property
    def key(self) -> tuple[str, str, Settings, Settings | None]:
        return (self.name, self.type.name, self.settings, self.stub)


class BlockDoc(NamedTuple):
    """A block of a chain.

    label: its `name`, else its type.
    address: its place, `flow.block` and deeper `flow.composite[branch].block`; the error chain is `flow[error].block`.
    connector: the instance whose method it is, or None for a free function.
    ref: the processor that gives its type, "" if the block has its own.
    Chains inside it are the `Steps` in its settings, whose `blocks` are BlockDocs too.
    """

    type: BlockType
    label: str
    address: str
    settings: Settings
    connector: str | None
    at: Position
    ref: str = ""


class SourceDoc(NamedTuple):
    """What feeds a flow: a source of a connector instance."""

    type: SourceType
    connector: str
    settings: Settings
    at: Position


class DeadLetterDoc(NamedTuple):
    """Where the messages of a flow go that failed for good: `kind` is `queue`, `file` or `flow`.

    target: the name of the queue or flow, or the path of the file.
    """

    kind: str
    target: str
    at: Position


class FlowDoc(NamedTuple):
    """A flow. `error` is None when it has no error chain, which is not the same as an empty one.

    workers: how many messages it works on at once; 1 keeps their order.
    buffer: how many more may wait for a worker.
    pool: how many branches its concurrent composites may run at once.
    input: the JSON Schema of the bodies that it is made for, as written. Its expressions are checked against it, and
        so are bodies that come over HTTP; those of other callers are not.
    contract: what it requires and ensures; None when it declares neither.
    mask: names of fields whose values must not appear in traces, wherever they are in a body or variable.
    description: what it does, in the words of its author; "" when there is none.
    dead_letter: where messages go that it fails for good; None leaves that to its source.
    durability: what of a message outlives the process; see `octo.core.language.FlowSettings`.
    budget: what the models and tools of a message may cost; None for no limit.
    """

    name: str
    source: SourceDoc | None
    process: tuple[BlockDoc, ...]
    error: tuple[BlockDoc, ...] | None
    workers: int
    buffer: int
    pool: int
    at: Position
    input: Mapping[str, object] | None = None
    contract: Contract | None = None
    mask: tuple[str, ...] = ()
    description: str = ""
    dead_letter: DeadLetterDoc | None = None
    durability: Durability = "ack"
    budget: Budget | None = None


class Texts(NamedTuple):
    """The flow files as they were read, and how to read such texts as the same configuration at another time.

    again: takes names and contents. Variables and files beside them are those of that time.
    """

    files: tuple[tuple[str, bytes], ...]
    again: Callable[[Sequence[tuple[str, bytes]]], Config]

    def __repr__(self) -> str:
        return f"<Texts of {len(self.files)} files>"


class Config(NamedTuple):
    """Everything of one configuration.

    connectors: by instance name, in file order, default instances (for sources that name none) last.
    flows: by name, in file order.
    env: the declared environment variables that have a value. secrets: the names of those whose value is secret.
    given: the `.env` files that exist, with the number of variables that each sets.
    watched: the files that this configuration depends on, existing or not.
    warnings: what is allowed but probably a mistake.
    version: a hash of the texts of the flow files, 12 hexadecimal digits; "" where there are none.
    texts: these files; None where there are none.
    """

    name: str
    environment: str
    connectors: Mapping[str, ConnectorDoc]
    flows: Mapping[str, FlowDoc]
    env: Mapping[str, str] = MappingProxyType({})
    watched: tuple[Path, ...] = ()
    warnings: tuple[Problem, ...] = ()
    secrets: frozenset[str] = frozenset()
    given: Mapping[Path, int] = MappingProxyType({})
    version: str = ""
    texts: Texts | None = None

    def __repr__(self) -> str:
        # Invariant: no values of the environment in a repr; they may be secret.
        return f"<Config {self.name!r}: {len(self.flows)} flows, {len(self.connectors)} connectors>"
