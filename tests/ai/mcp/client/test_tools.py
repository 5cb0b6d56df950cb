"""What a server says of its tools is data from outside: it is cleaned, bounded, and costs no other tool."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, strategies as st

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.settings import Tools
from octo.ai.mcp.client.tools import MOST_DESCRIPTION, MOST_TOOLS, listing, shown
from octo.core.errors import Permanent
from tests.ai.injections import MARK, TAGS, TOOL_DESCRIPTIONS, TOOL_NAMES, TOOL_SCHEMAS

OBJECT = {"type": "object"}


def listed(*tools, **which):
    return listing([(*each, None) for each in tools], Tools.model_validate(which), [], "the server").tools


@pytest.mark.parametrize("name", TOOL_DESCRIPTIONS)
def test_nothing_hidden_is_in_a_description(name):
    (tool,) = listed((name, TOOL_DESCRIPTIONS[name], OBJECT))

    assert len(tool.description) <= MOST_DESCRIPTION
    assert not set(tool.description) & set(TAGS)
    assert all(each.isprintable() or each in "\n\t" for each in tool.description)


@pytest.mark.parametrize("name", TOOL_NAMES)
def test_every_name_is_one_that_models_take(name):
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", each.name) for each in listed((name, "", OBJECT)))


@pytest.mark.parametrize("name", TOOL_SCHEMAS)
def test_a_bad_schema_costs_no_other_tool_and_no_time(name, caplog):
    tools = {each.name: each for each in listed(("bad", "", TOOL_SCHEMAS[name]), ("good", "", OBJECT))}

    assert "good" in tools
    if "bad" in tools:
        with contextlib.suppress(Permanent):
            tools["bad"].verified({"a": "a" * 40 + "!"})  # as a loop over all ways, the pattern of `slow` takes years


def test_a_description_in_a_schema_is_cleaned_too_and_data_in_it_is_not():
    schema = {**TOOL_SCHEMAS["description"], "examples": [f"{MARK}{TAGS}"]}

    (tool,) = listed(("a", "", schema))

    assert TAGS not in tool.schema["properties"]["a"]["description"]
    assert tool.schema["examples"] == schema["examples"]


def test_two_names_that_become_the_same_stay_apart():
    tools = listed(("a b", "first", OBJECT), ("a/b", "second", OBJECT), ("a_b", "third", OBJECT))

    assert [(each.name, each.original) for each in tools] == [("a_b", "a b"), ("a_b_2", "a/b"), ("a_b_3", "a_b")]


def test_the_second_tool_of_one_name_is_left_out(caplog):
    tools = listed(("a", "first", OBJECT), ("a", "second", OBJECT), ("b", "", OBJECT))

    assert [(each.name, each.description) for each in tools] == [("a", "first"), ("b", "")]
    assert "tool left out" in caplog.text


def test_there_are_only_so_many_tools():
    assert len(listed(*((f"t{number}", "", OBJECT) for number in range(MOST_TOOLS + 5)))) == MOST_TOOLS


def test_patterns_say_which_tools_there_are():
    tools = [("read_a", "", OBJECT), ("read_b", "", OBJECT), ("write", "", OBJECT)]

    assert [each.name for each in listed(*tools, allow=["read_?"], deny=["*_b"])] == ["read_a"]
    assert listed(*tools, allow=[]) == ()


def test_a_tool_is_found_by_both_of_its_names_and_an_unknown_one_says_what_there_is():
    found = listing([("get order", "", OBJECT, None)], Tools(), [], "the server")

    assert found.find("get order", "the server") is found.find("get_order", "the server")
    with pytest.raises(Permanent, match=r"the server has no tool 'x' that can be used; it has: get order") as caught:
        found.find("x", "the server")
    assert caught.value.code == codes.NO_TOOL


@given(st.lists(st.text(min_size=1, max_size=80), max_size=20))
def test_all_names_differ_and_models_take_them(names):
    found = [each.name for each in listed(*((name, "", OBJECT) for name in names))]

    assert len(set(found)) == len(found) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", each) for each in found)


@given(st.text(), st.integers(4, 100))
def test_a_shown_text_is_bounded_and_printable(text, most):
    told = shown(text, most)

    assert len(told) <= most
    assert all(each.isprintable() or each in "\n\t" or each.isspace() for each in told)
