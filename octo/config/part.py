"""Parts of a configuration: what a call, a case or a watched run needs of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager

from octo.config.documents import BlockDoc, Config, ConnectorDoc, FlowDoc
from octo.config.walk import blocks_of, connectors_of, inside, reachable
from octo.core.settings import Settings


def part(config: Config, called: Iterable[str]) -> Config:
    """The called flows and all they may call, with the connectors of their blocks and sources, in file order."""
    flows = {doc.name: doc for name in called for doc in reachable(config, name)}
    used = {*_of_blocks(flows.values()), *_of_sources(flows.values())}
    connectors = {name: doc for name, doc in config.connectors.items() if name in used}
    return config._replace(flows=flows, connectors=connectors)


def unfed(config: Config, fed: Collection[str]) -> Config:
    """The configuration in which only the flows in `fed` have a source, and a place for dead letters."""
    flows = {
        name: doc if name in fed else doc._replace(source=None, dead_letter=None) for name, doc in config.flows.items()
    }
    return config._replace(flows=flows)


def without_files(config: Config) -> Config:
    """The configuration that keeps no dead letters in files: a test leaves nothing behind."""
    flows = {
        name: doc._replace(dead_letter=None) if doc.dead_letter is not None and doc.dead_letter.kind == "file" else doc
        for name, doc in config.flows.items()
    }
    return config._replace(flows=flows)


def stubbed(config: Config, stubs: Mapping[str, Settings]) -> Config:
    """The configuration in which these stubs replace the connectors of their names."""
    connectors = {name: doc._replace(stub=stubs.get(name, doc.stub)) for name, doc in config.connectors.items()}
    return config._replace(connectors=connectors)


def without_idle(config: Config, mocked: Iterable[BlockDoc]) -> Config:
    """The configuration with an empty stand-in for each connector that only the `mocked` blocks, or blocks inside
    them, use.
    """
    gone = {id(each) for block in mocked for each in (block, *inside(block))}
    used = [
        (id(block), name) for doc in config.flows.values() for block in blocks_of(doc) for name in connectors_of(block)
    ]
    needed = {name for block, name in used if block not in gone} | set(_of_sources(config.flows.values()))
    idle = {name for _, name in used} - needed
    stand_ins = {
        name: doc._replace(type=doc.type._replace(name="mocked", cls=_unopened(doc.type.cls)))
        for name, doc in config.connectors.items()
        if name in idle
    }
    return config._replace(connectors={**config.connectors, **stand_ins})


def only_feeding(config: Config) -> Iterator[ConnectorDoc]:
    """The connectors that feed flows and that no block uses."""
    called, feeding = set(_of_blocks(config.flows.values())), set(_of_sources(config.flows.values()))
    return (doc for name, doc in config.connectors.items() if name in feeding - called)


def _of_blocks(flows: Iterable[FlowDoc]) -> Iterator[str]:
    return (name for doc in flows for block in blocks_of(doc) for name in connectors_of(block))


def _of_sources(flows: Iterable[FlowDoc]) -> Iterator[str]:
    return (doc.source.connector for doc in flows if doc.source is not None)


def _unopened(cls: type) -> type:
    """The same connector class, except that it opens nothing. A stub in a test still finds its other members."""
    return type(cls.__name__, (cls,), {"open": staticmethod(_open_nothing)})


@asynccontextmanager
async def _open_nothing(settings: Settings, **services: object) -> AsyncIterator[None]:
    del settings, services
    yield
