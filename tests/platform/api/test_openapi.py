"""The document of the API and its code say the same."""

from __future__ import annotations

import pytest
from openapi_spec_validator import validate

from octo_platform.api.app import OUTSIDE, PREFIX, SLICES
from octo_platform.auth import policy
from octo_platform.web.routing import ACTION
from tests.platform.asking import done


@pytest.fixture
async def document(client):
    return (await done(client.get("/openapi.json"))).json()


async def test_it_is_a_valid_document_of_version_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


async def test_every_route_is_in_it_and_nothing_else_is(document):
    documented = {(path, method.upper()) for path, each in document["paths"].items() for method in each}
    routed = {
        (prefix + _plain(route.path), method)
        for prefix, slices in ((PREFIX, SLICES), ("", OUTSIDE))
        for each in slices
        for route in each.routes
        for method in route.methods
    }
    assert documented == routed


async def test_every_operation_says_what_it_does_and_which_action_it_is(document):
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert policy.is_known(operation[ACTION]), (path, method)
            assert operation["summary"], (path, method)
            assert "default" in operation["responses"], (path, method)
            ids.append(operation["operationId"])
    assert len(ids) == len({*ids})


async def test_every_write_of_something_that_is_there_names_what_it_is_based_on(document):
    """`PUT`, `PATCH` and `DELETE` take `If-Match`. Those that do not, change nothing that somebody else may change."""
    without = {
        (path.removeprefix(PREFIX), method)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in ("put", "patch", "delete")
        and "If-Match" not in {each["name"] for each in operation.get("parameters", ())}
    }
    assert without <= WITHOUT_ETAG


WITHOUT_ETAG = {
    ("/workspaces/{workspace}/integrations/{integration}/versions/{tag}", "delete"),  # it never changes
    ("/keys/{id}", "delete"),  # it never changes
    ("/session", "delete"),  # one's own
    ("/session/password", "put"),  # names the old one
    ("/workspaces/{workspace}/members/{user}", "put"),  # a role is set whole
    ("/workspaces/{workspace}/members/{user}", "delete"),
}


def _plain(path):
    return path.replace(":path}", "}")


async def test_what_may_be_null_may_be_missing(document):
    """Answers leave out what is null, so the document must not say that it is always there."""
    wrong = [
        f"{name}.{each}"
        for name, schema in document["components"]["schemas"].items()
        for each in schema.get("required", ())
        if {"type": "null"} in schema["properties"][each].get("anyOf", ())
    ]
    assert wrong == []
