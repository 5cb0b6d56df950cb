"""What the parts of a configuration share while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from octo.config.connectors import Connectors
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


@dataclass(eq=False, repr=False)
class Context:
    """One configuration being read.

    calls: every reference to a flow, for checking once all flows are known.
    refs: the processors that some block used.
    """

    report: Report
    reader: Reader
    known: KnownTypes
    build: Build
    connectors: Connectors
    processors: dict[str, Processor]
    calls: list[tuple[FlowRef, Place]] = field(default_factory=list)
    refs: set[str] = field(default_factory=set)
