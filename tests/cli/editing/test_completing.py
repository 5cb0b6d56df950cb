"""What may stand at a place of an expression."""

from __future__ import annotations

import pytest

from octo.cli.editing.completing import complete, names_given, names_of_message
from octo.core.expressions import Build
from octo.core.message import Message
from octo.expr.shape import STRING, UNKNOWN, list_of, object_of
from octo.expr.shape.values import INT

BODY = object_of({"name": STRING, "items": list_of(object_of({"sku": STRING, "price": INT}))})
SAMPLE = Message({"name": "Ada", "tags": ["x"], "lines": [{"qty": 2}], "deep": {"a": {"b": 1}}}, {"method": "POST"})


def completed(text: str, message=None, body=UNKNOWN, variables=None):
    """The completions at the place of `|`."""
    offset = text.index("|")
    names = names_of_message(Build({"HOME": "/"}), body, variables or {}, message)
    return complete(text.replace("|", ""), offset, names)


def labels(found) -> list[str]:
    return [each["name"] for each in found["items"]]


def fields(found) -> list[str]:
    return [each["name"] for each in found["items"] if each["kind"] == "field"]


def test_names_functions_and_macros_at_the_start():
    found = completed("bo|")

    assert labels(found)[0] == "body"
    assert {"vars", "env", "now", "size", "has", "math.abs"} <= {*labels(found)}
    assert "charAt" not in labels(found)  # it is called on a text
    assert (found["from"], found["to"]) == (0, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.|", ["items", "name"]),
        ("body.na|", ["name", "items"]),
        ("1 + size(body.|", ["items", "name"]),
        ("body.items[0].|", ["price", "sku"]),
        ('{"a": body.|}', ["items", "name"]),
        ("body.items.filter(i, i.price > 1).map(j, j.|", ["price", "sku"]),
        ("body.items.all(i, body.items.exists(k, k.|)) && i.price", ["price", "sku"]),
        ("env.|", ["HOME"]),
        ("vars.|", ["id"]),
        ("body.name.|", []),
    ],
)
def test_fields_that_the_flow_knows(text, expected):
    """At any place, in calls, indexes, maps and macros."""
    found = completed(text, body=BODY, variables={"id": STRING})

    assert sorted(fields(found)) == sorted(expected)


def test_what_begins_as_it_is_written_comes_first():
    assert labels(completed("body.na|", body=BODY))[0] == "name"
    assert labels(completed("body.PRICE|", body=BODY)) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("body.|", {"name", "tags", "lines", "deep"}),
        ("body.deep.a.|", {"b"}),
        ('body["deep"].|', {"a"}),
        ("body.lines.map(l, l.|", {"qty"}),
        ("body.lines.map(l, l)[0].|", {"qty"}),
        ("vars.|", {"method"}),
        ("body.deep.map(k, k.|", set()),
        ("body.nothing.|", set()),
    ],
)
def test_fields_of_a_message_that_has_come(text, expected):
    found = completed(text, SAMPLE)

    assert {*fields(found)} == expected


def test_fields_say_what_they_hold():
    found = {each["name"]: each for each in completed("body.|", SAMPLE, BODY)["items"]}

    assert (found["name"]["type"], found["name"]["sample"]) == ("string", '"Ada"')
    assert (found["items"]["type"], found["items"]["sample"]) == ("list", "")
    assert (found["lines"]["type"], found["lines"]["sample"]) == ("list", '[{"qty": 2}]')


def test_functions_of_a_value_fit_its_kind():
    text, list_ = completed("body.name.|", body=BODY), completed("body.items.|", body=BODY)
    anything = completed("body.x.|")

    assert "charAt" in labels(text)
    assert "map" not in labels(text)
    assert {"map", "filter"} <= {*labels(list_)}
    assert "charAt" not in labels(list_)
    assert {"charAt", "map"} <= {*labels(anything)}


def test_families_of_functions():
    found = completed("math.|")

    assert {"abs", "ceil"} <= {*labels(found)}
    assert all("math." in each["signatures"][0] for each in found["items"])


@pytest.mark.parametrize("text", ['"bo|', "'a' + \"|", "`a|", ". |", "1.|", ").|", "].|", "@.|", "((((|", ""])
def test_nothing_breaks_on_what_is_not_finished(text):
    completed(text if "|" in text else "|", SAMPLE, BODY)


def test_what_stands_there():
    """Documentation of a function, a macro, a variable, a field with its value, and none of anything else."""
    assert completed("si|ze(body)")["hover"]["signatures"][0] == "size(string) -> int"
    assert completed("ha|s(body.x)")["hover"]["kind"] == "macro"
    assert completed("body|")["hover"]["doc"] == "The body of the message."
    assert completed("1 + body.na|me + 2", SAMPLE)["hover"] | {"doc": ""} == {
        "from": 9,
        "to": 13,
        "kind": "field",
        "name": "name",
        "type": "string",
        "doc": "",
        "signatures": [],
        "sample": '"Ada"',
    }
    assert completed("nothing|")["hover"] is None
    assert completed("1 + |2")["hover"] is None


def test_names_of_expressions_without_a_message():
    found = complete("", 0, names_given(Build({}), ("outcome",)))

    assert "outcome" in labels(found)
    assert "body" not in labels(found)


def test_texts_beyond_the_plain_characters():
    found = completed('"é😀" + body.|', SAMPLE)

    assert "tags" in fields(found)
    assert found["from"] == len('"é😀" + body.')
