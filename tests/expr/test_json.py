"""JSON comes in and goes out digit for digit."""

import copy
import json
import pickle
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, strategies as some

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API
from octo.expr.json import NotJson, read, write, write_kinds
from octo.expr.values import NONE, TYPES, Duration, Exact, Optional, Timestamp, Uint

_digits = some.text("0123456789", min_size=1, max_size=30)
_literals = some.builds(
    lambda sign, whole, fraction, exponent: (
        sign + str(int(whole)) + (f".{fraction}" if fraction else "") + (f"e{exponent}" if exponent is not None else "")
    ),
    some.sampled_from(["", "-"]),
    _digits,
    some.just("") | _digits,
    some.none() | some.integers(-500, 500),
)


@given(_literals, some.integers(0, 3))
def test_no_number_is_rounded(literal, padding):
    """Whatever its size and place, the number that is written is the number that was read."""
    text = " " * padding + f'{{"a": [{literal}]}}'

    written = write(read(text))

    assert read(written) == read(text)
    (number,) = json.loads(written, parse_float=Decimal, parse_int=Decimal)["a"]
    assert number == Decimal(literal)


@given(some.lists(some.integers(-(2**70), 2**70) | some.floats(allow_nan=False, allow_infinity=False)))
def test_what_python_writes_is_read(values):
    assert read(json.dumps(values)) == values


@pytest.mark.parametrize("literal", ["0.1234567890123456789", "1e400", "-1E+400", "5e-999", "12345678901234567890.5"])
def test_a_decimal_that_no_double_holds_is_written_as_it_was(literal):
    assert read(literal).__class__ is Exact
    assert write({"a": read(literal)}) == f'{{"a":{literal}}}'.encode()


@pytest.mark.parametrize(
    "literal", ["0.1", "1.50", "1e2", "0.30000000000000004", "5e-324", "0.000000000000000000000000"]
)
def test_other_decimals_are_doubles(literal):
    assert read(f"[{literal}]")[0].__class__ is float


def test_cel_sees_a_double():
    scope = Scope(("a",), {"a": "a"})
    number = read("0.1234567890123456789")

    def value(text):
        return compile(text, scope)(number)

    assert value("type(a) == double")
    assert value("a < 0.2 && a == 0.12345678901234568")
    assert value("a + 1") == 1.1234567890123457
    assert value("string(a)") == "0.1234567890123456789"
    assert value("-a").__class__ is float
    assert value("[1, 2][int(a)]") == 1


def test_an_exact_number_survives_copies():
    number = Exact("1e400")
    for copied in (copy.deepcopy(number), pickle.loads(pickle.dumps(number))):
        assert (copied.literal, copied.__class__) == ("1e400", Exact)


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", "-Infinity", '{"a":}', '"\\ud800"', "1 2", "[1e400,NaN]", '[1e400,"\\ud800"]', "[1e400,]"],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(NotJson):
        read(text)


@pytest.mark.parametrize("data", [b"\xff", b'[1e400,"\xff"]', b"1" * 5000])
def test_bytes_that_are_no_json_are_refused(data):
    with pytest.raises(NotJson):
        read(data)


def test_nesting_has_a_limit():
    assert read("[" * 1000 + "]" * 1000)
    with pytest.raises(NotJson):
        read("[" * 2000 + "]" * 2000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"hello", '"aGVsbG8="'),
        ({"at": Timestamp(1_500_000_000)}, '{"at":"1970-01-01T00:00:01.5Z"}'),
        ([Duration(5_400 * 10**9)], '["5400s"]'),
        ([Optional(1), NONE, Uint(2)], "[1,null,2]"),
        ({1: 2**100, "t": [Exact("1e400"), b"", Optional([Timestamp(0)])]},
         f'{{"1":{2**100},"t":[1e400,"",["1970-01-01T00:00:00Z"]]}}'),
        ("\ud800é", '"\\ud800\\u00e9"'),
        ({True: 1, None: 2}, '{"true":1,"None":2}'),
    ],
)  # fmt: skip
def test_every_value_has_its_text(value, text):
    assert write(value).decode() == text


def test_any_depth_is_written():
    value: object = b"x"
    for _ in range(5000):
        value = [value]

    assert write(value) == b"[" * 5000 + b'"eA=="' + b"]" * 5000


def test_what_has_no_json_form_is_refused():
    for value in (TYPES["int"], [2**70, TYPES["map"]], object()):
        with pytest.raises(ExprError) as caught:
            write(value)
        assert caught.value.code == "OCTO-E210"


@given(some.recursive(
    some.none() | some.booleans() | some.integers() | some.text() | some.floats(allow_nan=False, allow_infinity=False),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
))  # fmt: skip
def test_the_slow_way_writes_what_the_quick_one_does(value):
    """A big integer beside a value does not change how the value is written."""
    assert write([2**100, value]) == b"[%d," % 2**100 + write(value) + b"]"
    assert write_kinds([2**100, value]) == b"[%d," % 2**100 + orjson_or_slow(value) + b"]"


def orjson_or_slow(value):
    try:
        return orjson.dumps(value)
    except TypeError:
        return write_kinds(value)


TRICKY = some.text(alphabet='1.0,]}\\"\n: ')


@given(some.recursive(
    some.sampled_from([2.0, -0.0, 10.0, 1.05, 0.5, 1e16, 1e15, 1e-7, 7, None]) | TRICKY,
    lambda inner: some.lists(inner) | some.dictionaries(TRICKY, inner),
))  # fmt: skip
def test_only_the_points_of_whole_doubles_are_left_out(value):
    for indent in (False, True):
        text = write(value, indent=indent)
        assert json.loads(text) == value
        assert not [each for each in tokens(text) if each.endswith(".0")]


@given(some.lists(TRICKY, min_size=1), some.integers(0, 60), some.booleans())
def test_points_are_left_out_where_they_are_dense_and_where_they_are_few(texts, count, first):
    """Two ways lead to the same text: one for many whole doubles, one for a few among long texts."""
    dense, sparse = [2.0] * count, [[3.0, "x" * 70 + text] for text in texts]
    value = [dense, texts, sparse] if first else [texts, sparse, dense]

    assert json.loads(write(value)) == value
    assert [each for each in tokens(write(value)) if "." in each] == []


def tokens(text):
    """The numbers of a JSON text, as written."""
    found = []
    json.loads(text, parse_float=found.append, parse_int=found.append)
    return found


def test_a_whole_double_is_written_as_a_whole_number():
    value = {"a": 2.0, "b": [1.0, -3.0, 1.5], "c": "2.0,", 'd"\\': 'x",1.0,', "e": 100.0}

    assert write(value) == rb'{"a":2,"b":[1,-3,1.5],"c":"2.0,","d\"\\":"x\",1.0,","e":100}'
    assert write(2.0) == b"2"
    assert write([2**70, 2.0]) == b"[%d,2]" % 2**70
    assert write([2.0], indent=True) == b"[\n  2\n]"
    assert (write_kinds(value["b"]), write_kinds([2**70, 2.0])) == (b"[1.0,-3.0,1.5]", b"[%d,2.0]" % 2**70)


def test_indented_json_has_the_same_numbers():
    assert write({"a": [2**100]}, indent=True) == b'{\n  "a": [\n    %d\n  ]\n}' % 2**100
    assert write({"a": [Exact("1e400")]}, indent=True) == b'{\n  "a": [\n    1e400\n  ]\n}'
