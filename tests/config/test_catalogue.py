"""Components as data."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

import pytest
from annotated_types import Ge
from pydantic import Field, WithJsonSchema

from octo.builtin import BLOCKS, CONNECTORS
from octo.config.catalogue import catalogue, duration, fields, label
from octo.core.connector import connector
from octo.core.durations import Duration
from octo.core.expressions import Expr, Names
from octo.core.language import FlowSettings
from octo.core.plugins import Plugins
from octo.core.settings import WEB, Advanced, Listens, Reaches, Secret, Settings, Short
from octo.core.sockets import ConnectorRef, FlowRef, Of, Steps
from octo.core.source import source


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
        "label": "Port",
        "doc": "Where it listens.",
        "group": "common",
        "type": "int",
        "minimum": 0,
        "maximum": 65535,
        "required": False,
        "secret": False,
        "expression": False,
        "null": False,
        "default": 8080,
    }


def test_secrets_show_no_default(known):
    token = entry(known["connectors"], "http")["fields"][1]

    assert (token["secret"], token["default"]) == (True, None)


def test_a_block_of_a_connector(known):
    assert entry(known["blocks"], "sql")["connector"] == {
        "type": "database",
        "of": ["database"],
        "key": "connector",
        "required": True,
    }
    assert entry(known["blocks"], "log")["connector"] == {
        "type": "logger",
        "of": ["logger"],
        "key": "logger",
        "required": False,
    }
    assert entry(known["blocks"], "if")["connector"] is None


@pytest.mark.parametrize(
    ("block", "slots"),
    [("if", ["then", "else"]), ("switch", ["cases[].process", "default"]), ("fork", ["branches[]"]), ("log", [])],
)
def test_slots(known, block: str, slots: list[str]):
    assert entry(known["blocks"], block)["slots"] == slots


def test_a_block_that_takes_the_rest_of_its_flow():
    found = catalogue(Plugins(CONNECTORS, BLOCKS))

    assert [each["type"] for each in found["blocks"] if each["tail"]] == ["aggregate", "split"]
    assert {each["family"] for each in found["connectors"] if each["type"].startswith("llm-")} == {"llm"}


class Everything(Settings):
    text: str
    """Doc."""
    wait: Duration = timedelta(seconds=90)
    choice: int | None = None
    secret: Secret | None = None
    value: Expr[bool] | None = None
    steps: Steps | None = None
    flow: FlowRef | None = None
    server: Annotated[ConnectorRef, Of("mcp-client")] | None = None
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
    assert (found["server"]["type"], found["server"]["connector"]) == ("text", "mcp-client")
    assert found["byName"]["items"] == {"type": "list", "items": {"type": "int"}}
    assert [each["type"] for each in found["either"]["of"]] == ["int", "text"]
    assert found["anything"]["type"] == "any"


class Formed(Settings):
    """Said of all."""

    max_open_conns: Annotated[int, Advanced] = 1
    base_url: str = Field("", alias="baseURL", examples=["https://a.example"])
    dsn: str = Field(title="Where it is")
    at: datetime | None = None
    word: Annotated[str, WithJsonSchema({"type": ["string", "boolean"]})] = ""
    clauses: list[Annotated[Everything, Short("text")]] = []


def test_a_type_of_its_own_may_be_written_as_a_text():
    """As its JSON Schema says, whatever Python makes of it."""

    class Routed(Settings):
        path: Annotated[tuple[int, ...], WithJsonSchema({"type": "string"})] = ()

    assert [each["type"] for each in fields(Routed)] == ["text"]


def test_what_forms_need_to_know():
    found = {each["name"]: each for each in fields(Formed)}

    assert [each["label"] for each in found.values()][:3] == ["Max open conns", "Base URL", "Where it is"]
    assert {name for name, each in found.items() if each["group"] == "advanced"} == {"maxOpenConns"}
    assert found["baseURL"]["examples"] == ["https://a.example"]
    assert "examples" not in found["dsn"]
    assert [found["at"]["null"], found["word"]["null"]] == [True, False]
    assert found["at"]["type"] == "time"
    assert found["word"]["of"] == [{"type": "text"}, {"type": "bool"}]
    assert found["clauses"]["items"]["short"] == "text"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timeout", "Timeout"),
        ("else", "Else"),
        ("caURL", "CA URL"),
        ("TLSCert", "TLS cert"),
        ("rawBodyVar2", "Raw body var2"),
    ],
)
def test_a_field_is_called_as_people_say_it(name: str, text: str):
    assert label(name) == text


class Named(Settings):
    path: str

    def variables(self):
        return {self.path: str}


class Given(Settings):
    """What a test writes."""

    rows: int
    """How many."""


class Sent(Settings):
    method: str
    """How."""


@connector("stubbed")
class Stubbed:
    """Stands in."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Everything):
        yield cls()

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Everything, stub: Given):
        yield cls()

    @source("named", once=True, sets=Sent)
    async def named(self, settings: Named):
        """Names."""
        yield

    @source("silent")
    async def silent(self, settings: Everything):
        """Says nothing."""
        yield


def test_what_tests_write_and_what_sources_set():
    (found,) = catalogue(Plugins({"stubbed": f"{__name__}:Stubbed"}, {}))["connectors"]
    named, silent = found["sources"]

    assert (found["stub"]["doc"], found["trigger"]) == ("What a test writes.", None)
    assert [each["name"] for each in found["stub"]["fields"]] == ["rows"]
    assert (named["once"], named["naming"]) == (True, True)
    assert [(each["name"], each["doc"]) for each in named["sets"]] == [("method", "How.")]
    assert (silent["once"], silent["naming"], silent["sets"]) == (False, False, None)


def test_flows_and_variables(known):
    assert [each["name"] for each in known["flow"]] == [
        info.alias or name for name, info in FlowSettings.model_fields.items()
    ]
    assert [each["name"] for each in known["env"]] == ["name", "default", "required", "secret"]
    assert {each["name"]: each["type"] for each in known["flow"]}["process"] == "chain"


def test_what_cannot_be_imported_is_left_out_and_told():
    told = []
    known = catalogue(
        Plugins({"gone": "octo_nowhere:Gone"}, {}), unloadable=lambda name, error: told.append((name, type(error)))
    )

    assert (known["connectors"], told) == ([], [("gone", ModuleNotFoundError)])


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


class Connected(Settings):
    url: Annotated[str, Reaches(WEB, home="https://api.example.com", when=("mode", ("remote", None)))] = ""
    brokers: Annotated[list[str], Advanced, Reaches((("kafka", 9092),), bare="kafka")] = []
    port: Annotated[int | None, Listens("PORT", 8080)] = Field(None, ge=0)
    mode: str | None = None


def test_where_connections_lead_and_come_in():
    """So that whoever deploys a flow can allow exactly these."""
    found = {each["name"]: each for each in fields(Connected)}

    assert found["url"]["reaches"] == {
        "ports": {"https": 443, "http": 80},
        "bare": "",
        "home": "https://api.example.com",
        "when": {"setting": "mode", "is": ["remote", None]},
    }
    assert found["brokers"]["reaches"] == {"ports": {"kafka": 9092}, "bare": "kafka", "home": "", "when": None}
    assert found["port"]["listens"] == {"variable": "PORT", "default": 8080, "host": "host", "all": "0.0.0.0"}
    assert not found["mode"].keys() & {"reaches", "listens"}
