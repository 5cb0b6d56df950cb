"""Reads conformance cases: their values, their scopes, and whether the engine returns what they expect."""

import base64
import json
import math
from functools import reduce
from pathlib import Path
from typing import Any

from octo.expr import ExprError, Function, Scope, compile  # noqa: A004 - the name of the API
from octo.expr.function import function
from octo.expr.runtime import equal
from octo.expr.shape import Items, Kind, Object, OneOf, Shape, infer
from octo.expr.shape.values import Generic
from octo.expr.values import Duration, Optional, Timestamp, Type, Uint

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "cel" / "cases.json"
SAMPLE = Path(__file__).parent / "cases_sample.json"


def load() -> list[dict[str, Any]]:
    """The shared corpus if it exists, else our own sample, which is always there."""
    return json.loads(SHARED.read_text())["cases"] if SHARED.exists() else []


def value(written: dict[str, Any]) -> Any:  # noqa: PLR0911 - one line per kind
    """The CEL value for its written form in a case."""
    [(kind, content)] = written.items()
    match kind:
        case "int":
            return int(content)
        case "uint":
            return Uint(content)
        case "double":
            return float(content)
        case "bytes":
            return base64.b64decode(content)
        case "type":
            return Type(content)
        case "list":
            return [value(item) for item in content]
        case "map":
            return {value(key): value(item) for key, item in content}
        case "timestamp":
            return Timestamp(int(content[0]) * 10**9 + content[1])
        case "duration":
            return Duration(int(content[0]) * 10**9 + content[1])
        case _:
            return content


def same(expected: Any, actual: Any) -> bool:
    """Whether two values are equal in type as well as in value; nan equals nan here."""
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(expected) == len(actual)
            and all(same(one, other) for one, other in zip(expected, actual, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(actual, dict)
            and len(expected) == len(actual)
            and all(key in actual and same(item, actual[key]) for key, item in expected.items())
        )
    if isinstance(actual, Optional):
        return False
    if isinstance(expected, float) and isinstance(actual, float):
        return expected == actual or (math.isnan(expected) and math.isnan(actual))
    return type(expected) is type(actual) and equal(expected, actual)


def scope(case: dict[str, Any], *, strict: bool = False) -> tuple[Scope, list[Any]]:
    """The scope of a case, and the arguments for its program."""
    names = list(dict.fromkeys([*case.get("bindings", {}), *case.get("variables", {})]))
    bindings = {name: value(written) for name, written in case.get("bindings", {}).items()}
    return (
        Scope(
            parameters=("values",),
            variables={name: f"values[{name!r}]" for name in names},
            functions=tuple(_declared(case.get("functions", {}))),
            container=case.get("container", ""),
            strict=strict,
            checked=not case.get("disable_check"),
        ),
        [bindings],
    )


def _declared(functions: dict[str, Any]) -> list[Function]:
    def nothing(*_: Any) -> None: ...

    found = []
    for name, overloads in functions.items():
        for overload in overloads:
            parameters = [text.replace("~", "") for text in overload["params"]]
            receiver = f"{parameters.pop(0)}." if overload["member"] else ""
            signature = f"{receiver}{name}({', '.join(parameters)}) -> {overload['result'].replace('~', '')}"
            found.append(function(signature)(nothing))
    return found


def type_of(text: str, cel: Scope) -> str:
    """The static type that CEL's checker would deduce, from the inferred shape. Raises what can never work."""
    found = infer(text, {}, scope=cel)
    if found.errors:
        raise found.errors[0]
    return _written(_type(found.shape))


_Type = tuple[Any, ...]
_ANYTHING: _Type = ()
"""The type of a value that nothing constrains: it becomes whatever it is joined with."""
_PARAMETERS = {"list": 1, "map": 2, "optional": 1}


def _type(shape: Shape) -> _Type:
    """A name and the types of its parameters."""
    match shape:
        case OneOf(members=members):
            return reduce(_joined, map(_type, members))
        case Items(of=element):
            return ("list", _type(element))
        case Object(fields=fields):
            return ("map", ("string",), reduce(_joined, map(_type, fields.values())))
        case Generic(name=name, of=parameters):
            return (name, *map(_type, parameters))
        case Kind(name=name):
            return (name, *[_ANYTHING] * _PARAMETERS.get(name, 0))
    return ("dyn",)


def _joined(one: _Type, other: _Type) -> _Type:
    """The most specific type that covers both."""
    if _ANYTHING in {one, other}:
        return one or other
    if other == ("null",) and one[0] == "optional":
        return one
    if one[0] != other[0]:
        return ("dyn",)
    return (one[0], *map(_joined, one[1:], other[1:]))


def _written(each: _Type) -> str:
    name, *parameters = each or ("dyn",)
    name = "optional_type" if name == "optional" else name
    return f"{name}({', '.join(map(_written, parameters))})" if parameters else name


def verdict(case: dict[str, Any], *, strict: bool = False) -> str:
    """What went wrong, or an empty string when the case passes."""
    expect = case["expect"]
    cel, arguments = scope(case, strict=strict)
    try:
        if "type" in expect:
            found = type_of(case["expr"], cel)
            if found != expect["type"]:
                return f"type {found}, expected {expect['type']}"
        if case.get("check_only"):
            return ""
        actual = compile(case["expr"], cel)(*arguments)
    except ExprError as error:
        return "" if "error" in expect else f"{error.code} {error}"
    if "error" in expect:
        return f"{actual!r}, expected an error"
    return "" if same(value(expect["value"]), actual) else f"{actual!r}, expected {expect['value']!r}"
