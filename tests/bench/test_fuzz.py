"""The fuzzer compares strictly, shrinks each difference to its cause, and accepts only documented ones."""

from __future__ import annotations

import random

import pytest

from bench.fuzz.grammar import KINDS, VARIABLES, expression, inputs, renamed
from bench.fuzz.minimise import smallest
from bench.fuzz.ours import Ours
from bench.fuzz.outcome import Case, Meeting, Outcome, written
from bench.fuzz.rules import named
from bench.fuzz.search import CHECKER, UNNAMED, Search
from octo.expr.values import NONE, Optional, Uint

OURS = Ours()
DATA = dict.fromkeys(VARIABLES)


class Official:
    """An official evaluator that agrees with Octo, except where a test says otherwise."""

    def __init__(self, answer):
        self.answer = answer

    def ask(self, cases):
        return [self.answer(case) or OURS.outcome(case) for case in cases]


def met(text, ours, theirs, checked=False):
    return Meeting(Case(text, checked, DATA), Outcome(*ours), Outcome(*theirs))


def search(answer):
    return Search(Official(answer), OURS)


def test_a_seed_makes_the_same_expressions():
    first, again = ([expression(dice, kind, 3) for kind in KINDS] for dice in (random.Random(3), random.Random(3)))
    assert first == again
    assert inputs(random.Random(3)).keys() == VARIABLES.keys()


@pytest.mark.parametrize("seed", range(5))
def test_an_expression_means_the_same_whatever_its_variables_are_called(seed):
    dice, changed = random.Random(seed), 0
    for _ in range(600):
        text, data = expression(dice, dice.choice(KINDS), dice.randint(1, 4)), inputs(dice)
        other = renamed(dice, text)
        changed += other != text
        ours, theirs = (OURS.outcome(Case(each, False, data)) for each in (text, other))
        assert Meeting(Case(other, False, data), ours, theirs).is_same, (text, other)
    assert changed > 20


# --- what counts as the same -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        (("value", {"int": "1"}), ("value", {"int": "1"}), True),
        (("value", {"int": "1"}), ("value", {"double": "1.0"}), False),
        (("value", {"int": "1"}), ("value", True), False),
        (("error", "one"), ("error", "another"), True),
        (("refused", "early"), ("error", "late"), True),
        (("error", "no value"), ("unspeakable", "a value"), False),
        (("unplanned", "a mistake of ours"), ("error", ""), False),
        (("error", ""), ("died", ""), False),
    ],
)
def test_a_value_equals_its_like_and_an_error_any_error(ours, theirs, same):
    assert met("1", ours, theirs).is_same is same


def test_optionals_and_uints_have_a_written_form():
    assert written(Optional(1)) == {"optional": [{"int": "1"}]}
    assert written(NONE) == {"optional": []}
    assert written(Uint(1), top=True) == {"uint": "1"}


# --- shrinking ---------------------------------------------------------------------------------------------------


def wrong_trim(case):
    """An official evaluator that does not trim, which is its only difference."""
    return Outcome("value", "wrong") if ".trim()" in case.text and OURS.outcome(case).word == "value" else None


def test_a_difference_shrinks_to_its_cause():
    looking = search(wrong_trim)
    case = Case("[1, size(m)].map(i, (((s + 'x').trim())) + 'y')", True, {**DATA, "s": " a", "m": {}})
    found = smallest(looking.meet(case), looking.meet)
    assert found.case.text == "''.trim()"


def test_parentheses_around_a_first_part_do_not_hide_it():
    looking = search(wrong_trim)
    found = smallest(looking.meet(Case("(((('a').trim())) + 'b') + ('c')", True, DATA)), looking.meet)
    assert found.case.text == "''.trim()"


def test_what_has_no_name_is_printed_once(capsys):
    looking = search(wrong_trim)
    for text in ("' a'.trim()", "'b '.trim() + 'c'"):
        looking.run([Case(text, True, DATA)])
    assert looking.counts[UNNAMED] == 2
    assert capsys.readouterr().out.count("DIFFERENCE  ''.trim()") == 1


def test_a_difference_that_follows_from_a_named_one_has_its_name():
    def lowercase(case):
        text = case.text
        if text == "string(double('NaN'))":
            return Outcome("value", "nan")
        return Outcome("error", "invalid base64 data") if "NaN')" in text and "base64" in text else None

    looking = search(lowercase)
    looking.run([Case("base64.decode(string(double('NaN')))", False, DATA)])
    assert looking.counts["string(infinity) is +Inf, of nan NaN, as in cel-go"] == 1


def test_two_named_differences_in_one_have_the_name_of_the_first():
    def both(case):
        short = Outcome("error", "<start> or <end> is greater than <string>.size()")
        answers = {"string(double('NaN'))": Outcome("value", "nan"), "'NaN'.substring(1, 3)": short}
        return answers.get(case.text) or (short if "NaN" in case.text and "substring" in case.text else None)

    looking = search(both)
    looking.run([Case("string(double('NaN')).substring(1, 3)", False, DATA)])
    assert looking.counts[UNNAMED] == 0


def test_their_checker_excuses_nothing_but_itself():
    def strict(case):
        return Outcome("refused", "found no matching overload") if case.checked else None

    looking = search(strict)
    looking.run([Case("1 < 2u", True, DATA), Case("1 < 2.0", True, DATA)])
    assert looking.counts[CHECKER] == 2

    wrong = search(lambda case: strict(case) or Outcome("value", False))
    wrong.run([Case("1 < 2u", True, DATA)])
    assert wrong.counts[UNNAMED] == 1


