"""The example of each component is short and right: it is a valid part of a flow file."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from octo.builtin import plugins
from octo.cli.entries import entries
from octo.cli.example import of_block, of_connector, of_source
from octo.config.load import parse
from octo.suite.yaml import dump

FOUND = entries()
CONNECTORS = {each.name: each for each in FOUND if each.kind == "connector"}
COMPONENTS = [each for each in FOUND if each.kind in ("connector", "source", "block")]


@pytest.fixture(autouse=True)
def modules(monkeypatch):
    """The module that the example of `python` names."""
    shop, orders = ModuleType("shop"), ModuleType("shop.orders")
    orders.price = lambda body: body
    monkeypatch.setitem(sys.modules, "shop", shop)
    monkeypatch.setitem(sys.modules, "shop.orders", orders)
    shop.orders = orders


def whole(entry) -> dict:
    """The example, with what a flow file needs around it."""
    if entry.kind == "connector":
        return of_connector(entry.data)
    if entry.kind == "source":
        return {**of_connector(CONNECTORS[entry.owner].data), **of_source(entry.data)}
    needed = entry.data["connector"]
    connectors = of_connector(CONNECTORS[needed["of"][0]].data) if needed else {}
    flows = [{"name": "example", "process": of_block(entry.data)}, {"name": "other", "process": []}]
    return {**connectors, "flows": flows}


def test_a_secret_comes_from_the_environment():
    example = of_connector({"type": "x", "fields": [SECRET]})

    assert example == {
        "env": [{"name": "API_KEY", "secret": True, "default": "not-set"}],
        "connectors": [{"name": "example", "type": "x", "settings": {"apiKey": "${API_KEY}"}}],
    }


SECRET = {"name": "apiKey", "type": "text", "secret": True, "required": True}


@pytest.mark.parametrize("entry", COMPONENTS, ids=lambda each: f"{each.kind}-{each.name}")
def test_it_is_valid(entry):
    config = parse(dump(whole(entry)), plugins(), {})

    assert len(dump(whole(entry)).splitlines()) <= 25
    assert config.flows or config.connectors
