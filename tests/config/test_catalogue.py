"""Components as data."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from annotated_types import Ge

from octo.config.catalogue import catalogue, duration, fields
from octo.core.durations import Duration
from octo.core.expressions import Expr, Names
from octo.core.settings import Secret, Settings
from octo.core.sockets import FlowRef, Steps


@pytest.fixture(scope="module")
def known(plugins):
    return catalogue(plugins)


def entry(entries, type: str):
    return next(each for each in entries if each["type"] == type)


def test_every_component_is_in_it(known, plugins):
    assert [each["type"] for each in known["connectors"]] == plugins.connector_names()
    assert [each["type"] for each in known["blocks"]] == plugins.block_names()


def test_a_connector(known):
    http = entry(known["connectors"], "http")

    assert http["doc"] == "Serve HTTP."
    assert http["blocks"] == []
    assert entry(http["fields"] and http["sources"], "http")["push"] is True
    assert http["fields"][0] == {
        "name": "port",
        "doc": "Where it listens.",
        "type": "int",
        "minimum": 0,
        "maximum": 65535,
        "required": False,
        "secret": False,
        "expression": False,
        "default": 8080,
    }


def test_secrets_show_no_default(known):
    token = entry(known["connectors"], "http")["fields"][1]

    assert (token["secret"], token["default"]) == (True, None)


def test_a_block_of_a_connector(known):
    assert entry(known["blocks"], "sql")["connector"] == {"type": "database", "key": "connector", "required": True}
    assert entry(known["blocks"], "log")["connector"] == {"type": "logger", "key": "logger", "required": False}
    assert entry(known["blocks"], "if")["connector"] is None


@pytest.mark.parametrize(
    ("block", "slots"),
    [("if", ["then", "else"]), ("switch", ["cases[].process", "default"]), ("fork", ["branches[]"]), ("log", [])],
)
def test_slots(known, block: str, slots: list[str]):
    assert entry(known["blocks"], block)["slots"] == slots


class Everything(Settings):
    text: str
    """Doc."""
    wait: Duration = timedelta(seconds=90)
    choice: int | None = None
    secret: Secret | None = None
    value: Expr[bool] | None = None
    steps: Steps | None = None
    flow: FlowRef | None = None
    by_name: dict[str, list[int]] = {}
    either: int | str = 1
    anything: object = None


def test_types():
    found = {each.pop("name"): each for each in fields(Everything)}

    assert (found["text"]["required"], found["text"]["doc"], "default" in found["text"]) == (True, "Doc.", False)
    assert (found["wait"]["type"], found["wait"]["default"]) == ("duration", "1m30s")
    assert found["choice"]["type"] == "int"
    assert found["secret"]["secret"] is True
    assert (found["value"]["type"], found["value"]["result"], found["value"]["expression"]) == (
        "expression",
        "bool",
        True,
    )
    assert found["steps"]["type"] == "steps"
    assert found["flow"]["type"] == "flow"
    assert found["byName"]["items"] == {"type": "list", "items": {"type": "int"}}
    assert [each["type"] for each in found["either"]["of"]] == ["int", "text"]
    assert found["anything"]["type"] == "any"


class Noted(Settings):
    seen: Annotated[Expr[object], Names("now")] | None = None
    few: Annotated[int, Ge(1)] | None = None


def test_what_is_noted_inside_of_an_optional_type_is_not_lost():
    seen, few = fields(Noted)

    assert seen["names"] == ["now"]
    assert few["minimum"] == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(milliseconds=250), "250ms"),
        (timedelta(hours=1, minutes=30), "1h30m"),
        (timedelta(days=1), "24h"),
        (timedelta(seconds=1, microseconds=5), "1s5us"),
    ],
)
def test_durations_as_an_author_writes_them(value: timedelta, text: str):
    assert duration(value) == text
