"""The packages that Octo and these flows need, from what its own distribution says."""

from __future__ import annotations

from importlib import metadata

import pytest

from octo.builtin import plugins
from octo.cli import requirements
from octo.cli.requirements import EXTRAS, extras, installed
from octo.config.load import parse
from octo.connectors.database import connector as database

LINES = [
    "click<9,>=8.1",
    "uvloop<1,>=0.21; sys_platform != 'win32'",
    "sqlalchemy[asyncio]<3,>=2; extra == 'sql'",
    "aiomysql<1; extra == 'mysql'",
    "sqlalchemy[asyncio]<3,>=2; extra == 'mysql'",
    "aiomysql<1; extra == 'all'",
    "rich; extra == 'top'",
]
MYSQL = """
connectors: [{name: books, type: database, settings: {driver: mysql, dsn: "mysql://ada:hunter2@host/name"}}]
flows: [{name: f, process: [{type: sql, settings: {connector: books, query: select 1}}]}]
"""


@pytest.fixture
def known(monkeypatch):
    """What is installed, by name; `click` and `uvloop` at first."""
    there = {"click": "8.1", "uvloop": "0.21"}

    def version(name):
        if name not in there:
            raise metadata.PackageNotFoundError(name)
        return there[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda _: LINES)
    return there


def test_requirements_are_told_apart_by_extra(known):
    assert requirements.requirements() == {
        "": ["click", "uvloop"],
        "sql": ["sqlalchemy"],
        "mysql": ["aiomysql", "sqlalchemy"],
        "all": ["aiomysql"],
        "top": ["rich"],
    }


def test_what_is_always_needed_must_be_there(known):
    assert [each.level for each in installed()] == ["ok"]

    del known["uvloop"]
    (found,) = installed()

    assert (found.level, found.fix) == ("fail", "pip install --upgrade octo-flows")
    assert found.text == "not installed: uvloop"


def test_an_extra_that_a_connector_needs_must_be_there(known):
    needed, others = extras(parse(MYSQL, plugins(), {}))

    assert (needed.level, needed.subject) == ("fail", "extra mysql")
    assert needed.text == "the connector books needs aiomysql, sqlalchemy"
    assert needed.fix == "pip install 'octo-flows[mysql]'"
    assert others.text == "not needed here: sql, top (octo top)"

    known |= {"aiomysql": "0.2", "sqlalchemy": "2.0"}
    needed, others = extras(parse(MYSQL, plugins(), {}))
    assert needed.level == "ok"
    assert others.text == "installed: sql; not needed here: top (octo top)"


def test_without_flows_nothing_is_needed(known):
    assert [each.level for each in extras(None)] == ["ok"]


def test_encryption_in_an_expression_needs_its_extra(known, tmp_path):
    flow = tmp_path / "flow.yaml"
    flow.write_text("value: 'toAes(body, env.KEY)'")
    config = parse("flows: []", plugins(), {})._replace(watched=(flow,))

    assert next(extras(config)).subject == "extra crypto"


def test_a_source_tree_that_is_not_installed_is_told(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)

    assert [(each.level, each.fix) for each in installed()] == [("warn", "pip install octo-flows")]


def test_the_extra_of_each_driver_is_the_one_that_its_error_names():
    told = {driver: extra for driver, (_, _, extra) in database._DRIVERS.items() if driver != "sqlite"}

    assert told == EXTRAS
