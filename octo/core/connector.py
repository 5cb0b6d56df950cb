"""Connectors: what owns connections, sessions and listeners.

A connector is a class with `open`, an async context manager that yields a finished object; leaving it closes it. Its
methods marked `@source` and `@block` work on the opened object. What else it may do is in `octo.core.powers`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from octo.core.block import BlockType, model_of, settings_of
from octo.core.port import NOTHING, services_of
from octo.core.powers import Stubbed, Triggered
from octo.core.settings import Settings
from octo.core.source import SourceType

C = TypeVar("C", bound=type)


class StubType(NamedTuple):
    """What stands in for a connector in a test.

    settings: the model of what a test writes under `stubs:`. function: `(cls, settings, stub)` to an async context
    manager of the stand-in. trigger: the model of what a test writes under `trigger:`, if its sources can be triggered.
    services: those the stand-in is handed, parameter to name; see `octo.core.port`.
    """

    settings: type[Settings]
    function: Callable[..., Any]
    trigger: type[Settings] | None
    services: Mapping[str, str] = NOTHING


class ConnectorType(NamedTuple):
    """A declared connector: its settings, how it is opened, what it offers, and what tests put in its place.

    services: those its `open` is handed, parameter to name; see `octo.core.port`.
    """

    name: str
    settings: type[Settings]
    cls: type
    doc: str
    sources: Mapping[str, SourceType]
    blocks: Mapping[str, BlockType]
    stub: StubType | None = None
    services: Mapping[str, str] = NOTHING


def connector(name: str) -> Callable[[C], C]:
    """Mark a class as the connector `name`. Its `open(cls, settings)` is annotated with the settings model.

    What it may do besides, such as being stubbed in tests, are the protocols of `octo.core.powers`.
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
