"""Bodies are checked against the `input:` of their flow: 422 says where and why, and the flow does not run."""

from __future__ import annotations

import json

import pytest

from octo.core.errors import Permanent
from octo.core.message import Message

ORDER = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"qty": {"type": "integer", "minimum": 1}, "sku": {"type": "string"}},
            },
        }
    },
}


@pytest.fixture
def orders(inlet):
    """An inlet whose flow declares its input."""
    return inlet(input=ORDER)


async def test_a_body_that_fits_reaches_the_flow(site, orders):
    async with site.route(orders):
        assert (await site.ask("POST", json={"items": [{"qty": 1, "more": True}]}))[0] == 200
    assert len(orders.messages) == 1


async def test_one_that_does_not_is_answered_with_the_place_of_each_fault(site, orders):
    async with site.route(orders, responseHeaders=["X"]):
        status, headers, text = await site.ask("POST", json={"items": [{"qty": 0, "sku": 7}, 3]})
        assert (status, headers["Content-Type"]) == (422, "application/json")
        assert json.loads(text) == {
            "error": "invalid request body",
            "problems": [
                {"pointer": "/items/0/qty", "message": "must be at least 1"},
                {"pointer": "/items/0/sku", "message": "must be a text, not a number"},
                {"pointer": "/items/1", "message": "must be an object, not a number"},
            ],
        }
        assert (await site.ask("POST", json={"items": []}))[0] == 200, "the connection serves on"
    assert len(orders.messages) == 1


async def test_the_number_of_problems_is_bounded(site, orders):
    async with site.route(orders):
        _, _, text = await site.ask("POST", json={"items": [1] * 1000})
    assert len(json.loads(text)["problems"]) == 10


async def test_what_is_no_json_is_400_as_ever(site, orders):
    async with site.route(orders):
        assert (await site.ask("POST", data=b"{"))[0] == 400


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("DELETE", 200), ("POST", 422), ("PUT", 422)]
)
async def test_a_request_without_a_body_is_checked_if_its_method_needs_one(site, orders, method, status):
    async with site.route(orders):
        assert (await site.ask(method))[0] == status
        if method == "DELETE":
            assert (await site.ask(method, json=[]))[0] == 422


async def test_a_deep_document_is_refused_and_not_followed(site, inlet):
    """An ordinary schema that refers to itself in two places; the libraries alone would take for ever."""
    tree = {
        "anyOf": [{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": [each]} for each in ("a", "b")]
    }
    async with site.route(inlet(input=tree)):
        for levels in (20, 200, 1000):
            status, _, text = await site.ask("POST", data=b'{"a":' * levels + b"3" + b"}" * levels)
            assert status == 422
            assert json.loads(text)["problems"]


@pytest.mark.parametrize("settings", [{"validate": False}, {"rawBody": True}])
async def test_it_can_be_switched_off_and_raw_content_is_not_checked(site, orders, settings):
    async with site.route(orders, **settings):
        assert (await site.ask("POST", json=[]))[0] == 200


async def test_without_an_input_nothing_is_checked(site):
    async with site.route():
        assert (await site.ask("POST", json=[]))[0] == 200


async def test_null_is_a_body_too(site, inlet):
    async with site.route(inlet(lambda message: Message(1), input={"type": "null"})):
        assert (await site.ask("POST", json=None, data=b"null"))[0] == 200


async def test_what_is_no_schema_is_refused_at_the_start(site, inlet):
    with pytest.raises(Permanent, match="`input` of the flow test"):
        async with site.route(inlet(input={"type": "objekt"})):
            pass
