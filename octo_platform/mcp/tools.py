"""The tools: the routes that say so, as the document of the API describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from octo_platform.web.routing import ACTION, TOOL

Where = Literal["path", "query", "header", "body", "content"]
Json = Mapping[str, Any]

TEXT = "content"
"""The argument that is the whole body of a request, where that is no JSON."""

_ABOUT = {
    "workspace": "The name of the workspace",
    "integration": "The name of the integration, or its id",
    "deployment": "`ENVIRONMENT:NAME` of the deployment, or its id",
    "tag": "The tag of the version",
}
_KEY: Json = {
    "type": "string",
    "maxLength": 200,
    "description": "A text of your own. Sent again within a day, the call is answered as the first time, and not made",
}


class Argument(NamedTuple):
    """Where an argument of a tool goes in the request, and what it is called there."""

    where: Where
    name: str


class Tool(NamedTuple):
    """A route as an assistant sees it. action: of the policy. schema: of its arguments. media: of the request's body.

    is_read: whether it changes nothing. only_adds: whether it changes nothing that is there. may_repeat: whether a
    second call with the same arguments changes nothing more.
    """

    name: str
    title: str
    description: str
    action: str
    method: str
    path: str
    schema: Json
    arguments: Mapping[str, Argument]
    media: str

    @property
    def is_read(self) -> bool:
        return self.action.endswith((".read", ".list"))

    @property
    def only_adds(self) -> bool:
        return self.name.startswith("create_")

    @property
    def may_repeat(self) -> bool:
        return self.is_read or self.method in ("PUT", "DELETE")


def tools_of(document: Json) -> dict[str, Tool]:
    """All tools by name. document: of the API, OpenAPI 3.1."""
    schemas = document["components"]["schemas"]
    return {
        operation[TOOL]: _tool(method.upper(), path, operation, schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if TOOL in operation
    }


def _tool(method: str, path: str, operation: Json, schemas: Json) -> Tool:
    media, body = _body(operation, schemas)
    given = [*_parameters(operation), *_members(media, body)]
    if method == "POST" and not operation[ACTION].endswith(".read"):
        given.append(("idempotencyKey", Argument("header", "Idempotency-Key"), _KEY, False))
    arguments = {name: argument for name, argument, _, _ in given}
    assert len(arguments) == len(given), f"{operation[TOOL]}: two arguments have one name"
    schema = {
        "type": "object",
        "properties": {name: _plain(described, schemas) for name, _, described, _ in given},
        "required": [name for name, _, _, is_needed in given if is_needed],
        "additionalProperties": False,
    }
    name = operation[TOOL]
    about = operation.get("description") or operation["summary"]
    return Tool(name, operation["summary"], about, operation[ACTION], method, path, schema, arguments, media)


_Given = tuple[str, Argument, Json, bool]


def _parameters(operation: Json) -> Iterator[_Given]:
    for each in operation.get("parameters", ()):
        name = each["name"]
        described = {"description": _ABOUT[name]} if name in _ABOUT and each["in"] == "path" else {}
        yield _camel(name), Argument(each["in"], name), each["schema"] | described, each["required"]


def _body(operation: Json, schemas: Json) -> tuple[str, Json]:
    """The media type of the body and its schema; "" without one."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        return media, _plain(content["schema"], schemas)
    return "", {}


def _members(media: str, body: Json) -> Iterator[_Given]:
    if media and media != "application/json":
        yield TEXT, Argument("content", ""), {"type": "string", "description": "The whole content, as text"}, True
    for name, schema in body.get("properties", {}).items():
        yield name, Argument("body", name), schema, name in body.get("required", ())


def _camel(name: str) -> str:
    """`If-Match` → `ifMatch`; other names stay."""
    first, *rest = name.split("-")
    return "".join((first.lower(), *rest)) if rest else name


_REF = re.compile(r"#/components/schemas/(.+)")


def _plain(schema: Any, schemas: Json) -> Any:
    """The schema without references, which not every model follows, and without titles, which only repeat names."""
    if isinstance(schema, list):
        return [_plain(each, schemas) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if (ref := schema.get("$ref")) and (found := _REF.fullmatch(ref)):
        return _plain(schemas[found[1]], schemas) | {name: value for name, value in schema.items() if name != "$ref"}
    return {
        name: _plain(value, schemas)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
