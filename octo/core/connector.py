"""Connectors: what owns connections, sessions and listeners.

A connector is a class with `open`, an async context manager that yields a finished object; leaving it closes it. Its
methods marked `@source` and `@block` work on the opened object. Optional powers are one-method protocols.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from octo.core.block import BlockType, settings_of
from octo.core.settings import Settings
from octo.core.source import SourceType

C = TypeVar("C", bound=type)


@runtime_checkable
class Healthy(Protocol):
    """A connector that can tell whether it works right now."""

    async def health(self) -> None:
        """Return if it works; raise `Transient` with the reason if it does not."""
        ...


class ConnectorType(NamedTuple):
    """A declared connector: its settings, how it is opened, and what it offers."""

    name: str
    settings: type[Settings]
    cls: type
    doc: str
    sources: Mapping[str, SourceType]
    blocks: Mapping[str, BlockType]


def connector(name: str) -> Callable[[C], C]:
    """Mark a class as the connector `name`. Its `open(cls, settings)` is annotated with the settings model."""

    def mark(cls: C) -> C:
        members = vars(cls).values()
        cls.__octo_connector__ = ConnectorType(  # type: ignore[attr-defined]
            name=name,
            settings=settings_of(cls.open),  # type: ignore[attr-defined]
            cls=cls,
            doc=inspect.cleandoc(cls.__doc__ or inspect.getmodule(cls).__doc__ or ""),
            sources=_declared(members, "__octo_source__", name),
            blocks=_declared(members, "__octo_block__", name),
        )
        return cls

    return mark


def _declared(members: Any, attribute: str, connector: str) -> dict[str, Any]:
    found = (getattr(member, attribute) for member in members if hasattr(member, attribute))
    return {each.name: each._replace(connector=connector) for each in found}