# --- rules -------------------------------------------------------------------------------------------------------

ERROR = "INVALID_ARGUMENT: "

NAMED = [
    ("string(duration('-1.5s'))", ("value", "-1.5s"), ("value", "-1.500s")),
    ("'%s'.format([duration('-1.5s')])", ("value", "-1.5s"), ("value", "-1.500s")),
    ("'%d|%s'.format([1.5, 1])", ("value", "1.5|1"), ("value", "1.500000|1")),
    ("string(double('inf'))", ("value", "+Inf"), ("value", "inf")),
    ("string(1000000.0)", ("value", "1000000"), ("value", "1e+06")),
    ("string(1234567.5)", ("value", "1234567.5"), ("value", "1.2345675e+06")),
    ("int(duration('1s'))", ("value", {"int": "1"}), ("error", "No matching overloads found : int(duration)")),
    ("uint('+1')", ("error", "cannot convert a string to uint: '+1'"), ("value", {"uint": "1"})),
    (
        "timestamp('2024-02-29T2:00:00Z')",
        ("error", "cannot convert a string to timestamp: '2024-02-29T2:00:00Z'"),
        ("value", {"time": "1"}),
    ),
    ("'%s'.format([1234567.5])", ("value", "1234567.5"), ("value", "1.23457e+06")),
    ("true ? 1 : null[1]", ("refused", "cannot index null"), ("value", {"int": "1"})),
    ("''.split('', 1)", ("value", []), ("value", [""])),
    ("type([].first())", ("value", {"type": "optional_type"}), ("value", {"type": "optional_type<DYN>"})),
    ("int(dyn(true))", ("error", "no such overload: int(bool). There is"), ("value", {"int": "1"})),
    ("int(' 1')", ("error", "cannot convert a string to int: ' 1'"), ("value", {"int": "1"})),
    ("base64.decode('A b')", ("error", "not base64: 'A b'"), ("value", {"bytes": "AQ=="})),
    (
        "[1, 2.5].sort()",
        ("value", [{"int": "1"}, {"double": "2.5"}]),
        ("error", ERROR + "sort(): list elements must have the same type"),
    ),
    ("[] in dyn({1: 1})", ("value", False), ("error", "UNKNOWN: No matching overloads found : @in")),
    ("'abc'.substring(1, 3)", ("value", "bc"), ("error", ERROR + "<start> or <end> is greater than <string>.size()")),
    ("duration(1)", ("value", {"time": "1"}), ("error", "UNKNOWN: No matching overloads found : duration(int64)")),
    ("!!1", ("error", "no such overload: !int"), ("value", {"int": "1"})),
    ("{1: [].first()}", ("value", {"map": [[{"int": "1"}, {"optional": []}]]}), ("died", "")),
    ("---9223372036854775808", ("value", {"int": "-9223372036854775808"}), ("refused", "invalid int literal")),
]

NAMELESS = [
    ("string(duration('-1.5s'))", ("value", "-1.5s"), ("value", "-1.600s")),
    ("string(duration('-1.5s'))", ("value", "-1.5s"), ("error", "")),
    ("'%d|%s'.format([1.5, 1])", ("value", "1.5|1"), ("value", "1.600000|1")),
    ("'%d|%s'.format([1.5, 1])", ("value", "1.5|1"), ("value", "1.500000|2")),
    ("string(1000000.0)", ("value", "1000000"), ("value", "2e+06")),
    ("string(1e15)", ("value", "1000000000000000.0"), ("value", "1e+15")),
    ("uint('1')", ("error", "cannot convert a string to uint: '1'"), ("value", {"uint": "1"})),
    (
        "timestamp('2024-02-29T02:00:00Z')",
        ("error", "cannot convert a string to timestamp: '2024-02-29T02:00:00Z'"),
        ("value", {"time": "1"}),
    ),
    ("'%s'.format([1234567.5])", ("value", "1234567.5"), ("value", "1.23456e+06")),
    ("true ? 1 : 2[1]", ("refused", "cannot index an int"), ("value", {"int": "1"})),
    ("'a'.split('')", ("value", []), ("value", [""])),
    ("int(true)", ("error", "something else"), ("value", {"int": "1"})),
    ("int(true)", ("error", "no such overload: int(bool). There is"), ("value", {"int": "2"})),
    ("int('1')", ("error", "cannot convert a string to int: '1'"), ("value", {"int": "1"})),
    ("base64.decode('YQ===')", ("value", {"bytes": "YQ=="}), ("error", ERROR + "invalid base64 data")),
    (
        "['a', 1].sort()",
        ("value", ["a", {"int": "1"}]),
        ("error", ERROR + "sort(): list elements must have the same type"),
    ),
    ("'a' in {'a': 1}", ("value", False), ("value", True)),
    ("'abc'.substring(1, 2)", ("value", "b"), ("error", ERROR + "<start> or <end> is greater than <string>.size()")),
    ("{1: 1}", ("value", {"map": [[{"int": "1"}, {"int": "1"}]]}), ("died", "")),
    ("[1].first()", ("value", {"optional": [{"int": "1"}]}), ("unspeakable", "Unable to convert")),
    ("1 + 1", ("unplanned", "a mistake of ours"), ("value", {"int": "2"})),
]


@pytest.mark.parametrize(("text", "ours", "theirs"), NAMED)
def test_what_is_documented_has_a_name(text, ours, theirs):
    assert named(met(text, ours, theirs))


@pytest.mark.parametrize(("text", "ours", "theirs"), NAMELESS)
def test_what_only_looks_like_it_has_none(text, ours, theirs):
    assert named(met(text, ours, theirs)) == ""
