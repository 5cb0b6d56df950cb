"""The part of a configuration that a case needs: the flows it calls, what these call, and their connectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from octo.config.documents import Config, ConnectorDoc, FlowDoc
from octo.engine.build import blocks_of, reachable


def unfed(config: Config, fed: Collection[str]) -> Config:
    """The configuration without the sources of all flows but those."""
    flows = {name: doc if name in fed else doc._replace(source=None) for name, doc in config.flows.items()}
    return config._replace(flows=flows)


def part(config: Config, called: Iterable[str]) -> Config:
    """Those flows and all they may call, with the connectors of their blocks and sources, in the order of the file."""
    flows = {doc.name: doc for name in called for doc in reachable(config, name)}
    used = {*_of_blocks(flows.values()), *(doc.source.connector for doc in flows.values() if doc.source is not None)}
    connectors = {name: doc for name, doc in config.connectors.items() if name in used}
    return config._replace(flows=flows, connectors=connectors)


def only_feeding(config: Config) -> Iterator[ConnectorDoc]:
    """The connectors that feed flows, and that no block calls."""
    called = set(_of_blocks(config.flows.values()))
    feeding = {doc.source.connector for doc in config.flows.values() if doc.source is not None}
    return (doc for name, doc in config.connectors.items() if name in feeding - called)


def _of_blocks(flows: Iterable[FlowDoc]) -> Iterator[str]:
    return (block.connector for doc in flows for block in blocks_of(doc) if block.connector is not None)
