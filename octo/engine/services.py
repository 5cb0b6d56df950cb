"""The services that a configuration asks for are opened before anything that uses them is built."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octo.config.documents import Config, ConnectorDoc, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import ConfigError, Position, Problem
from octo.core.language import JOURNAL_SERVICES
from octo.expr import nearest
from octo.services.container import Services


class _Asked(NamedTuple):
    """A component that asks for services. who: its kind and name, for messages. services: parameter to name."""

    who: str
    at: Position
    services: Mapping[str, str]


async def open_services(config: Config, services: Services) -> None:
    """Open the services that connectors, sources and blocks ask for. Raises `ConfigError` for one that is not known."""
    asked = [each for doc in config.connectors.values() for each in _of_connector(doc)]
    journal = services.for_journal(JOURNAL_SERVICES)
    for flow in config.flows.values():
        asked += _of_flow(flow, journal)
        await asyncio.sleep(0)  # the walk over very many blocks takes a while, and flows may be running
    if problems := [problem for each in asked for problem in _problems(each, services.names)]:
        raise ConfigError(problems)
    await services.open({name: None for each in asked for name in each.services.values()})


def _of_connector(doc: ConnectorDoc) -> Iterator[_Asked]:
    asked = doc.type.stub.services if doc.stub is not None and doc.type.stub is not None else doc.type.services
    if asked:
        yield _Asked(f"the connector `{doc.name}`", doc.at, asked)


def _of_flow(doc: FlowDoc, journal: Mapping[str, str]) -> Iterator[_Asked]:
    if doc.source is not None and doc.source.type.services:
        yield _Asked(f"the source of the flow `{doc.name}`", doc.source.at, doc.source.type.services)
    if doc.dead_letter is not None and doc.dead_letter.kind == "queue":
        yield _Asked(f"`deadLetter` of the flow `{doc.name}`", doc.dead_letter.at, {"queues": "queues"})
    if doc.durability == "journal":
        yield _Asked(f"`durability` of the flow `{doc.name}`", doc.at, journal)
    for block in blocks_of(doc):
        if block.type.services:
            yield _Asked(f"the block `{block.address}`", block.at, block.type.services)


def _problems(asked: _Asked, known: list[str]) -> Iterator[Problem]:
    from octo.services import codes  # imported only here: every start of `octo` imports this module

    for name in asked.services.values():
        if name not in known:
            guess = nearest(name, known)
            hint = (f"did you mean `{guess}`? " if guess else "") + f"there are: {', '.join(known) or 'none'}"
            message = f"{asked.who} asks for the service `{name}`, which nothing provides here"
            yield Problem(codes.UNKNOWN, asked.at, message, hint)
