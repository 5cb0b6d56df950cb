"""Components are declared once and fully: each is documented, and listed under its own type."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import octo.ai
import octo.blocks
import octo.connectors
from octo.builtin import BLOCKS, CONNECTORS
from octo.config.model import kinds, models_in
from octo.config.shipped import shipped
from octo.core.block import BlockType
from octo.core.connector import ConnectorType
from octo.core.plugins import Plugins
from octo.core.settings import field_docs
from octo.core.source import SourceType

BUILTIN = Plugins(CONNECTORS, BLOCKS)

Component = ConnectorType | SourceType | BlockType


def components() -> Iterator[tuple[str, Component]]:
    for name in BUILTIN.connector_names():
        connector = BUILTIN.connector(name)
        assert connector is not None
        yield f"connector {name}", connector
        for source in connector.sources.values():
            yield f"source {name}.{source.name}", source
    for name in BUILTIN.block_names():
        block = BUILTIN.block(name)
        assert block is not None
        yield f"block {name}", block


COMPONENTS = dict(components())


def declared(package: Any) -> Iterator[Any]:
    """Everything public in the modules of a package, each where it is defined."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if getattr(value, "__module__", None) == module.__name__:
                yield value


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_says_what_it_does(name: str):
    """The docstring is the reference page, the help in the editor and the summary of the catalogue."""
    assert COMPONENTS[name].doc


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_setting_says_what_it_does(name: str):
    """Every option has a docstring, because its documentation comes from there."""
    missing = [
        f"{model.__name__}.{field}"
        for model in models_in(kinds(COMPONENTS[name].settings))
        for field in model.model_fields.keys() - field_docs(model).keys()
    ]

    assert missing == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_are_listed_under_their_own_name(name: str):
    """`builtin.py` lists each type under the name that its module declares."""
    assert COMPONENTS[name].name == re.split(r"[ .]", name)[-1]


def test_every_connector_is_listed():
    """Every connector is listed: flows cannot use another."""
    everything = [*declared(octo.ai), *declared(octo.connectors)]
    found = {each.__octo_connector__.name for each in everything if hasattr(each, "__octo_connector__")}

    assert found == set(CONNECTORS)


def test_every_block_is_listed():
    """Every block is listed: flows cannot use another."""
    everything = [*declared(octo.ai), *declared(octo.blocks), *declared(octo.connectors)]
    free = {each.__octo_block__.name for each in everything if hasattr(each, "__octo_block__")}
    offered = {
        name for each in everything if hasattr(each, "__octo_connector__") for name in each.__octo_connector__.blocks
    }

    assert free | offered == set(BLOCKS)


REACHES_NOTHING = {
    "cron": "a clock",
    "events": "the topics of the runtime: the platform says where",
    "http": "a server",
    "logger": "the log of the process",
    "queue": "the queues of the runtime: the platform says where",
    "vector-sqlite": "a file",
}
"""Connectors that open no connection that a setting names, each with the reason."""


def marks(fields: list[dict[str, Any]]) -> Iterator[str]:
    """The settings, at any depth, that say where connections lead."""
    for each in fields:
        yield from [each["name"]] if "reaches" in each else []
        yield from marks(each.get("fields", []))
        yield from (name for kind in each.get("of", []) for name in marks(kind.get("fields", [])))


@pytest.mark.parametrize("connector", shipped()["connectors"], ids=lambda each: each["type"])
def test_every_connector_says_where_it_connects_to(connector: dict[str, Any]):
    """Whoever deploys a flow allows what `octo check --facts` tells, and nothing else."""
    assert bool([*marks(connector["fields"])]) is (connector["type"] not in REACHES_NOTHING)


def test_addresses_inside_of_settings_are_marked():
    known = {each["type"]: each for each in (*shipped()["connectors"], *shipped()["blocks"])}

    assert [*marks(known["http-client"]["fields"])] == ["baseURL", "tokenURL", "url"]
    assert [*marks(known["mcp-client"]["fields"])] == ["url", "issuer", "proxy"]
    assert [*marks(known["jwt-validate"]["fields"])] == ["issuer", "jwksUrl"]
