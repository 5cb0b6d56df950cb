"""What the parts of a configuration share while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from octo.config.connectors import Connectors
from octo.config.documents import SourceDoc
from octo.config.place import Place
from octo.config.reader import Reader
from octo.config.report import Report
from octo.config.types import KnownTypes
from octo.core.expressions import Build
from octo.core.sockets import FlowRef


class Processor(NamedTuple):
    """A reusable block definition under `processors:`."""

    name: str
    type: str
    settings: dict[str, Place]
    place: Place


class Entry(NamedTuple):
    """A part of a configuration, for the outline.

    address: its name in traces, tests and errors; "" for a connector or a source, which have none.
    parent: the address of the flow, block or branch that contains it.
    name: the label of a block, the name or index of a branch, the connector of a source.
    place: None for a branch that could be written but is not.
    source: the document of a source, if it could be read.
    """

    kind: Literal["connector", "flow", "source", "error", "branch", "block"]
    address: str
    parent: str
    type: str
    name: str
    place: Place | None
    source: SourceDoc | None = None


@dataclass(eq=False, repr=False)
class Context:
    """One configuration while it is read.

    calls: every reference to a flow, to be checked once all flows are known.
    refs: the processors that some block used.
    entries: what was read so far, right or wrong, in the order of the file.
    """

    report: Report
    reader: Reader
    known: KnownTypes
    build: Build
    connectors: Connectors
    processors: dict[str, Processor]
    calls: list[tuple[FlowRef, Place]] = field(default_factory=list)
    refs: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
