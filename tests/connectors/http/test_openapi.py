"""The OpenAPI document of routes: valid for the specification's own validator, and what it says of each."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from octo.connectors.http.openapi import Described, document
from octo.connectors.http.settings import Server
from octo.connectors.http.sources import Route, Static

TREE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "nullable": True}, "below": {"type": "array", "items": {"$ref": "#"}}},
    "additionalProperties": {"$ref": "#/$defs/More"},
    "$defs": {"More": {"const": {"$ref": "#/kept"}}},
}


def described(*routes, base="", auth=None):
    """The document of routes: each its settings, and perhaps a flow, a description and an input."""
    server = Server.model_validate({"basePath": base, **({"auth": auth} if auth else {})})
    return document(
        "shop",
        "2",
        [
            Described(server, Route.model_validate(each), flow, about, input_)
            for each, flow, about, input_ in ((*each, *("flow", "", None)[len(each) - 1 :]) for each in routes)
        ],
    )


def valid(found):
    OpenAPIV31SpecValidator(found).validate()
    return found


def test_no_routes():
    found = valid(document("", "1.0.0", []))
    assert (found["info"], found["paths"]) == ({"title": "Octo", "version": "1.0.0"}, {})


@pytest.mark.parametrize(
    ("path", "base", "shown", "names"),
    [
        ("/orders/{id}/lines/{n}", "/api", "/api/orders/{id}/lines/{n}", ["id", "n"]),
        ("/files/{rest...}", "", "/files/{rest}", ["rest"]),
        ("/{$}", "/api", "/api/", []),
        ("/", "", "/", []),
        ("/a/", "", "/a/", []),
    ],
)
def test_paths_are_templates(path, base, shown, names):
    found = valid(described(({"path": path, "methods": ["GET"]},), base=base))
    operation = found["paths"][shown]["get"]
    assert [each["name"] for each in operation.get("parameters", ())] == names
    assert all(each["in"] == "path" and each["required"] for each in operation.get("parameters", ()))


def test_paths_that_differ_only_in_names_are_one():
    """The specification calls them identical, and a document with both invalid."""
    found = valid(
        described(
            ({"path": "/a/{id}", "methods": ["GET"]}, "one"),
            ({"path": "/a/{name}", "methods": ["PUT"]}, "two"),
            ({"path": "/a/{rest...}", "methods": ["POST"]}, "three"),
        )
    )
    assert {path: list(operations) for path, operations in found["paths"].items()} == {
        "/a/{id}": ["get", "put", "post"]
    }
    assert {each["parameters"][0]["name"] for each in found["paths"]["/a/{id}"].values()} == {"id"}


def test_headers_and_cookies_are_parameters():
    found = valid(described(({"path": "/", "headers": ["X-Tenant", "Authorization"], "cookies": ["lang"]},)))
    assert [(each["name"], each["in"]) for each in found["paths"]["/"]["get"]["parameters"]] == [
        ("X-Tenant", "header"),
        ("lang", "cookie"),
    ]


def test_every_operation_has_a_name_of_its_own():
    found = valid(
        described(
            ({"path": "/a", "methods": ["GET"]}, "one"),
            ({"path": "/b", "methods": ["GET", "POST"]}, "two"),
            ({"path": "/c", "methods": ["GET"]}, "two"),
        )
    )
    names = [each["operationId"] for path in found["paths"].values() for each in path.values()]
    assert names == ["one", "two-get", "two-post", "two-get-/c"]


def test_a_route_for_all_methods_and_one_that_openapi_does_not_know():
    found = valid(described(({"path": "/a"},), ({"path": "/b", "methods": ["CONNECT", "GET"]}, "b")))
    assert list(found["paths"]["/a"]) == ["get", "post", "put", "patch", "delete"]
    assert list(found["paths"]["/b"]) == ["get"]


def test_the_input_is_the_schema_of_the_body():
    found = valid(described(({"path": "/a", "methods": ["POST", "GET"]}, "my flow", "Take it.\nMore.", TREE)))
    operation = found["paths"]["/a"]["post"]
    assert operation["requestBody"]["required"]
    ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert ref == "#/components/schemas/my-flow"
    assert "422" in operation["responses"]
    assert (operation["summary"], operation["description"]) == ("Take it.", "Take it.\nMore.")
    assert "requestBody" not in found["paths"]["/a"]["get"]
    schema = found["components"]["schemas"]["my-flow"]
    assert schema["properties"]["name"]["type"] == ["string", "null"]
    assert schema["properties"]["below"]["items"]["$ref"] == ref
    assert schema["additionalProperties"]["$ref"] == f"{ref}/$defs/More"
    assert schema["$defs"]["More"]["const"] == {"$ref": "#/kept"}, "data is not touched"


def test_a_property_may_have_the_name_of_a_keyword():
    names = ["enum", "const", "default", "examples", "example", "$id", "properties"]
    schema = {"properties": {name: {"$ref": "#/$defs/More"} for name in names}, "$defs": {"More": {"type": "string"}}}
    found = valid(described(({"path": "/a", "methods": ["POST"]}, "f", "", schema)))
    moved = found["components"]["schemas"]["f"]["properties"]
    assert moved == {name: {"$ref": "#/components/schemas/f/$defs/More"} for name in names}


@pytest.mark.parametrize("settings", [{"validate": False}, {"rawBody": True}])
def test_who_does_not_check_does_not_say_so(settings):
    found = valid(described(({"path": "/a", "methods": ["POST"], **settings}, "f", "", TREE)))
    assert "422" not in found["paths"]["/a"]["post"]["responses"]


def test_a_stream_is_an_answer():
    found = valid(described(({"path": "/a", "methods": ["GET"], "sse": {"enabled": True}},)))
    assert "text/event-stream" in found["paths"]["/a"]["get"]["responses"]["200"]["content"]


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        ({"type": "basic", "username": "a", "password": "secret-1"}, {"type": "http", "scheme": "basic"}),
        ({"type": "apiKey", "keys": ["secret-1"]}, {"type": "apiKey", "in": "header", "name": "X-API-Key"}),
        ({"type": "apiKey", "keys": ["secret-1"], "query": "k"}, {"type": "apiKey", "in": "query", "name": "k"}),
        ({"type": "apiKey", "keys": ["secret-1"], "cookie": "k"}, {"type": "apiKey", "in": "cookie", "name": "k"}),
        ({"type": "apiKey", "keys": ["secret-1"], "header": "Authorization"}, {"type": "http", "scheme": "bearer"}),
    ],
)
def test_credentials_are_asked_for_and_never_told(auth, scheme):
    found = valid(described(({"path": "/a"},), ({"path": "/b", "auth": {"type": "none"}}, "open"), auth=auth))
    (name,) = found["components"]["securitySchemes"]
    assert found["components"]["securitySchemes"][name] == scheme
    assert found["paths"]["/a"]["get"]["security"] == [{name: []}]
    assert "401" in found["paths"]["/a"]["get"]["responses"]
    assert "security" not in found["paths"]["/b"]["get"]
    assert "secret-1" not in str(found)


def test_files_are_a_route(tmp_path):
    route = Static.model_construct(path="/site/", folder=tmp_path, auth=None, timeout=None).route
    found = valid(document("", "1", [Described(Server(), route, "site", "", None)]))
    assert list(found["paths"]["/site/{path}"]) == ["get", "head"]
