"""The types that a process knows: connectors and blocks by the name they have in YAML.

Types are listed as `module:attribute` and imported when first asked for, so that a small flow starts fast however
many connectors exist. The composition root (`octo.builtin`) lists the types of Octo itself; the entry points
`octo.connectors` and `octo.blocks` list those of installed packages. Tests list their own classes and functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.secrets import Store


class Plugins:
    """The declared types, by name.

    connectors: connector type name to `module:Class`, or to the class.
    blocks: block type name to `module:function`, or to `module:Class` for a block that a connector offers; or to that.
    more: returns further types. It is called only when needed, because searching installed packages takes a while.
    secrets: the place of secrets that an environment names, if it names one.
    """

    def __init__(
        self,
        connectors: Mapping[str, object],
        blocks: Mapping[str, object],
        more: Callable[[], Plugins] | None = None,
        secrets: Callable[[Mapping[str, str]], Store | None] | None = None,
    ) -> None:
        self._connectors = dict(connectors)
        self._blocks = dict(blocks)
        self._more = more
        self._secrets = secrets

    @classmethod
    def of(cls, components: Iterable[object]) -> Plugins:
        """The types of these components: classes marked with `@connector`, functions marked with `@block`."""
        connectors: dict[str, object] = {}
        blocks: dict[str, object] = {}
        for each in components:
            if isinstance(type_ := getattr(each, "__octo_connector__", None), ConnectorType):
                connectors[type_.name] = each
                blocks |= dict.fromkeys(type_.blocks, each)
            elif isinstance(type_ := getattr(each, "__octo_block__", None), BlockType):
                blocks[type_.name] = each
            else:
                raise TypeError(f"{each!r} is no component: mark a class with @connector, a function with @block")
        return cls(connectors, blocks)

    def joined(self, others: Plugins) -> Plugins:
        """These types and the others; a name in both means the others' type."""
        return Plugins(
            {**self._connectors, **others._connectors},
            {**self._blocks, **others._blocks},
            others._more or self._more,
            others._secrets or self._secrets,
        )

    def secrets(self, environ: Mapping[str, str]) -> Store | None:
        """The place of secrets that the environment names; None if it names none. Raises `OctoError`."""
        return None if self._secrets is None else self._secrets(environ)

    def connector_names(self) -> list[str]:
        self._complete()
        return sorted(self._connectors)

    def block_names(self) -> list[str]:
        self._complete()
        return sorted(self._blocks)

    def _complete(self) -> None:
        if self._more is not None:
            more: Plugins = self._more()
            self._more = None
            # A package cannot replace a name that is known already: readers of a flow must know what `rest` is.
            self._connectors = {**more._connectors, **self._connectors}
            self._blocks = {**more._blocks, **self._blocks}

    def connector(self, name: str) -> ConnectorType | None:
        """The connector type, or None when there is none of that name."""
        if name not in self._connectors:
            self._complete()
        target = self._connectors.get(name)
        return _load(target).__octo_connector__ if target else None

    def block(self, name: str) -> BlockType | None:
        """The block type, or None when there is none of that name."""
        if name not in self._blocks:
            self._complete()
        target = self._blocks.get(name)
        if target is None:
            return None
        loaded = _load(target)
        if isinstance(loaded, type):
            return loaded.__octo_connector__.blocks[name]  # type: ignore[attr-defined,no-any-return]
        return loaded.__octo_block__  # type: ignore[no-any-return]


def _load(target: object) -> Any:
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
