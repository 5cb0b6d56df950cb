#!/usr/bin/env python3
"""Look for expressions on which Octo and the official evaluator of CEL disagree, and for texts that break the parser.

    bench/fuzz.py --seconds 60 [--seed 1]            random expressions, ours in strict mode against cel-expr-python
    bench/fuzz.py --seconds 60 --mutate              random texts: nothing but ExprError, nothing but allowed code

The official evaluator needs Python >= 3.12 (`--oracle /path/to/python3.12` names one) and runs in a child process,
which may die: it is started again, and the expression is recorded. What is known to differ is filtered by the named
rules in `RULES` and counted; everything else is printed, as small as it could be made.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

BATCH = 100
PATIENCE = 30.0
"""Seconds a batch may take in the child."""

# --- the language ------------------------------------------------------------------------------------------------

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
    """A random expression, mostly of the kind."""
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


def inputs(dice: random.Random) -> dict[str, Any]:
    return {name: dice.choice(values) for name, values in DATA.items()}


# --- the other side ----------------------------------------------------------------------------------------------

EXTENSIONS = ("bindings", "encoders", "math", "optional", "strings", "lists", "sets", "two-var-comprehensions", "regex")


def serve() -> None:
    """The child: reads batches of expressions as JSON lines, answers with outcomes."""
    from cel_expr_python import cel

    yaml = "name: fuzz\nextensions:\n" + "".join(f"- name: {name}\n" for name in EXTENSIONS)
    types = {"LIST": cel.Type.LIST, "MAP": cel.Type.MAP}
    variables = {name: types.get(kind) or getattr(cel.Type, kind) for name, kind in VARIABLES.items()}
    env = cel.NewEnv(config=cel.NewEnvConfigFromYaml(yaml), variables=variables)
    for line in sys.stdin:
        answers = [_official(env, text, checked, data) for text, checked, data in json.loads(line)]
        print(json.dumps(answers), flush=True)


def _official(env: Any, text: str, checked: bool, data: dict[str, Any]) -> list[Any]:
    try:
        program = env.compile(text, disable_check=not checked)
    except (RuntimeError, ValueError) as error:
        return ["refused", str(error)[:400]]
    try:
        value = program.eval(data=data)
        if value.type().name() == "ERROR":
            return ["error", str(value.value())[:300]]
        kind = value.type().name()
        return ["value", "uint" if kind == "UINT" else "", written(value.plain_value())]
    except (TypeError, SystemError, OverflowError, ValueError) as error:
        return ["unspeakable", str(error)[:200]]
    except RuntimeError as error:
        return ["error", str(error)[:300]]


def written(value: Any) -> Any:  # noqa: PLR0911  one line per kind
    """A value in a form that both sides can write down."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"int": str(int(value))}
    if isinstance(value, float):
        return {"double": repr(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    if isinstance(value, dict):
        entries = [[written(key), written(each)] for key, each in value.items()]
        return {"map": sorted(entries, key=lambda entry: json.dumps(entry[0]))}
    return _written_more(value)


def _written_more(value: Any) -> Any:
    kind = type(value).__name__
    if kind in {"datetime", "timedelta"}:
        import datetime as dt

        span = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC) if kind == "datetime" else value
        return {"time": str(span // dt.timedelta(microseconds=1))}
    if kind in {"Timestamp", "Duration"}:
        return {"time": str(value.nanos // 1000)}
    if kind == "Type":
        name = value.name() if callable(value.name) else value.name
        return {"type": _TYPES.get(str(name).partition("<")[0], str(name))}
    raise TypeError(f"no written form of {kind}")


_TYPES = {
    **{name.upper(): name for name in ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type")},
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}


class Case(NamedTuple):
    text: str
    checked: bool
    data: dict[str, Any]


class Oracle:
    """The official evaluator, in a process that may die."""

    def __init__(self, python: str) -> None:
        self.command = [python, str(Path(__file__)), "--child"]
        self.deaths: list[Case] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, cases: list[Case]) -> list[Outcome]:
        answer = self._try(cases)
        if answer is not None:
            return answer
        if len(cases) == 1:
            self.deaths.append(cases[0])
            return [["died", ""]]
        middle = len(cases) // 2
        return self.ask(cases[:middle]) + self.ask(cases[middle:])

    def _try(self, cases: list[Case]) -> list[Outcome] | None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(cases) + "\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            line = self.process.stdout.readline() if ready else ""
            if line:
                return json.loads(line)  # type: ignore[no-any-return]
        except BrokenPipeError:
            pass
        self.close()
        self.process = self._start()
        return None

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


# --- our side ----------------------------------------------------------------------------------------------------


class Ours:
    """Octo's evaluation in strict mode."""

    def __init__(self) -> None:
        from octo.expr import Scope
        from octo.expr.environment import environment
        from octo.expr.program import _BUILTINS

        names = {name: f"data[{name!r}]" for name in VARIABLES}
        self.scopes = {checked: Scope(("data",), names, strict=True, checked=checked) for checked in (True, False)}
        self.environments = {checked: environment(scope) for checked, scope in self.scopes.items()}
        self.builtins = frozenset(_BUILTINS)

    def outcome(self, case: Case) -> list[Any]:
        from octo.expr import ExprError
        from octo.expr.generate import generate
        from octo.expr.parser import parse
        from octo.expr.program import Program
        from octo.expr.values import kind_of

        try:
            tree = parse(case.text)
            program = Program(
                case.text, self.scopes[case.checked], generate(case.text, tree, self.environments[case.checked])
            )
        except ExprError as error:
            return ["refused", str(error)]
        try:
            value = program.function(case.data)
        except ExprError as error:
            return ["unplanned" if error.code == "OCTO-E211" else "error", str(error)]
        if program.kind not in {"dyn", kind_of(value)}:
            return ["unplanned", f"kind {program.kind} was proven, it is {kind_of(value)}"]
        try:
            return ["value", "uint" if kind_of(value) == "uint" else "", written(value)]
        except TypeError as error:
            return ["unspeakable", str(error)]


# --- what is known to differ -------------------------------------------------------------------------------------

Outcome = list[Any]
"""What became of an expression: a word for it, then its value or error."""


class Meeting(NamedTuple):
    case: Case
    ours: Outcome
    theirs: Outcome


Rule = Callable[[Meeting], bool]


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_sorted(each) for each in value), key=json.dumps)
    if isinstance(value, dict):
        return {key: _sorted(each) if key == "map" else each for key, each in value.items()}
    return value


def _keys_of_both_kinds(met: Meeting) -> bool:
    """A map with both bool and number keys: ours refuses it, theirs loses one on its way to Python."""
    return "a map cannot hold both" in str(met.ours[1])


def _map_order(met: Meeting) -> bool:
    """Maps are walked in the order of insertion here, in that of a hash there."""
    return met.ours[0] == met.theirs[0] == "value" and _sorted(met.ours[2]) == _sorted(met.theirs[2])


def _depth(met: Meeting) -> bool:
    """Theirs refuses more than 32 levels."""
    return met.theirs[0] == "refused" and "recursion depth" in met.theirs[1].lower()


def _unspeakable(met: Meeting) -> bool:
    """The binding cannot hand out optionals, and dates beyond those of Python."""
    return "unspeakable" in {met.theirs[0], met.ours[0]} and met.ours[0] in {"value", "unspeakable"}


def _checker(met: Meeting) -> bool:
    """Their checker refuses, with types known, what may be meant; ours lets it run."""
    return met.case.checked and met.theirs[0] == "refused" and "Syntax error" not in met.theirs[1]


def _never_works(met: Meeting) -> bool:
    """Arithmetic with null and the like is refused here when it is built, there only when it is reached."""
    return (
        met.ours[0] == "refused" and re.search(r"no such overload: .*null|cannot index null", met.ours[1]) is not None
    )


def _literals(met: Meeting) -> bool:
    """A wrong literal in math.greatest or math.least is refused there when it is built, here when it is reached."""
    return met.theirs[0] == "refused" and re.search(r"math\.(greatest|least)\(\)", met.theirs[1]) is not None


def _lax_int(met: Meeting) -> bool:
    """int(bool), and blanks around a number in a text: theirs takes what the definition does not have."""
    return met.ours[0] == "error" and re.search(r"int\(bool\)|to int: '( |.* ')", met.ours[1]) is not None


def _died(met: Meeting) -> bool:
    """Theirs brought its process down."""
    return met.theirs[0] == "died"


SHAPES: dict[str, str] = {
    "int(bool), which the definition lacks": r"int\((p|true|false|dyn\(|d|e)",
    "false, not an error, for what cannot be a key `in` a map": r" in ",
    "sort mixes ints and doubles": r"\.sort(By)?\(",
    "digits of the text of a duration": r"(string\(|format\(\[).*duration",
    "%d of a double: its digits here, always six there": r"%d\|",
    "''.split('') is empty here and in cel-go": r"split\(",
    "base64 with blanks is refused here": r"base64\.decode",
    "optFlatMap without an optional is refused here": r"optFlatMap",
    "string(type), which their evaluator lacks": r"string\((int|string|bool|list|map|double|null|uint|bytes|type)",
    "two negations of what is no bool are refused here": r"!!",
    "duration(int), an addition of ours": r"duration\((?!')",
    "the text of a double has fewer exponents here": r"(string\(|format\(\[).*(x|e|sqrt|\d\.|double)",
    "substring up to the very end, a defect of theirs": r"substring\(.*,",
    "their bind reads the variable of a loop that ended early": r"exist.*cel\.bind",
    "a whole double finds an optional element here": r"\[\?",
    "the least int behind two minus signs": r"--9223372036854775808",
    "%s of bytes that are no UTF-8": r"%s.*b'",
    "timestamps of three digits": r"timestamp\((?!int)",
    "the type of an optional has a parameter there": r"type\(.*(optional|\?|first|last)",
    "infinity is written +Inf and nan NaN, as by cel-go": r"string\(.*(inf|e308|/|NaN)",
}
"""What the two are known to do differently in an expression of this form, once it is as small as it gets."""

RULES: dict[str, Rule] = {
    "their process died": _died,
    "bool and number keys in one map": _keys_of_both_kinds,
    "map order": _map_order,
    "their limit of depth 32": _depth,
    "no Python form": _unspeakable,
    "refused when built, here": _never_works,
    "refused when built, there": _literals,
    "int of a bool, or of a text with blanks": _lax_int,
    "their checker": _checker,
}


def same(ours: list[Any], theirs: list[Any]) -> bool:
    if ours[0] == "unplanned":
        return False
    if ours[0] == theirs[0] == "value":
        return ours[1:] == theirs[1:]
    return ours[0] != "value" and theirs[0] not in {"value", "died"}


# --- searching ---------------------------------------------------------------------------------------------------


class Search:
    def __init__(self, oracle: Oracle, ours: Ours) -> None:
        self.oracle = oracle
        self.ours = ours
        self.counts: Counter[str] = Counter()
        self.seen: set[str] = set()

    def run(self, cases: list[Case]) -> None:
        for case, theirs in zip(cases, self.oracle.ask(cases), strict=True):
            ours = self.ours.outcome(case)
            verdict = judge(case, ours, theirs) or self.report(case, ours, theirs)
            self.counts[verdict] += 1

    def report(self, case: Case, ours: list[Any], theirs: list[Any]) -> str:
        case, ours, theirs = self.smaller(case, ours, theirs)
        for name, form in SHAPES.items():
            if ours[0] != "unplanned" and re.search(form, case.text):
                return name
        shape = re.sub(r"'[^']*'|\d+", "#", case.text)
        if shape in self.seen:
            return "differences"
        self.seen.add(shape)
        used = {name: value for name, value in case.data.items() if re.search(rf"\b{name}\b", case.text)}
        mode = "" if case.checked else "  (unchecked)"
        print(f"\nDIFFERENCE  {case.text}{mode}\n  data    {used!r}\n  ours    {ours}\n  theirs  {theirs}", flush=True)
        return "differences"

    def smaller(self, case: Case, ours: list[Any], theirs: list[Any]) -> tuple[Case, list[Any], list[Any]]:
        """The smallest expression found inside the given one that shows a difference of the same sort."""
        sort, progress = (ours[0], theirs[0]), True
        while progress:
            progress = False
            for text in shrunk(case.text):
                other = case._replace(text=text)
                mine, [yours] = self.ours.outcome(other), self.oracle.ask([other])
                if (mine[0], yours[0]) == sort and not judge(other, mine, yours):
                    case, ours, theirs, progress = other, mine, yours, True
                    break
        return case, ours, theirs


def judge(case: Case, ours: Outcome, theirs: Outcome) -> str:
    """How the two outcomes agree, or the rule by which they may differ; empty when they may not."""
    if same(ours, theirs):
        return "equal values" if ours[0] == "value" else "errors on both sides"
    return next((name for name, rule in RULES.items() if rule(Meeting(case, ours, theirs))), "")


def shrunk(text: str) -> Iterator[str]:
    """Simpler expressions: a part instead of the whole, or a literal instead of a part."""
    from octo.expr import ExprError
    from octo.expr.nodes import Node, children
    from octo.expr.parser import parse

    try:
        pending: list[Node] = [parse(text)]
    except ExprError:
        return
    found: list[Node] = []
    while pending:
        node = pending.pop()
        found.append(node)
        pending += children(node)
    parts = sorted({(node.start, node.end) for node in found}, key=lambda part: part[0] - part[1])
    yield from (text[start:end] for start, end in reversed(parts) if end - start < len(text))
    for start, end in parts:
        for literal in ("1", "''", "null", "[]", "true"):
            if len(literal) < end - start:
                yield f"{text[:start]}{literal}{text[end:]}"


def compare(options: argparse.Namespace) -> int:
    oracle, dice = Oracle(options.oracle), random.Random(options.seed)
    search, started, done = Search(oracle, Ours()), time.monotonic(), 0
    tick = started
    while running(options, started, done):
        cases = []
        for _ in range(BATCH):
            text = expression(dice, dice.choice(KINDS), dice.randint(1, 5))
            cases.append(Case(text, dice.random() < 0.4, inputs(dice)))
        search.run(cases)
        done += BATCH
        if time.monotonic() - tick > 60:
            tick = time.monotonic()
            print(f"... {done:,} {dict(search.counts)}", flush=True)
    print(f"\n{done:,} expressions, seed {options.seed}, {time.monotonic() - started:.0f} s")
    for name, count in search.counts.most_common():
        print(f"{count:>10,}  {name}")
    for case in sorted(oracle.deaths, key=lambda case: len(case.text))[:5]:
        print(f"THEIRS DIED  {case.text}  {case.data}")
    oracle.close()
    return 1 if search.counts["differences"] else 0


def running(options: argparse.Namespace, started: float, done: int) -> bool:
    if options.count and done >= options.count:
        return False
    return not options.seconds or time.monotonic() - started < options.seconds


# --- texts -------------------------------------------------------------------------------------------------------

SCRAPS = [
    *("(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "-", "+", "'", '"', "`", "\\", "\n", "\0", "\u2028"),
    *("&&", "||", "==", ".?", "[?", "r'", "b'", "'''", "0x", "1e999", "9" * 30, "u", "in", "null", "true", "//", "é"),
    *("has(", ".map(i,", ".all(", "cel.bind(x,", ".?k", "__class__", "_failure", "budget", "\ud800", "\\u12", "\\777"),
    *("optional.of(", ".optMap(x,", "dyn(", "(" * 60, "[" * 60, "!" * 90, ".a" * 90, "a?b:" * 60, "t_1", "error_1"),
]


def mutated(dice: random.Random, text: str) -> str:
    for _ in range(dice.randint(1, 4)):
        at, to = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
        match dice.randint(0, 4):
            case 0:
                text = text[:at] + dice.choice(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[min(to, at + 6) :]
            case 2:
                text = text[:at] + text[at:to] * 2 + text[to:]
            case 3:
                text = text[:at] + chr(dice.choice([dice.randint(0, 127), dice.randint(0, 0x10FFFF)])) + text[at + 1 :]
            case _:
                text = text[:at] + text[at:to][::-1] + text[to:]
    return text[:4000]


def mutate(options: argparse.Namespace) -> int:
    """Whatever the text: a program of allowed code, or an ExprError."""
    ours, dice, counts = Ours(), random.Random(options.seed), Counter[str]()
    started = time.monotonic()
    while running(options, started, counts.total()):
        text = mutated(dice, expression(dice, dice.choice(KINDS), dice.randint(0, 4)))
        checked = dice.random() < 0.5
        problem = examine(ours, Case(text, checked, inputs(dice)), counts)
        if problem:
            counts["FAILURES"] += 1
            print(f"\nFAILURE  {text!r} checked={checked}\n  {problem}", flush=True)
    print(f"\n{counts.total():,} texts, seed {options.seed}, {time.monotonic() - started:.0f} s: {dict(counts)}")
    return 1 if counts["FAILURES"] else 0


def examine(ours: Ours, case: Case, counts: Counter[str]) -> str:
    """What is wrong with how a text is treated; empty when it is refused or translated as it should be."""
    from octo.expr import ExprError
    from octo.expr.generate import generate
    from octo.expr.generate.audit import violations
    from octo.expr.parser import parse
    from octo.expr.program import Program

    scope = ours.scopes[case.checked]
    try:
        generated = generate(case.text, parse(case.text), ours.environments[case.checked])
        found = violations(generated, scope, ours.builtins)
        if found:
            return f"generated code has {found}"
        Program(case.text, scope, generated).function(case.data)
    except ExprError as error:
        if error.code == "OCTO-E211":
            return f"unplanned: {error} from {error.__cause__!r}"
        counts["refused" if error.code < "OCTO-E2" else "failed"] += 1
    except (RecursionError, MemoryError):
        counts["too complex"] += 1  # `compile` of the API makes an ExprError of these
    except Exception as error:  # noqa: BLE001  that is what we look for
        return f"{type(error).__name__}: {error}"
    else:
        counts["evaluated"] += 1
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time")
    parser.add_argument("--count", type=int, default=0, help="stop after this many expressions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutate", action="store_true", help="random texts instead of random expressions")
    parser.add_argument("--oracle", default=sys.executable, help="a Python that has cel-expr-python")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        serve()
        return 0
    if not (options.seconds or options.count):
        options.seconds = 60.0
    sys.path.insert(0, str(Path(__file__).parents[1]))
    return mutate(options) if options.mutate else compare(options)


if __name__ == "__main__":
    sys.exit(main())
