"""Connectors that nobody needs, because every block that would call them is mocked: they are not opened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from octo.config.documents import BlockDoc, Config
from octo.core.settings import Settings
from octo.debug.addresses import inside
from octo.engine.build import blocks_of


def without_idle(config: Config, mocked: Iterable[BlockDoc]) -> Config:
    """The configuration with an empty stand-in for each connector that only blocks in, or of, `mocked` use."""
    gone = {id(each) for block in mocked for each in (block, *inside(block))}
    blocks = [block for doc in config.flows.values() for block in blocks_of(doc) if block.connector is not None]
    needed = {block.connector for block in blocks if id(block) not in gone}
    needed |= {doc.source.connector for doc in config.flows.values() if doc.source is not None}
    idle = {block.connector for block in blocks} - needed
    stand_ins = {
        name: doc._replace(type=doc.type._replace(name="mocked", cls=_unopened(doc.type.cls)))
        for name, doc in config.connectors.items()
        if name in idle
    }
    return config._replace(connectors={**config.connectors, **stand_ins})


def _unopened(cls: type) -> type:
    """The same connector, but for its `open`; what stands in for it in a test still finds what it builds on."""
    return type(cls.__name__, (cls,), {"open": staticmethod(_open_nothing)})


@asynccontextmanager
async def _open_nothing(settings: Settings) -> AsyncIterator[None]:
    del settings
    yield
