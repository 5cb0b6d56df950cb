"""Connectors: what owns connections, sessions and listeners.

A connector is a class with `open`, an async context manager that yields a finished object; leaving it closes it. Its
methods marked `@source` and `@block` work on the opened object. Optional powers are one-method protocols.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from octo.core.block import BlockType, model_of, settings_of
from octo.core.settings import Settings
from octo.core.source import SourceType

C = TypeVar("C", bound=type)


@runtime_checkable
class Healthy(Protocol):
    """A connector that can tell whether it works right now."""

    async def health(self) -> None:
        """Return if it works; raise `Transient` with the reason if it does not."""
        ...


@runtime_checkable
class Triggered(Protocol):
    """A stub whose sources can be made to hand over a message, as the outside would."""

    async def trigger(self, source: Settings, spec: Settings) -> object:
        """Let the source with these settings bring what `spec` says; answer what the outside would see, as JSON.

        Returns once the message has been dealt with. `None` where the outside sees nothing.
        """
        ...


class StubType(NamedTuple):
    """What stands in for a connector in a test.

    settings: the model of what a test writes under `stubs:`. function: `(cls, settings, stub)` to an async context
    manager of the stand-in. trigger: the model of what a test writes under `trigger:`, if its sources can be triggered.
    """

    settings: type[Settings]
    function: Callable[..., Any]
    trigger: type[Settings] | None


class ConnectorType(NamedTuple):
    """A declared connector: its settings, how it is opened, what it offers, and what tests put in its place."""

    name: str
    settings: type[Settings]
    cls: type
    doc: str
    sources: Mapping[str, SourceType]
    blocks: Mapping[str, BlockType]
    stub: StubType | None = None


def connector(name: str) -> Callable[[C], C]:
    """Mark a class as the connector `name`. Its `open(cls, settings)` is annotated with the settings model.

    A classmethod `stub(cls, settings, stub)` opens what tests use in its place: the annotation of `stub` is the model
    of what they write for it, that of `trigger(self, source, spec)`'s `spec` the model of what they trigger with.
    If a trigger answers a mapping, `replies` may name its keys; a classmethod `untriggerable(cls, settings, source,
    spec)` may say why a trigger can never work, or "".
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
        )
        return cls

    return mark


def _declared(members: Any, attribute: str, connector: str) -> dict[str, Any]:
    found = (getattr(member, attribute) for member in members if hasattr(member, attribute))
    return {each.name: each._replace(connector=connector) for each in found}


def _stub(cls: type) -> StubType | None:
    function = getattr(cls, "stub", None)
    if function is None:
        return None
    trigger = getattr(cls, "trigger", None)
    return StubType(
        model_of(function, "stub"), function.__func__, None if trigger is None else model_of(trigger, "spec")
    )
