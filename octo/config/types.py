"""The types that a configuration may name.

A type is imported when it is first named. A type that cannot be imported, because a package is missing or broken, is
reported at the place that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from octo.config import codes
from octo.config.place import Place
from octo.config.report import Report
from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.plugins import Plugins

T = TypeVar("T")


class KnownTypes:
    """`Plugins`, with failures reported instead of raised. None means that there is no such type, or a failure."""

    def __init__(self, plugins: Plugins, report: Report) -> None:
        self._plugins = plugins
        self._report = report

    @property
    def connector_names(self) -> list[str]:
        """All names, for hints. Listing them is slow: it searches the installed packages."""
        return self._plugins.connector_names()

    @property
    def block_names(self) -> list[str]:
        return self._plugins.block_names()

    def connector(self, name: str, place: Place | None) -> ConnectorType | None:
        return self._load(self._plugins.connector, name, "connector", place)

    def block(self, name: str, place: Place | None) -> BlockType | None:
        return self._load(self._plugins.block, name, "block", place)

    def connectors(self) -> Iterator[ConnectorType]:
        """All connector types that can be imported."""
        for name in self.connector_names:
            if found := self.connector(name, None):
                yield found

    def _load(self, load: Callable[[str], T | None], name: str, kind: str, place: Place | None) -> T | None:
        try:
            return load(name)
        except Exception as error:  # noqa: BLE001  importing a foreign package may raise anything
            if place is not None:
                message = f"the {kind} type `{name}` cannot be loaded: {type(error).__name__}: {error}"
                hint = "`pip install 'octo-flows[all]'` has what Octo's own types need; else update the package"
                self._report.error(codes.NOT_LOADABLE, place.at, message, hint)
            return None
