"""The OpenAPI 3.1 document of the routes of a connector: what they take, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from octo.connectors.http import settings, sources
from octo.connectors.http.patterns import Pattern
from octo.connectors.http.request import BODILESS
from octo.core.json_schema import mapped, nullable

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What is shown of a route that serves every method."""
OWN = ("accept", "content-type", "authorization", "cookie")
"""Headers that OpenAPI describes elsewhere."""
JSON = "application/json"
_PARAMETER = re.compile(r"\{[^}]*\}")
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string"},
        "detail": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "A JSON Pointer (RFC 6901) into the body."},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


class Described(NamedTuple):
    """A route and the flow behind it. input: the JSON Schema of the bodies, None if the flow declares none."""

    server: settings.Server
    route: sources.Route
    flow: str
    description: str
    input: Mapping[str, object] | None


def document(title: str, version: str, routes: Iterable[Described]) -> dict[str, Any]:
    """Return the document. Of several routes with the same path and method the last one counts.

    Paths that differ only in the names of their parameters are one path for OpenAPI, with the names of the first.
    """
    schemas: dict[str, Any] = {"Error": ERROR}
    schemes: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    known: dict[str, tuple[str, list[str]]] = {}
    for each in routes:
        path, names = _path(each)
        path, names = known.setdefault(_PARAMETER.sub("{}", path), (path, names))
        body = _body(each, schemas)
        for method in _methods(each.route):
            paths.setdefault(path, {})[method.lower()] = _operation(each, method, names, body, schemes)
    _name(paths)
    found: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": title or "Octo", "version": version}, "paths": paths}
    found["components"] = {"schemas": schemas} | ({"securitySchemes": schemes} if schemes else {})
    return found


def _methods(route: sources.Route) -> list[str]:
    return [each for each in route.methods or ANY if each in METHODS]


def _path(each: Described) -> tuple[str, list[str]]:
    """Return the path as a template of OpenAPI, which has no wildcard for several segments, and its parameters."""
    pattern = Pattern.parse(each.route.path, each.server.base_path)
    text = pattern.text.removesuffix("{$}").replace("...}", "}")
    return text or "/", list(pattern.names)


def _name(paths: Mapping[str, Any]) -> None:
    """Give each operation a name of its own: that of its flow, and its method where that is not enough."""
    flows = [flow for operations in paths.values() for flow in {each["operationId"] for each in operations.values()}]
    taken: set[str] = set()
    for path, operations in paths.items():
        for method, operation in operations.items():
            flow = operation["operationId"]
            found = flow if len(operations) == 1 and flows.count(flow) == 1 else f"{flow}-{method}"
            operation["operationId"] = f"{found}-{path}" if found in taken else found
            taken.add(operation["operationId"])


def _operation(
    each: Described, method: str, names: list[str], body: dict[str, Any] | None, schemes: dict[str, Any]
) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": each.flow}
    if each.description:
        first, _, rest = each.description.partition("\n")
        found["summary"] = first.strip()
        if rest.strip():
            found["description"] = each.description
    parameters = [_parameter(name, "path", required=True) for name in names]
    parameters += [_parameter(name, "header") for name in each.route.headers if name.lower() not in OWN]
    parameters += [_parameter(name, "cookie") for name in each.route.cookies]
    if parameters:
        found["parameters"] = parameters
    takes = method not in BODILESS and body is not None
    if takes:
        found["requestBody"] = body
    found["responses"] = {"200": _answer(each.route)}
    if takes and each.input is not None and each.route.validate_ and not each.route.raw_body:
        found["responses"]["422"] = _error("The body does not fit; problems says where.")
    security = _security(each, schemes)
    if security:
        found["security"] = [{security: []}]
        found["responses"]["401"] = _error("No valid credentials.")
    found["responses"]["default"] = _error("What went wrong.")
    return found


def _parameter(name: str, place: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": {"type": "string"}}


def _answer(route: sources.Route) -> dict[str, Any]:
    content: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}} if route.sse.enabled else {}
    return {"description": "What the flow answers.", "content": {JSON: {}, **content}}


def _error(description: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}}


# --- bodies ------------------------------------------------------------------------------------------------------


def _body(each: Described, schemas: dict[str, Any]) -> dict[str, Any] | None:
    if each.route.raw_body:
        return {"content": {"*/*": {}}}
    if each.input is None:
        return {"content": {JSON: {}}}
    name = re.sub(r"[^A-Za-z0-9._-]", "-", each.flow)
    while name in schemas and schemas[name] is not each.input:
        name += "-input"
    schemas[name] = _moved(nullable(each.input), f"#/components/schemas/{name}")
    return {"required": True, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _moved(schema: Any, place: str) -> Any:
    """Return the schema as a part of the document: its references lead to where it is now."""
    if isinstance(schema, list):
        return [_moved(each, place) for each in schema]
    if not isinstance(schema, dict) or "$id" in schema:
        return schema
    found = mapped(schema, lambda each: _moved(each, place))
    ref = schema.get("$ref")
    if isinstance(ref, str) and (ref == "#" or ref.startswith("#/")):
        found["$ref"] = place + ref[1:]
    return found


# --- credentials -------------------------------------------------------------------------------------------------


def _security(each: Described, schemes: dict[str, Any]) -> str:
    """Return the name of the scheme that the route asks for, "" if it asks for none."""
    auth = each.route.auth or each.server.auth
    if auth is None or auth.type == "none":
        return ""
    if auth.type == "basic":
        schemes["basic"] = {"type": "http", "scheme": "basic"}
        return "basic"
    place, name = ("query", auth.query) if auth.query else ("cookie", auth.cookie) if auth.cookie else ("header", None)
    key = name or auth.header or "X-API-Key"
    if key.lower() == "authorization":
        schemes["bearer"] = {"type": "http", "scheme": "bearer"}
        return "bearer"
    scheme = re.sub(r"[^A-Za-z0-9._-]", "-", f"{place}-{key}")
    schemes[scheme] = {"type": "apiKey", "in": place, "name": key}
    return scheme
