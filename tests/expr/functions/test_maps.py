"""Maps that are made of others: neither is changed, keys are CEL's, and large content is not read."""

import pytest

from octo.core.content import Held
from octo.core.spool import Spool


def test_merging_changes_neither_map(evaluate):
    body = {"a": {"x": {"y": 1}}, "b": {"x": {"z": [2]}}}

    assert evaluate("body.a.merge(body.b)", body) == {"x": {"z": [2]}}
    assert evaluate("body.a.mergeDeep(body.b)", body) == {"x": {"y": 1, "z": [2]}}
    assert evaluate("body.a.omit(['x'])", body) == {}
    assert body == {"a": {"x": {"y": 1}}, "b": {"x": {"z": [2]}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}.merge({"a": null})', {"a": None}),
        ('{"a": 1}.merge({})', {"a": 1}),
        ('{"b": 1, "a": 2}.merge({"c": 3, "b": 4}).keys()', ["b", "a", "c"]),
        ('{"a": {"b": 1}}.mergeDeep({"a": null})', {"a": None}),
        ('{"a": 1}.mergeDeep({"a": {"b": 1}})', {"a": {"b": 1}}),
        ("{1: 'a'}.merge({1u: 'b'})", {1: "b"}),
        ("{1: 'a', true: 'b'}.pick([1.0])", None),
        ("{1: 'a', 2: 'b'}.pick([2.0, 1u])", {2: "b", 1: "a"}),
        ("{1: 'a'}.pick([true])", {}),
        ("{1: 'a'}.omit([true, '1', null, 2])", {1: "a"}),
        ("{1: 'a'}.omit([1.0])", {}),
        ("{}.keys() + {}.values() + {}.entries()", []),
    ],
)
def test_keys_are_those_of_cel(evaluate, failure, text, value):
    if value is None:
        assert failure(text).code.startswith("OCTO-E")
    else:
        assert evaluate(text) == value


def test_a_bool_and_a_number_are_different_keys(failure):
    assert failure("{1: 'a'}.merge({true: 'b'})").message == "a map cannot hold both True and 1 as keys"
    assert failure("{'x': {false: 'a'}}.mergeDeep({'x': {0: 'b'}})").code == "OCTO-E209"


@pytest.mark.parametrize("text", ["{}.pick([[]])", "{}.omit([{}])"])
def test_a_list_is_no_key(failure, text):
    assert failure(text).code == "OCTO-E202"


def test_maps_in_maps_are_merged_at_any_depth(evaluate):
    one, other = {"a": 1}, {"b": 2}
    for _ in range(5_000):
        one, other = {"x": one}, {"x": other}

    merged = evaluate("dyn(body.one.mergeDeep(body.other)).x.x != {}", {"one": one, "other": other})
    assert merged is True


@pytest.mark.parametrize(
    "text",
    ["body.merge({'contentType': 'text/csv'})", "{'x': 1}.merge(body)", "body.omit(['x'])", "body.pick(['rawData'])"],
)
def test_large_content_stays_in_its_file(evaluate, text):
    """Otherwise a body of any size would be read, or lost, because only its type was changed."""
    spool = Spool(threshold=1)
    spool.write(b"text")
    content = spool.finish()

    made = evaluate(text, Held(contentType="text/plain", rawData=content))

    assert isinstance(made, Held)
    assert dict.__getitem__(made, "rawData") is content
