"""Each tool is a route, with the arguments that the route takes, and says what it may do to what is there."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from octo_platform.api.app import SLICES
from octo_platform.auth import policy
from octo_platform.mcp.inner import SLASHED
from octo_platform.web.routing import TOOL


def routes():
    """The routes that are tools, by name of the tool."""
    return {each.openapi_extra[TOOL]: each for slice_ in SLICES for each in slice_.routes if TOOL in each.openapi_extra}


def test_each_tool_is_a_route_and_each_route_that_says_so_a_tool(tools):
    assert {*tools} == {*routes()}
    assert {each.name for each in routes().values()} == {*tools}, "a tool is called as the function is"
    assert all(policy.is_known(each.action) for each in tools.values())


def test_each_tool_says_what_it_does_in_the_words_of_its_route(tools):
    for name, route in routes().items():
        assert tools[name].description == route.description, f"{name} has no docstring"
        assert len(name) <= 64


def test_schemas_are_valid_and_take_nothing_else(tools):
    for each in tools.values():
        jsonschema.Draft202012Validator.check_schema(each.schema)
        assert each.schema["additionalProperties"] is False
        assert "$ref" not in str(each.schema), each.name
        assert {*each.schema["required"]} <= {*each.schema["properties"]} == {*each.arguments}


def test_every_placeholder_of_a_path_is_an_argument_that_is_needed(tools):
    for name, each in tools.items():
        placeholders = {*re.findall(r"\{(\w+)\}", each.path)}
        assert placeholders <= {*each.schema["required"]}, name
        assert {argument.name for argument in each.arguments.values() if argument.where == "path"} == placeholders


def test_only_the_path_of_a_file_has_slashes(tools):
    slashed = {place for route in routes().values() for place in re.findall(r"\{(\w+):path\}", route.path)}
    assert slashed == {SLASHED}


def test_hints_follow_from_the_action_and_the_method(tools):
    reads = {name for name, each in tools.items() if each.is_read}
    assert {name for name in reads if tools[name].method != "GET"} == {
        "check_integration",
        "plan_deployment",
        "plan_roll",
    }
    assert {name for name, each in tools.items() if each.only_adds} == {
        "create_integration",
        "create_version",
        "create_deployment",
    }
    assert {name for name, each in tools.items() if each.may_repeat and not each.is_read} == {
        "write_file",
        "delete_file",
        "write_secret",
        "write_secret_of_environment",
    }


def test_no_tool_reads_secrets_or_touches_people_and_keys(tools):
    actions = {each.action for each in tools.values()}
    assert "secrets.read" not in actions
    assert actions & policy.PERSONAL == set()
    assert not {each.partition(".")[0] for each in actions} & {
        "users",
        "members",
        "keys",
        "session",
        "platform",
        "data",
    }


def test_the_page_names_each_tool_with_its_scope(tools):
    """A row has tools and their scope, or several of both."""
    page = (Path(__file__).parents[3] / "docs" / "platform.md").read_text()
    found = {}
    for left, right in re.findall(r"^\| (`[a-z_]+`[^|]*) \| (`[a-z]+\.[^|]*) \|$", page, re.MULTILINE):
        for names, scope in zip(left.split(";"), re.findall(r"`([^`]+)`", right), strict=True):
            found |= dict.fromkeys(re.findall(r"`([^`]+)`", names), scope)
    assert found == {name: each.action for name, each in tools.items()}


@pytest.mark.parametrize("name", ["create_version", "create_deployment", "roll_out", "scale", "restart"])
def test_a_call_that_changes_something_may_be_sent_again_with_its_key(tools, name):
    assert tools[name].arguments["idempotencyKey"].name == "Idempotency-Key"
