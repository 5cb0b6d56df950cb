"""Shapes: what is known of an expression's value before it runs, and what can never work."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings, strategies as st

from octo.expr import ExprError, Scope, compile, settle  # noqa: A004
from octo.expr.shape import UNKNOWN, Shape, check_schema, infer, list_of, object_of, shape_of
from octo.expr.shape.values import (
    BOOL,
    BYTES,
    DOUBLE,
    INT,
    LIST,
    MAP,
    MOST_PARTS,
    NULL,
    STRING,
    TIMESTAMP,
    Kind,
    either,
    generic,
)
from octo.expr.values import kind_of

NUMBER = either(INT, DOUBLE)
ORDER = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "amount": {"type": "number"},
        "count": {"type": "integer"},
        "paid": {"type": "boolean"},
        "customer": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"sku": {"type": "string"}, "price": {"type": "number"}}},
        },
        "extra": {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        "any": {},
        "note": {"type": ["string", "null"]},
    },
}
NAMES = {"body": shape_of(ORDER), "now": TIMESTAMP}
SCOPE = Scope(parameters=("body",), variables={"body": "body"})


def errors(text: str) -> list[str]:
    return [f"{each.column} {each.code} {each.message} | {each.hint}" for each in infer(text, NAMES).errors]


def of(schema: object) -> Shape:
    assert check_schema(schema) == []
    return shape_of(schema)


# --- what is wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.custmer", "6 OCTO-E201 `body` has no field `custmer` | did you mean `customer`? fields: `id`, `amount`"),
        ("1 + body.customer.nam.size()", "19 OCTO-E201 `body.customer` has no field `nam` | did you mean `name`?"),
        ('body["custmer"].name', "5 OCTO-E201 `body` has no field `custmer`"),
        ("body.lines[0].pric", "15 OCTO-E201 `body.lines[0]` has no field `pric` | did you mean `price`?"),
        ("body.lines.map(l, l.pric)", "21 OCTO-E201 `l` has no field `pric`"),
        ("body.lines.filter(l, l.pric > 1)", "24 OCTO-E201 `l` has no field `pric`"),
        ("body.lines.transformList(i, l, l.pric)", "34 OCTO-E201 `l` has no field `pric`"),
        ("body.lines.sortBy(l, l.price)[0].k", "34 OCTO-E201 `body.lines.sortBy(l, l.price)[0]` has no field `k`"),
        ("body.lines.reverse()[0].pric", "25 OCTO-E201"),
        ("body.merge({'x': 1}).custmer", "22 OCTO-E201 `body.merge({'x': 1})` has no field `custmer`"),
        ("body.lines.groupBy(l, l.pric)", "25 OCTO-E201 `l` has no field `pric`"),
        ("body.lines.groupBy(l, l.sku).map(k, k + 1)", "39 OCTO-E105 `k` is a string"),
        ("cel.bind(c, body.customer, c.nam)", "30 OCTO-E201 `c` has no field `nam`"),
        ("body.paid ? body.customer : body.custmer", "34 OCTO-E201 `body` has no field `custmer`"),
        ("(body.paid ? body.customer : body.lines[0]).id", "45 OCTO-E201"),
        ('{"a": body.id}.b', '16 OCTO-E201 `{"a": body.id}` has no field `b`'),
        ("body.lines.price", "12 OCTO-E105 `body.lines` is a list: it has no fields | take one element"),
        ("body.id.text", "9 OCTO-E105 `body.id` is a string: it has no fields"),
        ("body.note.text", "11 OCTO-E105 `body.note` is a string or null: it has no fields"),
        ("body.id[0]", "8 OCTO-E105 `body.id` is a string: it has no elements"),
        ('body.lines["a"]', "11 OCTO-E105 `body.lines` is a list: its index is a number"),
        ('body.amount + "x"', '13 OCTO-E105 `body.amount` is a number and `"x"` is a string: `+` does not take them'),
        ("body.amount - body.id", "13 OCTO-E105 `body.amount` is a number and `body.id` is a string: `-` does not"),
        ("body.lines * body.any", "12 OCTO-E105 `body.lines` is a list: `*` does not take it"),
        ("body.count < body.id", "12 OCTO-E105 `body.count` is an int and `body.id` is a string: `<` does not"),
        ("body.customer > 1", "15 OCTO-E105 `body.customer` is a map and `1` is an int"),
        ("body.amount % 2.0", "13 OCTO-E105"),
        ("-body.id", "1 OCTO-E105 `body.id` is a string: `-` does not take it"),
        ("!body.count", "7 OCTO-E105 `body.count` is an int, and a bool is expected here | compare it"),
        ("body.count ? 1 : 2", "6 OCTO-E105 `body.count` is an int, and a bool is expected here"),
        ("body.paid && body.id", "19 OCTO-E105 `body.id` is a string, and a bool is expected here"),
        ("body.lines.exists(l, l.sku)", "24 OCTO-E105 `l.sku` is a string, and a bool"),
        ("body.id.map(c, c)", "6 OCTO-E105 `body.id` is a string: it has no elements | `map` needs a list or a map"),
        ('"a" in body.id', "5 OCTO-E105 `body.id` is a string: nothing can be `in` it | write `text.contains(part)`"),
        ("body.count.upperAscii()", "12 OCTO-E105 no such overload: int.upperAscii() | There is string.upperAscii()"),
        ("size(body.amount)", "1 OCTO-E105 no such overload: size(number)"),
        ("string(body.lines)", "1 OCTO-E105 no such overload: string(list)"),
        ("math.sqrt(body.id)", "6 OCTO-E105 no such overload: math.sqrt(string)"),
        ("[1][0].x", "8 OCTO-E105 `[1][0]` is an int: it has no fields"),
        ("1 && true", "1 OCTO-E105 `1` is an int, and a bool is expected here"),
        ("body.id.split(',').first() + 'x'", "28 OCTO-E105 `body.id.split(',').first()` is an optional and `'x'` is a"),
        ("size(optional.of(1))", "1 OCTO-E105 no such overload: size(optional)"),
        ("now > body.id", "5 OCTO-E105 `now` is a timestamp and `body.id` is a string"),
    ],
)
def test_what_can_never_work_is_found_where_it_stands(text: str, expected: str):
    (found,) = errors(text)

    assert found.startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "body.customer.name",
        'body["customer"]["name"]',
        "body.amount + 1",
        "body.amount + 1.5 + body.count",
        "body.count % 2",
        "body.amount > 1 && body.count < 1.5",
        "body.amount == 'never, and yet no error'",
        'has(body.custmer) ? body.custmer : "none"',
        "!has(body.custmer) || body.custmer.name == 'x'",
        "body.?custmer.orValue(1)",
        "body.?customer.?nam.orValue('')",
        'body[?"custmer"].hasValue()',
        "'custmer' in body && body.custmer > 1",
        "body.lines.exists(l, has(l.discount) && l.discount > 1)",
        "dyn(body).custmer",
        "body.extra.whatever.deep",
        "body.any.whatever + 1",
        "body.any[0].x",
        "body[body.id]",
        "body.lines[body.count].price * 2",
        "body.lines[body.amount].price * 2",
        "(body.paid ? body.customer : body.lines[0]).sku",
        "[body.customer, body.lines[0]].map(x, x.sku)",
        "fromJson(body.id).x.y",
        "body.lines.map(l, {'sku': l.sku, 'total': l.price * body.count})[0].total + 1.0",
        "body.lines.map(l, l.price).first().orValue(0)",
        "body.lines.first()[0].whatever",
        "optional.of({'a': 1}).b.orValue(1) + 1",
        "body.lines.first().optMap(l, l.sku).orValue('')",
        "[?optional.of(1), 2][0] + 1",
        "body.map(key, key + '!')",
        "body.customer.transformMap(k, v, k)",
        "{'a': 1}.transformList(k, v, v + 1)",
        "math.floor(body.count) + math.greatest(body.amount, 1)",
        "now - duration('1h') < now",
        "body.note + 'x'",
        "body.note == null ? '' : body.note.upperAscii()",
        "body.lines.map(l, l.price > 1.0 ? l : null).map(l, l.price)",
        "vars.whatever.x + env.Y",
        "optional.of(body.customer).value().nam",
        "body.lines + [1]",
        "type(body.count) == int",
        "elsewhere(body.count).x",
        "[].map(x, x.y)",
        "{}.x",
    ],
)
def test_what_may_work_is_no_error(text: str):
    """There are no false alarms: what is not certain is not reported."""
    assert errors(text) == []


def test_one_mistake_is_told_once():
    assert len(errors("body.custmer.name.first + 1 > 2 && !body.custmer.x")) == 2


def test_the_position_counts_lines():
    (found,) = infer("body.count > 1 &&\n  body.custmer", NAMES).errors

    assert (found.line, found.column) == (2, 8)


def test_what_was_asked_for_is_told_and_may_be_given_back():
    """A condition may test for a field that the chain after it uses."""
    asked = infer("has(body.custmer)", NAMES).asked

    assert asked == {"custmer"}
    assert infer("body.custmer.name", NAMES, asked).errors == []
    assert infer("has(body.customer) && body.customer.name == ''", NAMES).asked == set()


# --- the shape of a value ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.id", STRING),
        ("body.amount", NUMBER),
        ("body.amount + 1", either(DOUBLE, INT)),
        ("body.count + 1", INT),
        ("1.5 * body.count", DOUBLE),
        ("'a' + body.any", STRING),
        ("body.any + body.any", UNKNOWN),
        ("body.customer", object_of({"name": STRING, "age": INT})),
        ("{'a': body.id, 'b': [1, 2]}", object_of({"a": STRING, "b": list_of(INT)})),
        ("{body.id: 1}", MAP),
        ("[]", LIST),
        ("[1, 'a']", list_of(either(INT, STRING))),
        ("body.lines.map(l, l.price)", list_of(NUMBER)),
        ("body.lines.filter(l, l.price > 1).map(l, l.sku)", list_of(STRING)),
        ("body.lines.map(l, l.sku) + ['x']", list_of(STRING)),
        ("body.lines.all(l, l.price > 1)", BOOL),
        ("body.paid ? 1 : 'a'", either(INT, STRING)),
        ("body.paid ? body.any : 'a'", UNKNOWN),
        ("has(body.id) && body.paid", BOOL),
        ("body.id.split(',')", list_of(STRING)),
        ("body.lines.slice(0, 1)[0].sku", STRING),
        ("body.id.split(',').join()", STRING),
        ("[3, 1].sortBy(x, -x)", list_of(INT)),
        ("[3, 1].groupBy(x, string(x))", object_of({}, is_open=True)),
        ("[3, 1].groupBy(x, x)", MAP),
        ("[3, 1].max()", INT),
        ("[3, 1].chunk(2)", list_of(list_of(INT))),
        ("body.customer.merge({'age': 'x', 'b': 1})", object_of({"name": STRING, "age": STRING, "b": INT})),
        ("body.customer.merge(body.any)", MAP),
        ("{'a': [1u]}", object_of({"a": list_of(Kind("uint"))})),
        ("body.lines.map(l, l.sku).first()", generic("optional", STRING)),
        ("optional.none()", Kind("optional")),
        ("{'maybe': optional.of(1)}", object_of({"maybe": generic("optional", INT)})),
        ("size(body.lines)", INT),
        ("now - now", Kind("duration")),
        ("-body.amount", either(DOUBLE, INT)),
        ("cel.bind(x, body.id, [x])", list_of(STRING)),
        ("body.?id.orValue('')", UNKNOWN),
        ("body.custmer", UNKNOWN),
    ],
)
def test_the_shape_of_a_value(text: str, expected: Shape):
    assert expected == infer(text, NAMES).shape


def test_times_and_bytes_are_what_they_were_in_a_message():
    text = "{'at': now, 'raw': b'x', 'n': 1u, 'maybe': null, 'all': [now], 'y': [now].first(), 'x': optional.none()}"
    found = infer(text, NAMES).shape.settled()

    expected = {"at": TIMESTAMP, "raw": BYTES, "n": INT, "all": list_of(TIMESTAMP)}
    assert found == object_of({**expected, **dict.fromkeys(("maybe", "y", "x"), UNKNOWN)})


def test_a_shape_that_doubles_stays_in_bounds():
    """Thirty steps of `{a: body, b: body}` would otherwise have a billion parts."""
    shape: Shape = object_of({"x": STRING})
    for _ in range(200):
        shape = infer("{'a': body, 'b': body}", {"body": shape}).shape
        assert either(shape, infer("{'a': body, 'b': body}", {"body": shape}).shape).parts <= 2 * MOST_PARTS

    assert shape.select("c") is None


@pytest.mark.parametrize("text", [" + ".join(["body.count"] * 5000), "(" * 200 + "body.x" + ")" * 200])
def test_long_and_deep_expressions(text: str):
    assert len(infer(text, NAMES).errors) <= 1


# --- JSON Schema -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, UNKNOWN),
        ({"type": "object"}, MAP),
        ({"type": "object", "properties": {}}, MAP),
        ({"type": "object", "additionalProperties": False}, object_of({})),
        ({"properties": {"a": {"type": "null"}}}, object_of({"a": NULL})),
        ({"properties": {"a": True}, "additionalProperties": True}, object_of({"a": UNKNOWN}, is_open=True)),
        ({"properties": {"a": {}}, "additionalProperties": {}}, object_of({"a": UNKNOWN}, is_open=True)),
        ({"properties": {"a": {}}, "patternProperties": {"^x": {}}}, object_of({"a": UNKNOWN}, is_open=True)),
        ({"properties": {"a": {}}, "if": {}, "then": {}}, object_of({"a": UNKNOWN}, is_open=True)),
        ({"additionalProperties": {"type": "string"}}, MAP),
        ({"type": "array"}, LIST),
        ({"items": {"type": "string"}}, list_of(STRING)),
        ({"prefixItems": [{"type": "string"}], "items": False}, list_of(STRING)),
        ({"prefixItems": [{"type": "string"}]}, LIST),
        ({"items": [{"type": "string"}], "additionalItems": {"type": "boolean"}}, list_of(either(STRING, BOOL))),
        ({"type": ["string", "null"]}, either(STRING, NULL)),
        ({"type": "string", "nullable": True}, either(STRING, NULL)),
        ({"type": "number"}, NUMBER),
        ({"enum": ["a", "b"]}, STRING),
        ({"enum": ["a", None]}, either(STRING, NULL)),
        ({"type": "integer", "enum": [1, 2]}, INT),
        ({"const": 1}, NUMBER),
        ({"const": {"a": 1}}, MAP),
        ({"anyOf": [{"type": "string"}, {"type": "boolean"}]}, either(STRING, BOOL)),
        ({"oneOf": [{"type": "string"}, {}]}, UNKNOWN),
        ({"type": "object", "properties": {"a": {}}, "anyOf": [{"required": ["a"]}]}, object_of({"a": UNKNOWN})),
        (
            {"properties": {"a": {}}, "oneOf": [{"properties": {"b": {}}}, {"properties": {"c": {}}}]},
            either(object_of({"a": UNKNOWN, "b": UNKNOWN}), object_of({"a": UNKNOWN, "c": UNKNOWN})),
        ),
        (
            {"allOf": [{"type": "object"}, {"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}}]},
            object_of({"a": STRING, "b": UNKNOWN}),
        ),
        ({"allOf": [{"type": "string"}, {"type": "boolean"}]}, UNKNOWN),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, STRING),
        ({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "null"}}}, object_of({"a": NULL, "b": NULL})),
    ],
)
def test_what_a_schema_says(schema: object, expected: Shape):
    assert expected == of(schema)


def test_a_recursive_schema_is_followed_a_little():
    tree = of({"properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}})

    assert infer("t.child.child.nam", {"t": tree}).errors
    assert infer("t.child.child.child.child.child.nam", {"t": tree}).errors == []


def test_schemas_that_only_refer_to_one_another_end():
    assert of({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}) == UNKNOWN


def test_a_schema_that_multiplies_stays_in_bounds():
    """Forty definitions, each of which uses the next one twice."""
    definitions = {
        f"d{n}": {"properties": {"x": {"$ref": f"#/$defs/d{n + 1}"}, "y": {"$ref": f"#/$defs/d{n + 1}"}}}
        for n in range(40)
    }
    shape = of({"$ref": "#/$defs/d0", "$defs": {**definitions, "d40": {"type": "string"}}})

    assert shape.parts <= MOST_PARTS
    assert shape.select("z") is None


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        ([], (), "a schema must be a mapping"),
        (True, (), "a schema must be a mapping"),
        ({"type": "objekt"}, ("type",), "no JSON type is `objekt` did you mean `object`?"),
        ({"type": ["string", "nul"]}, ("type", 1), "no JSON type is `nul`"),
        ({"type": None}, ("type",), "no JSON type is this"),
        ({"properties": ["a"]}, ("properties",), "must be a mapping of names to schemas"),
        ({"properties": {"a": "string"}}, ("properties", "a"), "a schema must be a mapping"),
        ({"items": "string"}, ("items",), "a schema must be a mapping"),
        ({"anyOf": {}}, ("anyOf",), "`anyOf` must be a list of schemas"),
        ({"oneOf": [1]}, ("oneOf", 0), "a schema must be a mapping"),
        ({"enum": "a"}, ("enum",), "`enum` must be a list"),
        ({"pattern": "["}, ("pattern",), "`[` is no regular expression"),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "("), "`(` is no regular expression"),
        ({"required": True}, ("required",), "`required` must be a list"),
        ({"$ref": "#/$defs/x"}, ("$ref",), "leads to no schema"),
        ({"$ref": "https://example.com/a.json"}, ("$ref",), "leads to no schema"),
        ({"$ref": 1}, ("$ref",), "`$ref` must be text"),
        ({"nullable": "yes"}, ("nullable",), "must be `true` or `false`"),
        ({"$defs": {"a": {"type": "x"}}}, ("$defs", "a", "type"), "no JSON type is `x`"),
    ],
)
def test_what_is_wrong_with_a_schema(schema: object, path: tuple[str | int, ...], words: str):
    (found,) = check_schema(schema)

    assert found.path == path
    assert words in f"{found.message} {found.hint}"


# --- what is inferred is true ----------------------------------------------------------------------------------------

_order = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3),
        "amount": st.integers(-5, 5) | st.floats(-5, 5),
        "count": st.integers(-5, 5),
        "paid": st.booleans(),
        "customer": st.fixed_dictionaries({"name": st.text(max_size=3), "age": st.integers(0, 9)}),
        "lines": st.lists(
            st.fixed_dictionaries({"sku": st.text(max_size=2), "price": st.integers(0, 9) | st.floats(0, 9)}),
            min_size=1,
            max_size=2,
        ),
        "extra": st.fixed_dictionaries({"a": st.text(max_size=2)}),
        "any": st.none() | st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2),
        "note": st.none() | st.text(max_size=2),
    }
)
_leaf = st.sampled_from(
    [
        *("body", "body.id", "body.amount", "body.count", "body.paid", "body.customer", "body.lines", "body.any"),
        *("body.note", "body.customer.name", "body.lines[0]", "body.lines[0].price", "1", "2.5", "'a'", "true", "null"),
        *("body.nope", "body.customer.nam", "body.extra.zzz", "[]", "{}", "body.lines.map(l, l.price)"),
    ]
)
_expression = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%", "<", ">", "==", "in"]), inner).map(
            lambda each: f"({each[0]} {each[1]} {each[2]})"
        ),
        st.tuples(inner, inner).map(lambda each: f"[{each[0]}, {each[1]}]"),
        st.tuples(inner, inner).map(lambda each: f"{{'a': {each[0]}, 'b': {each[1]}}}"),
        st.tuples(inner, inner).map(lambda each: f"(body.paid ? {each[0]} : {each[1]})"),
        inner.map(lambda each: f"{each}.map(x, x)"),
        inner.map(lambda each: f"{each}.a"),
        inner.map(lambda each: f"size({each})"),
        inner.map(lambda each: f"string({each})"),
        inner.map(lambda each: f"{each}.filter(y, y == y)"),
    ),
    max_leaves=6,
)


@settings(max_examples=600, deadline=None)
@given(_expression, _order)
def test_what_evaluates_has_the_shape_that_was_said(text: str, body: dict[str, object]):
    """The shape allows the value, and where nothing branches, no error was reported for it."""
    try:
        program = compile(text, SCOPE)
        value = settle(program(json.loads(json.dumps(body))))
    except ExprError:
        return
    found = infer(text, NAMES)

    assert allows(found.shape.settled(), value)
    if not re.search(r"\?|\.map|\.filter", text):
        assert found.errors == []


def allows(shape: Shape, value: object) -> bool:
    if shape.kinds is None:
        return True
    members = getattr(shape, "members", (shape,))
    return any(_allows(each, value) for each in members)


def _allows(shape: Shape, value: object) -> bool:
    if shape.kinds != {kind_of(value)}:
        return False
    if isinstance(value, list):
        return all(allows(shape.element, each) for each in value)
    if isinstance(value, dict) and hasattr(shape, "fields"):
        return all((field := shape.select(key)) is not None and allows(field, each) for key, each in value.items())
    return True
