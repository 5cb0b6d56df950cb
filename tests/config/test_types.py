"""KnownTypes that cannot be imported."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.plugins import Plugins


@pytest.fixture
def broken(plugins):
    """The usual types, and some of a package that is not there."""
    return plugins.joined(Plugins({"gone": "no_such_package:Gone"}, {"gone-block": "no_such_package:gone"}))


def test_a_type_that_cannot_be_imported_is_a_problem_where_it_is_named(broken):
    text = (
        "connectors: [{name: g, type: gone}]\nflows: [{name: f, source: {type: gone}, process: [{type: gone-block}]}]\n"
    )

    with pytest.raises(ConfigError) as caught:
        parse(text, broken, {})

    why = "cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'"
    assert [f"{each.at.line}:{each.at.column} {each.code} {each.message}" for each in caught.value.problems] == [
        f"1:30 OCTO-C153 the connector type `gone` {why}",
        f"2:34 OCTO-C153 the connector type `gone` {why}",
        f"2:58 OCTO-C153 the block type `gone-block` {why}",
    ]


def test_a_broken_package_does_not_hinder_the_rest(broken):
    with pytest.raises(ConfigError) as caught:
        parse("flows: [{name: f, source: {type: htp}}]", broken, {})

    assert "did you mean `http`?" in caught.value.problems[0].hint


def test_nothing_is_imported_that_is_not_named(broken):
    assert parse("flows: [{name: f, process: [{type: log}]}]", broken, {}).warnings == ()
