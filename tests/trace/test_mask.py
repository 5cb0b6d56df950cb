"""Declared fields and secrets are replaced, and nothing else."""

from __future__ import annotations

import pytest

from octo.trace.mask import DEEPEST, MOST_LARGE, WIDEST, declared, secrets
from octo.trace.record import MASKED


def covered(value, *names):
    return declared(frozenset(names), [value])(value)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", [1, {"a": [None]}], {}])
def test_what_holds_nothing_declared_stays(value):
    assert covered(value, "card") == value


def test_a_declared_field_is_masked_whatever_it_holds():
    assert covered({"card": {"no": [1, 2]}, "x": {"card": None}}, "card") == {"card": MASKED, "x": {"card": MASKED}}


def test_values_of_declared_fields_are_masked_elsewhere_once_they_can_be_told_apart():
    value = {"pin": ["1234", "DE", 4711, "long enough"], "a": ["1234", "DE", 4711, "is long enough!", "12345"]}

    assert covered(value, "pin")["a"] == [MASKED, "DE", MASKED, f"is {MASKED}!", "12345"]


@pytest.mark.parametrize("card", [{"no": "4111-1111"}, {"of": {"no": "4111-1111"}}, [{"no": "4111-1111"}]])
def test_values_inside_a_declared_field_are_masked_elsewhere_whatever_their_own_names(card):
    assert covered({"card": card, "copy": "4111-1111"}, "card") == {"card": MASKED, "copy": MASKED}


@pytest.mark.parametrize("raw", ['{"card": "4111", "n": 1}', ' [{"of": {"card": {"no": 4111}}}]', '{"card":"4111"'])
def test_a_text_that_is_json_shows_no_declared_field(raw):
    assert "4111" not in str(covered({"contentType": "application/json", "rawData": raw}, "card"))


def test_a_text_that_is_json_keeps_the_rest():
    covers = covered({"raw": '{"card": "4111", "n": 1}', "none": '{"n":  1}', "bad": "{n}"}, "card")

    assert covers == {"raw": f'{{"card":"{MASKED}","n":1}}', "none": '{"n":  1}', "bad": "{n}"}


def test_values_of_declared_fields_in_such_a_text_are_masked_elsewhere():
    assert covered({"raw": '{"card": "4111-1111"}', "copy": "4111-1111"}, "card")["copy"] == MASKED


def test_a_value_may_be_a_name():
    assert covered({"card": "4111-1111", "of": {"4111-1111": 1}}, "card") == {"card": MASKED, "of": {MASKED: 1}}


def test_longer_values_are_masked_before_their_beginnings():
    assert covered({"card": ["4111-1111", "4111-1111-2222"], "x": "4111-1111-2222"}, "card")["x"] == MASKED


def test_in_what_is_large_the_outermost_values_are_read_and_so_many_at_most():
    orders = [{"lines": list(range(WIDEST)), "pin": f"inner-{number:05}"} for number in range(MOST_LARGE)]
    clean = declared(frozenset({"pin"}), [], [{"orders": orders}, {"pin": "outer-1"}])

    assert clean(["outer-1", "inner-00000", f"inner-{WIDEST:05}"]) == [MASKED, MASKED, f"inner-{WIDEST:05}"]


def test_a_very_long_value_is_masked_where_it_stands_alone():
    long = "x" * 1_000_000

    assert covered({"photo": long, "copies": [long]}, "photo") == {"photo": MASKED, "copies": [MASKED]}


def test_what_is_nested_too_deeply_to_look_at_is_masked_unseen():
    value = "secret"
    for _ in range(DEEPEST + 10):
        value = [value]
    masked = covered(value, "card")
    while isinstance(masked, list):
        [masked] = masked

    assert masked == MASKED


def test_without_registered_secrets_nothing_changes():
    value = {"a": [1, "b", {"c": 2.5}], "d": None}

    assert secrets(value) == value
