"""The subject of the check: a connector type with valid settings, ready to be opened or run by the engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

from octo.builtin import plugins
from octo.config.documents import Config, SourceDoc
from octo.config.load import parse
from octo.core.connector import ConnectorType
from octo.core.errors import ConfigError
from octo.core.plugins import Plugins
from octo.core.settings import Settings
from octo.core.source import Outlet
from octo.services.container import Services
from octo.testing.harness import App, running

Feed = Callable[[Any], Awaitable[object]]
"""Takes the open connector, and puts one message where its source finds it."""

NAME = "checked"
"""The name of the connector in the configurations of the check."""


class Given(NamedTuple):
    """The arguments of `check_connector`; see there."""

    settings: Mapping[str, object]
    sources: Mapping[str, Mapping[str, object]]
    blocks: Mapping[str, Mapping[str, object]]
    message: object
    feed: Mapping[str, Feed]
    stub: Mapping[str, object]
    triggers: Mapping[str, Mapping[str, object]]
    without: Collection[str]
    patience: float
    quiet: float


class Refused(Exception):
    """The given settings are not valid, so nothing can be opened."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Subject:
    """See the module."""

    def __init__(self, type_: ConnectorType, given: Given, config: Config, services: Services) -> None:
        self.type = type_
        self.given = given
        self.config = config
        self._services = services

    @classmethod
    async def of(cls, type_: ConnectorType, given: Given, services: Services) -> Subject:
        """The connector with the given settings. Raises `Refused` if these are not valid."""
        config = _parsed(type_, _document(type_, given, type_.sources, type_.blocks))
        for asked in (type_.services, *(each.services for each in type_.sources.values())):
            await services.open(asked.values())
        return cls(type_, given, config, services)

    @property
    def settings(self) -> Settings:
        return self.config.connectors[NAME].settings

    def open(self) -> AbstractAsyncContextManager[Any]:
        """A new connection, not yet entered."""
        handed = self._services.handed(self.type.services)
        return self.type.cls.open(self.settings, **handed)  # type: ignore[attr-defined,no-any-return]

    def begin(self, source: SourceDoc, connector: object, *inlet: object) -> Any:
        """Call a source of an open connector: it returns its deliveries, or a context manager to enter."""
        handed = self._services.handed(source.type.services)
        if source.type.takes_site:
            handed["site"] = Outlet(flow_of_source(source.type.name), NAME, NAME)
        return source.type.function(connector, source.settings, *inlet, **handed)

    def sources(self) -> Iterator[tuple[str, SourceDoc]]:
        for name in self.type.sources:
            source = self.config.flows[flow_of_source(name)].source
            assert source is not None
            yield name, source

    @asynccontextmanager
    async def app(
        self, *, sources: Collection[str] = (), blocks: Collection[str] = (), stub: bool = False
    ) -> AsyncIterator[App]:
        """The engine with these sources and blocks of the connector, or of its stub."""
        text = _text(_document(self.type, self.given, sources, blocks))
        stubs = {NAME: self.given.stub} if stub else {}
        async with running(text, plugins(), components=[self.type.cls], stubs=stubs) as app:
            yield app


def flow_of_source(name: str) -> str:
    """The flow that a source feeds."""
    return f"fed by {name}"


def flow_of_block(name: str) -> str:
    """The flow that calls a block."""
    return f"calls {name}"


def _document(
    type_: ConnectorType, given: Given, sources: Collection[str], blocks: Collection[str]
) -> dict[str, object]:
    """A configuration as an author would write it: a flow for each source and for each block."""
    connector = {"name": NAME, "type": type_.name, "settings": given.settings}
    fed = [
        {
            "name": flow_of_source(name),
            "source": {"connector": NAME, "type": name, "settings": given.sources.get(name, {})},
            "process": [],
        }
        for name in sources
    ]
    calling = [
        {
            "name": flow_of_block(name),
            "process": [{"type": name, "settings": {type_.blocks[name].key: NAME, **given.blocks.get(name, {})}}],
        }
        for name in blocks
    ]
    return {"connectors": [connector], "flows": [*fed, *calling]}


def _text(document: Mapping[str, object]) -> str:
    # JSON is YAML. `str`, because tests pass paths and the like as objects.
    return json.dumps(document, default=lambda value: dict(value) if isinstance(value, Mapping) else str(value))


def _parsed(type_: ConnectorType, document: Mapping[str, object]) -> Config:
    try:
        return parse(_text(document), plugins().joined(Plugins.of([type_.cls])), {})
    except ConfigError as error:
        said = [f"{each.message}" + (f" ({each.hint})" if each.hint else "") for each in error.problems]
        raise Refused([f"what `check_connector` was given is refused: {each}" for each in said]) from error
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise Refused([f"the connector cannot be configured, its class raises {text}"]) from error
