"""Connector instances, and how blocks name them."""

from __future__ import annotations

import pytest

TWO = "connectors: [{name: a, type: database, settings: {dsn: 'x://'}}, {name: b, type: database, settings: {dsn: 'x://'}}]"
ONE = "connectors: [{name: a, type: database, settings: {dsn: 'x://'}}, {name: web, type: http}]"


def test_a_block_is_bound_to_its_instance(config):
    found = config(f"{TWO}\nflows: [{{name: f, process: [{{type: sql, connector: b, query: q}}]}}]\n")

    assert found.flows["f"].process[0].connector == "b"
    assert list(found.connectors) == ["a", "b"]


def test_equal_declarations_have_equal_keys(config):
    first, second = config(TWO).connectors["a"], config(TWO).connectors["a"]

    assert first.key == second.key
    assert first.key != config(TWO).connectors["b"].key


def test_a_default_instance_is_made_once_and_comes_last(config):
    """`log` without `logger` means the default logger, even if one is declared: a declaration changes nothing else."""
    found = config(
        """\
        connectors: [{name: own, type: logger}]
        flows: [{name: f, process: [{type: log}, {type: log, logger: own}, {type: log}]}]
        """
    )

    assert [each.connector for each in found.flows["f"].process] == ["logger (default)", "own", "logger (default)"]
    assert list(found.connectors) == ["own", "logger (default)"]


@pytest.mark.parametrize(
    ("connectors", "block", "expected"),
    [
        (
            "",
            "{type: sql, query: q}",
            "OCTO-C135 the `sql` block does not say which `database` connector it uses | declare",
        ),
        (ONE, "{type: sql, query: q}", "uses | write `connector: a`"),
        (TWO, "{type: sql, query: q}", "uses | write `connector:` with one of `a`, `b`"),
        (
            ONE,
            "{type: sql, query: q, connector: aa}",
            "OCTO-C133 no connector is named `aa` | did you mean `a`?; known: `a`",
        ),
        (
            ONE,
            "{type: sql, query: q, connector: web}",
            "OCTO-C134 the `sql` block needs a `database` connector, `web` is of",
        ),
        (ONE, "{type: sql, query: q, connector: 3}", "OCTO-C110 `connector` must be text, found a whole number"),
        (ONE, "{type: log, logger: nope}", "OCTO-C133 no connector is named `nope`"),
        (ONE, "{type: log, connector: a}", "OCTO-C111 the `log` block has no key `connector`"),
    ],
)
def test_what_is_wrong_with_a_reference(problems, connectors: str, block: str, expected: str):
    (found,) = problems(f"{connectors}\nflows: [{{name: f, process: [{block}]}}]\n")

    assert expected in found


@pytest.mark.parametrize(
    ("connector", "expected"),
    [
        ("3", "1:14 OCTO-C110 a connector must be a mapping, found a whole number"),
        ("{type: http}", "1:14 OCTO-C112 `name` of a connector is missing"),
        ("{name: a}", "1:14 OCTO-C112 `type` of a connector is missing"),
        ("{name: a, type: htp}", "1:30 OCTO-C131 no connector type `htp` | did you mean `http`?"),
        ("{name: a, type: http, setings: {}}", "1:36 OCTO-C111 a connector has no key `setings` | did you mean"),
        ("{name: a, type: http, port: 1}", "1:36 OCTO-C111 a connector has no key `port` | put it under `settings:`;"),
        ("{name: a, type: http, settings: 3}", "1:46 OCTO-C110 `settings` must be a mapping, found a whole number"),
        ("{name: a, type: database}", "1:14 OCTO-C112 `dsn` of the `database` connector is missing"),
        ("{name: a, type: http}, {name: a, type: http}", "1:44 OCTO-C120 the connector `a` is defined twice"),
    ],
)
def test_what_is_wrong_with_a_declaration(problems, connector: str, expected: str):
    (found,) = problems(f"connectors: [{connector}]\n")

    assert found.startswith(expected)


def test_a_broken_declaration_is_not_an_unknown_name(problems):
    text = """\
    connectors: [{name: a, type: database}]
    flows: [{name: f, process: [{type: sql, connector: a, query: q}]}]
    """

    assert len(problems(text)) == 1
