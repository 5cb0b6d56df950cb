"""The page of an OpenAPI document: everything is shown, and nothing that it shows is markup."""

from __future__ import annotations

import re

import pytest

from octo.connectors.http.openapi import Described, document
from octo.connectors.http.page import MOST_ROWS, POLICY, page
from octo.connectors.http.settings import Server
from octo.connectors.http.sources import Route

EVIL = '<script>alert("x")</script>'


def shown(schema=None, description="", path="/orders", title="shop", **settings):
    route = Route.model_validate({"path": path, "methods": ["POST"], **settings})
    return page(
        document(title, "1", [Described(Server(), route, "f", description, schema)]),
        "/openapi.json",
        "http://localhost:1",
    ).decode()


def test_everything_is_text():
    found = shown({"properties": {EVIL: {"description": EVIL, "enum": [EVIL]}}}, EVIL, title=EVIL)
    assert "<script" not in found
    assert found.count("&lt;script&gt;") >= 5


def test_it_loads_and_runs_nothing():
    found = shown({"type": "object"})
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", found)
    assert " style=" not in found
    assert [each for each in re.findall(r'href="([^"]*)"', found) if each != "/openapi.json"] == []


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ({"type": "string", "minLength": 1, "description": "Who."}, ["string", "Who; length at least 1"]),
        ({"type": ["integer", "null"], "minimum": 1, "default": 3}, ["integer or null", "at least 1; default 3"]),
        ({"enum": ["a", 1]}, ["one of", "&quot;a&quot;, 1"]),
        ({"type": "array", "items": {"type": "number"}}, ["list of number"]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["string or null"]),
        ({"pattern": "^a$"}, ["pattern ^a$"]),
        (True, ["anything"]),
    ],
)
def test_a_property_says_what_it_takes(schema, texts):
    found = shown({"type": "object", "required": ["field"], "properties": {"field": schema}})
    assert "<code>field</code>" in found
    assert "<i>required</i>" in found
    assert all(each in found for each in texts), found


def test_what_is_inside_is_shown_and_a_schema_that_refers_to_itself_ends():
    tree = {"properties": {"name": {"type": "string"}, "below": {"type": "array", "items": {"$ref": "#"}}}}
    found = shown(tree)
    assert "<code>below[].name</code>" in found
    assert found.count("<code>") < 40


def test_a_long_schema_is_cut():
    found = shown({"properties": {f"p{i}": {} for i in range(1000)}})
    assert found.count("<tr>") < MOST_ROWS + 10


def test_no_routes():
    assert b"No routes." in page(document("shop", "1", []), "", "")
