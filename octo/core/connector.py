"""Connectors: they own connections, sessions and listeners.

A connector is a class with `open`, an async context manager that yields a finished object; leaving it closes that.
The methods marked `@source` and `@block` work on the opened object. See `octo.core.powers` for what else it can do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from octo.core.block import BlockType, model_of, settings_of
from octo.core.port import services_of
from octo.core.powers import Stubbed, Triggered
from octo.core.settings import Settings
from octo.core.source import SourceType

C = TypeVar("C", bound=type)


class StubType(NamedTuple):
    """The stand-in for a connector in a test.

    settings: the model of what a test writes under `stubs:`. function: `(cls, settings, stub)` to an async context
    manager of the stand-in. trigger: the model of what a test writes under `trigger:`, if its sources can be triggered.
    services: those the stand-in asks for, parameter to name; see `octo.core.port`.
    """

    settings: type[Settings]
    function: Callable[..., Any]
    trigger: type[Settings] | None
    services: Mapping[str, str]


class ConnectorType(NamedTuple):
    """A declared connector: its settings, its class, its sources and blocks, and its stub.

    services: those its `open` asks for, parameter to name; see `octo.core.port`.
    family: what connectors that can stand in for one another have in common, such as `llm`; "" for one that is alone.
    """

    name: str
    settings: type[Settings]
    cls: type
    doc: str
    sources: Mapping[str, SourceType]
    blocks: Mapping[str, BlockType]
    stub: StubType | None
    services: Mapping[str, str]
    family: str = ""

    def is_a(self, wanted: str) -> bool:
        """Whether a block that needs this type or family of connectors can use it."""
        return wanted in (self.name, self.family)


def connector(name: str, *, family: str = "") -> Callable[[C], C]:
    """Mark a class as the connector `name`. Its `open(cls, settings)` is annotated with the settings model.

    family: a word that blocks name to work with any of several connectors: `@block("ai-prompt", connector="llm")`.
    The protocols of `octo.core.powers` say what else it can do, such as being stubbed in tests.
    """

    def mark(cls: C) -> C:
        members = vars(cls).values()
        cls.__octo_connector__ = ConnectorType(  # type: ignore[attr-defined]
            name=name,
            settings=settings_of(cls.open),  # type: ignore[attr-defined]
            cls=cls,
            doc=inspect.cleandoc(cls.__doc__ or inspect.getmodule(cls).__doc__ or ""),
            sources=_declared(members, "__octo_source__", name),
            blocks=_declared(members, "__octo_block__", name),
            stub=_stub(cls),
            services=services_of(cls.open),  # type: ignore[attr-defined]
            family=family,
        )
        return cls

    return mark


def _declared(members: Any, attribute: str, connector: str) -> dict[str, Any]:
    found = (getattr(member, attribute) for member in members if hasattr(member, attribute))
    return {each.name: each._replace(connector=connector) for each in found}


def _stub(cls: type) -> StubType | None:
    if not isinstance(cls, Stubbed):
        return None
    spec = model_of(cls.trigger, "spec") if issubclass(cls, Triggered) else None
    function: Any = cls.stub
    return StubType(model_of(function, "stub"), function.__func__, spec, services_of(function, behind=1))
