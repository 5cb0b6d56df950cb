"""Random expressions, and the data that they are evaluated on."""

from __future__ import annotations

import random
import re
from typing import Any

VARIABLES = {"d": "DYN", "e": "DYN", "n": "INT", "x": "DOUBLE", "s": "STRING", "p": "BOOL", "l": "LIST", "m": "MAP"}

GRAMMAR: dict[str, list[str]] = {
    "bool": [
        *("true", "false", "p", "!{bool}", "{bool} && {bool}", "{bool} || {bool}", "({bool} ? {bool} : {bool})"),
        *("{any} == {any}", "{any} != {any}", "{int} < {int}", "{double} >= {double}", "{string} <= {string}"),
        *("{number} < {number}", "{number} == {number}", "{number} > {number}", "{bytes} < {bytes}"),
        *("{any} in {list}", "{string} in {map}", "{int} in {map}", "{string}.contains({string})"),
        *("{string}.startsWith({string})", "{string}.endsWith({string})", "{string}.matches({pattern})"),
        *("{list}.all(i, {bool})", "{list}.exists(i, {bool})", "{list}.exists_one(i, {bool})"),
        *("{list}.all(i, i {order} {number})", "{list}.exists(i, i == {any})", "{single}.all(k, {bool})"),
        *("{list}.all(i, j, {bool})", "{list}.exists(i, j, j == {any})", "{single}.existsOne(i, j, {bool})"),
        *("has({map}.k)", "has(d.k)", "has(e.k.k)", "bool({string})", "{optional}.hasValue()"),
        *("math.isNaN({double})", "math.isInf({double})", "math.isFinite({double})", "dyn({bool})"),
        *("sets.contains({list}, {list})", "sets.intersects({list}, {list})", "sets.equivalent({list}, {list})"),
        *("{timestamp} < {timestamp}", "{duration} >= {duration}", "cel.bind(t, {any}, {bool})"),
        *("type({any}) == {type}", "{list} == {list}", "{map} == {map}", "{string} == {string}"),
    ],
    "int": [
        *("0", "1", "-1", "2", "7", "9223372036854775807", "-9223372036854775808", "0x1F", "n"),
        *("{int} + {int}", "{int} - {int}", "{int} * {int}", "{int} / {int}", "{int} % {int}", "-{int}", "-n"),
        *("size({string})", "{list}.size()", "size({map})", "size({bytes})", "int({number})", "int({string})"),
        *("int({timestamp})", "({bool} ? {int} : {int})", "math.greatest({int}, {int})", "math.least({ints})"),
        *("{string}.indexOf({string})", "{string}.lastIndexOf({string})", "{string}.indexOf({string}, {int})"),
        *("math.abs({int})", "math.sign({int})", "math.bitAnd({int}, {int})", "math.bitOr({int}, {int})"),
        *("math.bitShiftLeft({int}, {int})", "math.bitShiftRight({int}, {int})", "math.bitXor({int}, {int})"),
        *("math.bitNot({int})", "{timestamp}.getFullYear()", "{timestamp}.getDayOfWeek()", "{timestamp}.getHours()"),
        *("{timestamp}.getMonth('Europe/Berlin')", "{timestamp}.getMinutes('-05:30')", "{duration}.getSeconds()"),
        *("{duration}.getMilliseconds()", "{timestamp}.getDayOfYear()", "{duration}.getHours()", "dyn({int})"),
        *("cel.bind(t, {int}, t + t)", "{ints}[{int}]", "{optional}.orValue({int})", "{list}[{int}]", "d.k", "l[0]"),
    ],
    "uint": [
        *("0u", "1u", "18446744073709551615u", "7u", "uint({number})", "{uint} + {uint}", "{uint} - {uint}"),
        *("{uint} * {uint}", "{uint} / {uint}", "{uint} % {uint}", "uint({string})", "math.greatest({uint}, {uint})"),
        *("math.bitOr({uint}, {uint})", "math.bitShiftRight({uint}, {int})", "dyn({uint})", "math.sign({uint})"),
    ],
    "double": [
        *("0.0", "-0.0", "1.5", "1e308", "-2.5", "0.1", "x", "double('NaN')", "double('inf')", "1e19"),
        *("{double} + {double}", "{double} - {double}", "{double} * {double}", "{double} / {double}", "-{double}"),
        *("double({number})", "double({string})", "math.ceil({double})", "math.floor({double})"),
        *("math.round({double})", "math.trunc({double})", "math.sqrt({double})", "math.abs({double})"),
        *("math.sign({double})", "math.greatest({double}, {double})", "({bool} ? {double} : {double})"),
    ],
    "number": [
        "{int}",
        "{uint}",
        "{double}",
        "dyn({int})",
        "dyn({double})",
        "d",
        "e",
        "math.greatest({number}, {number})",
    ],
    "string": [
        *("''", "'a'", "'ab'", "'abcabc'", "'é'", "'\\u1F600'", "'1'", "'-7'", "'1.5'", "'true'", "s", "'A b'"),
        *("{string} + {string}", "string({int})", "string({double})", "string({bool})", "string({bytes})"),
        *("string({uint})", "string({timestamp})", "string({duration})", "{string}.charAt({int})"),
        *("{string}.lowerAscii()", "{string}.upperAscii()", "{string}.trim()", "{string}.reverse()"),
        *("{string}.replace({string}, {string})", "{string}.replace({string}, {string}, {int})"),
        *("{string}.substring({int})", "{string}.substring({int}, {int})", "{strings}.join()", "{strings}.join(',')"),
        *(
            "({bool} ? {string} : {string})",
            "base64.encode({bytes})",
            "'%s'.format([{any}])",
            "strings.quote({string})",
        ),
        *("'%d|%s'.format([{number}, {any}])", "'%.2f'.format([{number}])", "'%x'.format([{number}])"),
        *("'%b %o'.format([{int}, {int}])", "'%e'.format([{double}])", "cel.bind(t, {string}, t + t)", "d.s"),
        *("regex.replace({string}, {pattern}, {string})", "dyn({string})", "'%X'.format([{string}])"),
    ],
    "bytes": ["b''", "b'a'", "b'\\xff\\x00'", "bytes({string})", "{bytes} + {bytes}", "base64.decode({string})"],
    "list": [
        *("[]", "[{any}]", "[{any}, {any}]", "l", "{ints}", "{strings}", "{list} + {list}", "{list}.map(i, {any})"),
        *("{list}.filter(i, {bool})", "{list}.map(i, {bool}, i)", "{list}.map(i, [i])", "{single}.map(k, k)"),
        *("{list}.reverse()", "{list}.distinct()", "{list}.flatten()", "{list}.slice({int}, {int})", "[?{optional}]"),
        *("{list}.flatten({int})", "({bool} ? {list} : {list})", "{ints}.sort()", "{list}.transformList(i, j, j)"),
        *("{list}.sortBy(i, {int})", "{list}.sort()", "cel.bind(t, {list}, t + t)", "d.l", "dyn({list})"),
    ],
    "ints": ["[1, 2, 3]", "[{int}]", "[{int}, {int}]", "lists.range(3)", "{ints}.map(i, i + {int})", "{ints}.sort()"],
    "strings": ["['a', 'b']", "[{string}]", "{string}.split({string})", "{string}.split({string}, {int})"],
    "map": [
        "{}",
        "m",
        "{'k': {any}}",
        "{'k': {any}, 's': {any}}",
        "{1: {any}}",
        "{{key}: {any}}",
        "d",
        "{?'k': {optional}}",
    ],
    "single": ["{'k': {any}}", "{1: {any}}", "{true: {any}}", "{}", "{{key}: {any}}", "{7u: {any}}"],
    "key": ["{string}", "{int}", "{bool}", "{uint}"],
    "optional": [
        *("optional.of({any})", "optional.none()", "{map}.?k", "{map}[?{string}]", "{list}[?{int}]", "d.?k.?k"),
        *("optional.ofNonZeroValue({any})", "{optional}.or({optional})", "{optional}.optMap(v, {any})"),
        *("{optional}.optFlatMap(v, {optional})", "{list}.first()", "{list}.last()"),
    ],
    "timestamp": [
        *("timestamp({int})", "timestamp('2024-02-29T12:34:56.789Z')", "timestamp('1969-12-31T23:59:59+01:00')"),
        *("{timestamp} + {duration}", "{timestamp} - {duration}", "{duration} + {timestamp}", "timestamp({string})"),
    ],
    "duration": [
        *("duration('1h30m')", "duration('-1.5s')", "duration('1ms')", "{duration} + {duration}", "duration({string})"),
        *("{duration} - {duration}", "{timestamp} - {timestamp}"),
    ],
    "type": ["int", "string", "bool", "list", "map", "double", "type({any})", "null_type", "uint", "bytes", "type"],
    "null": ["null"],
    "pattern": ["'a'", "'^a'", "'[a-z]+'", "'(a)(b)?'", "'b$'", "''", "'\\\\d'", "{string}"],
    "order": ["<", "<=", ">", ">=", "==", "!="],
    "any": [
        *("{bool}", "{int}", "{int}", "{double}", "{string}", "{string}", "{bytes}", "{list}", "{map}", "{null}"),
        *("{uint}", "{timestamp}", "{duration}", "{type}", "d", "e", "d.k", "e[0]", "{map}.k", "{map}[{key}]"),
        *("{list}[{int}]", "{list}[{number}]", "{optional}.orValue({any})", "{optional}.value()", "e.k"),
        *("dyn({any})", "({bool} ? {any} : {any})", "cel.bind(t, {any}, [t, t])", "{any} + {any}", "e.a.b"),
    ],
}
KINDS = [kind for kind in GRAMMAR if kind not in {"order", "key", "pattern", "single"}]
BOUND = {"i": ("(i,", " i,"), "j": (", j,",), "k": ("(k,",), "t": ("(t,",), "v": ("(v,",)}
_HOLE = re.compile(r"\{(\w+)\}")

