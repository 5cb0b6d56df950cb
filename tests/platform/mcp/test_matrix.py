"""Each role and each tool, generated from the tools: what is listed and what a call answers is what the policy says."""

from __future__ import annotations

import json
from itertools import product
from typing import get_args

import pytest

from octo_platform.auth import policy
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import EVERYWHERE
from tests.platform.mcp.conftest import Assistant

PEOPLE = [role for role in get_args(Role) if role != "runtime"]
NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def places(house):
    await house.person("boss", "admin")
    return {name: await house.workspace(name) for name in ("sales", "stock")}


def may(role, action):
    return action in policy.OWN or (role is not None and role in policy.POLICY[action])


def arguments(tool, workspace):
    """Arguments that fit the schema, with the names of things that are not there."""
    given = {name: _value(schema) for name, schema in tool.schema["properties"].items()}
    given = {name: value for name, value in given.items() if name in tool.schema["required"]}
    return given | ({"workspace": workspace} if "workspace" in given else {})


def _value(schema):
    if schema.get("type") == "integer":
        return schema.get("minimum", 1)
    return "v1" if "pattern" in schema else NOBODY


@pytest.mark.parametrize("role", [*PEOPLE, None])
@pytest.mark.parametrize("where", [EVERYWHERE, "sales"])
async def test_each_role_sees_and_calls_what_the_policy_says(house, places, tools, role, where):
    browser = await house.signed_in("ann", role, places.get(where, where))
    assistant = Assistant(await house.key(browser))
    assert {*(await assistant.tools())} == {name for name, each in tools.items() if may(role, each.action)}
    wrong = []
    for tool, workspace in product(tools.values(), ("sales", "stock")):
        is_done, texts = await assistant.call(tool.name, **arguments(tool, workspace))
        code = "" if is_done else json.loads(texts[0])["code"]
        is_inside = role is not None and where in (EVERYWHERE, workspace)
        if "workspace" not in tool.arguments:
            is_right = is_done
        elif not is_inside:
            is_right = code == "not-found" and "there is no workspace" in texts[0]
        elif may(role, tool.action):
            is_right = code not in ("not-allowed", "internal") and "there is no workspace" not in texts[0]
        else:
            is_right = code == "not-allowed"
        if not is_right:
            wrong.append(f"{tool.name} in {workspace}: {texts}")
    assert wrong == []


@pytest.mark.parametrize("scope", sorted({"integrations.read", "deployments.write", "logs.read", "secrets.write"}))
async def test_a_key_with_one_scope_has_the_tools_of_that_scope(house, places, tools, scope):
    browser = await house.signed_in("ann", "admin")
    assistant = Assistant(await house.key(browser, scopes=[scope], workspace="sales"))
    assert {*(await assistant.tools())} == {name for name, each in tools.items() if each.action == scope}
    for tool in tools.values():
        _, texts = await assistant.call(tool.name, **arguments(tool, "sales"))
        assert ("not-allowed" in texts[0]) is (tool.action != scope), tool.name
        if "workspace" in tool.arguments:
            assert await assistant.refused(tool.name, **arguments(tool, "stock")) == "not-found"
