"""A watched program reports which way its decisions went, and changes nothing about its outcome."""

import json
import random
from types import SimpleNamespace

import pytest
from corpus import SAMPLE, load, scope
from programs import VALUES, expression

from octo.expr import ExprError, Scope, compile  # noqa: A004 - the name of the API
from octo.expr.decisions import watch
from octo.expr.environment import environment
from octo.expr.generate import generate
from octo.expr.generate.audit import violations
from octo.expr.generate.decisions import Deciding, Decisive
from octo.expr.parser import parse
from octo.expr.program import _BUILTINS
from octo.expr.sketch import sketch

SCOPE = Scope(("body",), {"body": "body"}, constants={"env": {"MODE": "prod"}})


def decided(text, *bodies, whole=False):
    """Each decision with its values for all bodies."""
    log = []
    program = watch(compile(text, SCOPE), lambda index, value: log.append((index, value)), whole=whole)
    for body in bodies:
        program(body)
    return {
        point.text: [value for index, value in log if index == number] for number, point in enumerate(program.points)
    }


def test_the_condition_of_a_choice_is_a_decision():
    assert decided("body > 1 ? 'big' : 'small'", 5, 0, 7) == {"body > 1": [True, False, True]}


def test_operands_are_decisions_and_so_is_what_they_come_to():
    found = decided("body.a && body.b", {"a": False}, {"a": True, "b": True})

    assert found == {"body.a && body.b": [False, True], "body.a": [False, True], "body.b": [True]}


def test_an_operand_that_was_not_needed_is_not_decided():
    assert decided("body || body.nope", True)["body.nope"] == []


def test_an_operand_that_failed_is_not_decided():
    assert decided("body.nope || body.a", {"a": True}) == {
        "body.nope || body.a": [True],
        "body.nope": [],
        "body.a": [True],
    }


def test_a_value_that_is_no_bool_is_not_decided():
    assert decided("body.a || body.b", {"a": 1, "b": True})["body.a"] == []


def test_the_whole_counts_when_it_is_a_condition():
    assert decided("size(body) > 2", "abc", whole=True) == {"size(body) > 2": [True]}
    assert decided("size(body) > 2", "abc") == {}


def test_every_round_of_a_loop_decides():
    assert decided("body.filter(i, i > 1 && i < 9).size()", [0, 5])["i > 1"] == [False, True]


def test_what_cannot_go_both_ways_is_no_decision():
    assert decided("env.MODE == 'prod' ? body : 0", 1) == {}
    assert "true" not in decided("true || body", 1)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("(body.a + 1) > 2 && !(body.b || body.c)", ["(body.a + 1) > 2", "!(body.b || body.c)", "body.b", "body.c"]),
        ("((body.a > 1) || (body.b)) ? 1 : 2", ["(body.a > 1) || (body.b)", "body.a > 1", "body.b"]),
        ("(')' + body.a) == '' ? (1) : (2)", ["(')' + body.a) == ''"]),
    ],
)
def test_a_decision_is_shown_with_its_parentheses(text, pieces):
    program = watch(compile(text, SCOPE), lambda *_: None)

    assert set(pieces) <= {point.text for point in program.points}


def test_a_decision_has_its_kind_and_its_place():
    program = watch(compile("body.a\n  ? (body.b && body.c)\n  : body.d", SCOPE), lambda *_: None)

    assert [tuple(point) for point in program.points] == [
        ("?:", "body.a", 1, 1),
        ("&&", "body.b && body.c", 2, 6),
        ("&&", "body.b", 2, 6),
        ("&&", "body.c", 2, 16),
    ]


def test_a_program_that_is_watched_again_reports_to_the_new_watcher_only():
    old, new = [], []
    first = watch(compile("body ? 1 : 2", SCOPE), lambda *seen: old.append(seen))
    again = watch(first, lambda *seen: new.append(seen))

    assert (again(True), old, new) == (1, [], [(0, True)])


def test_a_program_without_decisions_runs_as_it_was():
    program = compile("body.a + 1", SCOPE)

    assert watch(program, lambda *_: None).function is program.function


def test_a_program_too_large_to_be_watched_runs_as_it_was(monkeypatch):
    def exhausted(*_):
        raise RecursionError

    program = compile("body ? 1 : 2", SCOPE)
    monkeypatch.setattr("octo.expr.decisions.generate", exhausted)
    watched = watch(program, lambda *_: None)

    assert (watched(True), watched.points, watched.function) == (1, [], program.function)


def outcome(program, arguments):
    try:
        return sketch(program(*arguments))
    except ExprError as error:
        return type(error), error.code, str(error), error.hint, error.line, error.column


def disagreement(text, cel, arguments):
    """What a watched program does differently; None when all is the same, or when there is no program."""
    try:
        program = compile(text, cel)
    except ExprError:
        return None
    watched = watch(program, lambda *_: None, whole=True)
    plain, seen = outcome(program, arguments), outcome(watched, arguments)
    return None if plain == seen else (text, plain, seen)


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_the_conformance_cases_end_the_same(strict):
    cases = [*load(), *json.loads(SAMPLE.read_text())["cases"]]

    found = [disagreement(case["expr"], *scope(case, strict=strict)) for case in cases]
    assert [each for each in found if each] == []


@pytest.mark.parametrize("seed", range(10))
def test_random_programs_end_the_same(seed):
    dice = random.Random(seed)
    cel = Scope(("m",), {"a": "m.a", "b": "m.b"}, strict=dice.random() < 0.3, checked=dice.random() < 0.3)
    for _ in range(40):
        text = f"({expression(dice, 2)} && {expression(dice, 2)}) ? {expression(dice, 2)} : {expression(dice, 1)}"
        for each in (text, expression(dice, dice.randint(1, 4))):
            message = SimpleNamespace(a=dice.choice(VALUES), b=dice.choice(VALUES))
            assert disagreement(each, cel, [message]) is None


def test_watching_code_is_audited_like_any_other():
    text = "body.all(i, i > 1 && i < 9) ? body.exists(i, i == 2 || i == 3) : body.map(i, i ? 1 : 2)"
    tree = parse(text)
    decisive = Decisive(tree, whole=True)
    generated = generate(text, tree, environment(SCOPE), lambda *given: Deciding(decisive, *given))

    assert violations(generated, SCOPE, frozenset(_BUILTINS) | {"_decided"}) == []