DATA: dict[str, list[Any]] = {
    "d": [None, {}, {"k": 1}, {"k": {"k": "v"}}, {"k": True}, {"l": [1, 2.5]}, {"s": "x"}, [1], 3, "ab", 1.0, True],
    "e": [None, [], [0], [[1]], ["a", 1], {"k": {"k": None}}, {"a": {"b": 2}}, 0, -5, 2.5, "", "é", False],
    "n": [0, 1, -1, 3, 2**63 - 1, -(2**63)],
    "x": [0.0, -0.0, 1.5, -2.0, 1e308, 1e-320],
    "s": ["", "a", "abc", "12", "-3.5", "true", "2024-02-29T12:00:00Z", "1h", "é€", "YQ=="],
    "p": [True, False],
    "l": [[], [1], [1, 2, 3], ["a", "b"], [[1], [2]], [None, True], [1, 1.0], [{"k": 1}]],
    "m": [{}, {"k": 1}, {"k": [1]}, {"s": "a"}, {"k": {"k": 2.5}}, {"k": None}],
}


def expression(dice: random.Random, kind: str, depth: int, names: tuple[str, ...] = ()) -> str:
    """A random expression, mostly of the given kind."""
    if dice.random() < 0.04:
        kind = dice.choice(KINDS)
    if names and dice.random() < 0.15:
        return dice.choice(names)
    choices = GRAMMAR[kind]
    if depth <= 0:
        plain = [each for each in choices if not _HOLE.search(each)]
        template = dice.choice(plain or choices)
    else:
        template = dice.choice(choices)
    inner = (*names, *[name for name, marks in BOUND.items() if any(mark in template for mark in marks)])
    text = _HOLE.sub(lambda hole: expression(dice, hole[1], depth - 1, inner), template)
    return f"({text})" if " " in text and dice.random() < 0.7 else text


OURS = ("t", "v", "constant", "constant_0", "t_1", "v_t", "error", "caught", "budget", "space", "dispatch", "matches")
"""Names of the code that expressions become: an author may call a variable like any of them."""

_BOUND = re.compile(r"(?<![\w.'\"])[ijt](?![\w'\"(:])")


def renamed(dice: random.Random, text: str) -> str:
    """The same expression with other names for the variables of its macros, some of them names of our own."""
    chosen = dict(zip("ijt", dice.sample(OURS, 3), strict=True))
    return _BOUND.sub(lambda found: chosen[found[0]], text)


def inputs(dice: random.Random) -> dict[str, Any]:
    return {name: dice.choice(values) for name, values in DATA.items()}
