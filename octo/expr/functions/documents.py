"""Text formats: JSON, YAML, web forms and environment files."""

import re
from typing import Any

from octo.expr import yaml
from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.json import NotJson, dumps, read
from octo.expr.settle import render, settle
from octo.expr.values import a as article, kind_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# -- JSON


@function(
    "toJson(dyn) -> string",
    family="octo",
    examples=["""toJson({"a": [1, null]}) == '{"a":[1,null]}'"""],
    cost=Cost(base=16),
)
def to_json_text(value: Any) -> str:
    """The value as compact JSON text."""
    return dumps(settle(value))


@function(
    "fromJson(string) -> json",
    family="octo",
    examples=["""fromJson('{"a": [1, 2.5]}').a[1] == 2.5"""],
    cost=Cost(base=16, reads=4, makes=2),
)
def from_json_text(text: str) -> Any:
    """The value that JSON text stands for."""
    try:
        return read(text)
    except NotJson as error:
        raise ExprError(CONVERSION, str(error)) from None


# -- web forms


@function(
    "toFormData(map) -> string",
    family="octo",
    examples=['toFormData({"q": "a b", "id": [1, 2]}) == "id=1&id=2&q=a+b"'],
    cost=Cost(base=64, reads=8),
)
def to_form_data(fields: dict[Any, Any]) -> str:
    """The fields URL-encoded, sorted by name; a list repeats its field."""
    from urllib.parse import urlencode

    pairs = [
        (str(name), render(item))
        for name, value in sorted(fields.items(), key=lambda field: str(field[0]))
        for item in (value if isinstance(value, list) else [value])
    ]
    try:
        return urlencode(pairs)
    except UnicodeEncodeError:
        raise ExprError(CONVERSION, "a field holds half a character and cannot be encoded") from None


@function(
    "fromFormData(string) -> json",
    family="octo",
    examples=['fromFormData("id=1&id=2&q=a+b") == {"id": ["1", "2"], "q": "a b"}'],
    cost=Cost(base=64, reads=128),
)
def from_form_data(text: str) -> dict[str, Any]:
    """The fields of a URL-encoded form, as strings; a repeated field is a list."""
    from urllib.parse import parse_qs

    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=100_000, errors="strict")
    except ValueError as error:
        raise ExprError(CONVERSION, f"not form data: {error}") from None
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


# -- YAML


@function(
    "toYaml(dyn) -> string",
    family="octo",
    examples=['toYaml({"a": "1", "b": [2]}) == "a: \'1\'\\nb:\\n- 2\\n"'],
    cost=Cost(base=128, reads=8),
)
def to_yaml(value: Any) -> str:
    """The value as YAML text; strings that could be read as something else are quoted."""
    return yaml.write(value)


@function(
    "fromYaml(string) -> json",
    family="octo",
    examples=['fromYaml("a: 1\\nb: [x]") == {"a": 1, "b": ["x"]}'],
    cost=Cost(base=256, reads=32, makes=8),
)
def from_yaml(text: str) -> Any:
    """The value that YAML text stands for, as JSON kinds. It has no merge keys."""
    return yaml.read(text)


# -- environment files


@function(
    "toEnv(map) -> string",
    family="octo",
    examples=['toEnv({"B": 1, "A": "x y"}) == "A=\\"x y\\"\\nB=1\\n"'],
    cost=Cost(base=16, reads=8),
)
def to_env(variables: dict[Any, Any]) -> str:
    """The variables as lines NAME=value, sorted; values are quoted if necessary."""
    lines = []
    for name, value in sorted(variables.items(), key=lambda entry: str(entry[0])):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ExprError(INVALID_ARGUMENT, f"{name!r} is not a name for an environment variable")
        if isinstance(value, (dict, list)):
            raise ExprError(
                INVALID_ARGUMENT,
                f"the variable {name} is {article(kind_of(value))}",
                hint="Convert it with toJson(...)",
            )
        lines.append(f"{name}={_quoted(render(value))}\n")
    return "".join(lines)


def _quoted(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@%+,=-]*", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


@function(
    "fromEnv(string) -> json",
    family="octo",
    examples=['fromEnv("# note\\nexport A=1\\nB=\\"x y\\"") == {"A": "1", "B": "x y"}'],
    cost=Cost(base=16, reads=64),
)
def from_env(text: str) -> dict[str, str]:
    """The variables of lines NAME=value, as strings."""
    variables: dict[str, str] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip().removeprefix("export ").lstrip()
        if not line or line.startswith("#"):
            continue
        name, found, value = line.partition("=")
        if not found or not _NAME.fullmatch(name.strip()):
            raise ExprError(CONVERSION, f"line {number} is not NAME=value: {quoted(raw)}")
        variables[name.strip()] = _unquoted(value.strip())
    return variables


_ESCAPES = {"n": "\n", "r": "\r"}


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), value[1:-1])
    return value.partition(" #")[0].rstrip()


# -- templates


@function(
    "templateResource(string) -> string",
    family="octo",
    examples=['templateResource("page.html") != "" || true'],
    pure=False,
)
def template_resource(name: str) -> str:
    """The text of a template under `resources:`, with the value of each `{{ CEL }}` span in its place. A span sees what
    the expression sees, also the variables of loops: `body.items.map(i, templateResource("row")).join("")`.
    """
    raise ExprError(
        INVALID_ARGUMENT,
        f"no template is called {quoted(name)}",
        hint="There are no templates here: they belong to a configuration, under `resources:`",
    )
