"""The request that a call is: the same answer as the API gives, for any arguments."""

from __future__ import annotations

import json
import random

import pytest

from octo_platform.mcp import inner
from tests.platform.asking import FLOW, SECRET

HERE = {"workspace": "shop"}


async def test_a_file_is_read_and_written_with_its_etag(assistant):
    of = HERE | {"integration": "orders", "path": "orders.yaml"}
    is_done, [text, etag] = await assistant.call("read_file", **of)
    assert (is_done, text) == (True, FLOW)
    etag = etag.removeprefix("ETag: ")
    changed = FLOW.replace("Hello", "Grüße")
    await assistant.done("write_file", **of, content=changed, ifMatch=etag)
    assert (await assistant.call("read_file", **of))[1][0] == changed
    assert await assistant.refused("write_file", **of, content=FLOW, ifMatch=etag) == "changed"
    assert await assistant.refused("write_file", **of, content=FLOW) == "if-match-needed"
    deeper = of | {"path": "templates/a-b_c.txt"}
    await assistant.done("write_file", **deeper, content="", ifNoneMatch="*")
    assert [each["path"] for each in await assistant.done("list_files", **HERE, integration="orders")] == [
        "orders.yaml",
        "templates/a-b_c.txt",
    ]


async def test_a_call_with_a_key_is_made_once(assistant):
    of = HERE | {"integration": "orders", "tag": "v1", "idempotencyKey": "k"}
    first = await assistant.done("create_version", **of)
    assert await assistant.done("create_version", **of) == first
    assert await assistant.refused("create_version", **of | {"tag": "v2"}) == "key-reused"


async def test_problems_of_flows_are_told_whole(assistant):
    wrong = HERE | {"integration": "orders", "path": "orders.yaml", "content": "flows: [{nam: a}]", "ifMatch": "*"}
    await assistant.done("write_file", **wrong)
    found = await assistant.done("check_integration", **HERE, integration="orders")
    assert (found["ok"], found["problems"][0]["line"]) == (False, 1)
    is_done, [text] = await assistant.call("create_version", **HERE, integration="orders", tag="v1")
    assert (is_done, json.loads(text)["problems"][0]) == (False, found["problems"][0])


async def test_a_secret_is_written_and_in_no_answer(assistant):
    of = HERE | {"environment": "dev"}
    is_done, texts = await assistant.call("write_secret_of_environment", **of, name="BANK", value="s3cr3t-value")
    assert is_done
    assert "s3cr3t-value" not in "".join(texts)
    _, texts = await assistant.call("write_secret_of_environment", **of, name="!", value="s3cr3t-value")
    assert "s3cr3t-value" not in "".join(texts)
    assert (
        await assistant.refused("write_secret_of_environment", **of, name="BANK", value="x", ifNoneMatch="*")
        == "exists"
    )
    await assistant.done("create_integration", **HERE, name="bank", files={"bank.yaml": SECRET})
    found = await assistant.done("check_integration", **HERE, integration="bank")
    assert found["ok"]
    assert "s3cr3t-value" not in json.dumps(found)


async def test_an_answer_has_a_size_and_says_how_to_ask_for_less(assistant, monkeypatch):
    monkeypatch.setattr(inner, "LARGEST", 20)
    _, [text] = await assistant.call("list_integrations", **HERE)
    assert json.loads(text)["code"] == "too-large"
    assert "`limit`" in text


async def test_what_is_no_text_is_not_sent(assistant):
    await assistant.done("create_integration", **HERE, name="raw", files={"a.yaml": FLOW}, binary={"a.png": "/w=="})
    assert await assistant.refused("read_file", **HERE, integration="raw", path="a.png") == "wrong-type"


async def test_a_failure_inside_tells_nothing_of_it(assistant, house, monkeypatch):
    async def broken(*_):
        raise RuntimeError("/srv/inside is broken")

    monkeypatch.setattr(house.installation.inspector, "facts", broken)
    _, [text] = await assistant.call("check_integration", **HERE, integration="orders")
    assert json.loads(text)["code"] == "internal"
    assert "/srv/inside" not in text


@pytest.mark.parametrize("deployment", ["a/b", "a/logs", "../integrations", "", "a/../b", "/"])
async def test_an_argument_leads_to_no_other_route(assistant, deployment):
    assert await assistant.refused("read_deployment", **HERE, deployment=deployment) == "not-found"
    assert await assistant.refused("read_status", workspace=f"shop/{deployment}", deployment="x") == "not-found"


async def test_a_value_that_looks_like_a_placeholder_is_none(assistant):
    of = {"workspace": "{path}", "integration": "{path}", "path": "shop/integrations/orders/files/orders.yaml"}
    _, [text] = await assistant.call("read_file", **of)
    assert "there is no workspace '{path}'" in text


@pytest.mark.parametrize("path", ["../../versions", "/etc/passwd", "a/../b", "", ".", "a//b", "x\0"])
async def test_the_path_of_a_file_stays_one(assistant, path):
    of = HERE | {"integration": "orders", "path": path}
    assert await assistant.refused("read_file", **of) in ("invalid", "not-found")
    assert await assistant.refused("write_file", **of, content="x", ifNoneMatch="*") in ("invalid", "not-found")


async def test_arguments_that_there_are_not_are_refused(assistant):
    is_done, [text] = await assistant.call("list_files", **HERE, integration="orders", evil="x")
    assert (is_done, json.loads(text)["code"]) == (False, "invalid")
    assert "evil" in text
    assert await assistant.refused("list_files", **HERE) == "invalid"


STRANGE = [
    *(None, True, -1, 0, 2**70, 10**300, 1.5, float("nan"), "", " ", "*", "\0", "\ud800", "a\r\nX: y", "ä", "%2e%2e/"),
    *("../..", "x" * 9000, [], [[]], {}, {"a": {"b": [None]}}, {"\ud800": "\ud800"}, ["v1"], "dev:orders", "orders"),
]


async def test_no_argument_makes_it_fail(assistant, tools):
    """Whatever is in whichever argument, the platform answers, and it is no failure of its own."""
    chance = random.Random(7)
    wrong = []
    for tool in tools.values():
        for _ in range(12):
            given = {name: chance.choice(STRANGE) for name in tool.arguments if chance.random() < 0.9}
            given |= HERE if chance.random() < 0.8 and "workspace" in tool.arguments else {}
            given |= {"integration": "orders"} if chance.random() < 0.5 and "integration" in tool.arguments else {}
            result = await assistant.ask("tools/call", name=tool.name, arguments=given)
            text = result["content"][0]["text"] if "content" in result else f"no result: {result}"
            if '"internal"' in text or text.startswith("no result"):
                wrong.append(f"{tool.name} {given}: {text[:300]}")
    assert wrong == []
