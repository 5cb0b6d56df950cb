"""Values that a trace lacks are neither checked nor reported as different."""

from __future__ import annotations

import pytest

from octo import expr
from octo.core.expressions import Build
from octo.core.message import Message
from octo.suite.gaps import Gaps, masks

AT = 1_774_744_200_250_000_000  # 2026-03-29T00:30:00.25Z
ROOT = {"at": AT, "duration": 2_000_000_000}


def gaps(given=(), made=()):
    return Gaps(ROOT, given, made)


def holds(condition, body):
    return expr.compile(condition, Build({}).scope()).function(Message(body)) is True


def test_a_value_without_gaps_is_wanted_whole():
    assert list(gaps().conditions("body", {"a": [1, None]})) == ['body == {"a": [1, null]}']


def test_of_a_value_with_gaps_all_else_is_wanted():
    value = {"k": "«secret»", "in": {"a b": "id «masked»", "n": 1}, "list": [1, "«masked»"], "«masked»": 2}
    found = list(gaps().conditions("body", value))

    assert found == [
        "size(body) == 4",
        '["k", "in", "list"].all(key, key in body)',
        'size(body["in"]) == 2',
        '["a b", "n"].all(key, key in body["in"])',
        'body["in"].n == 1',
        "size(body.list) == 2",
        "body.list[0] == 1",
    ]
    real = {"k": "x", "in": {"a b": "id 7", "n": 1}, "list": [1, 5], "card": 2}
    assert all(holds(each, real) for each in found)
    assert not all(holds(each, {**real, "list": [2, 5]}) for each in found)
    assert not all(holds(each, {**real, "more": 1}) for each in found)


def test_places_are_named_as_cel_names_them():
    value = {"a": {"b c": ["«masked»", 1]}, "«secret»": 1, "n": "x«secret»y"}

    assert list(masks("body", value)) == ['body.a["b c"][0]', 'body["«secret»"]', "body.n"]


def test_the_clock_stands_at_the_moment_that_the_flow_saw():
    found = gaps(made=[{"day": "2026-03-29T00:30:01Z", "text": "at 2026-03-29T00:30:01.123456789Z, about"}])

    assert found.clock == "2026-03-29T00:30:01.123456789Z"
    assert list(found.places("body", {"day": "2026-03-29T00:30:01Z", "now": f"at {found.clock}"})) == ["body.day"]


@pytest.mark.parametrize("first", ["2026-03-29T00:30:01.12345678Z", "2026-03-29T02:30:01.123456789+02:00"])
@pytest.mark.parametrize("second", ["2026-03-29T00:30:01.223456789Z", "2026-03-29T00:30:01.3Z"])
def test_of_two_moments_the_first_counts_however_many_digits_it_has(first, second):
    """A moment that ends with zeros is written shorter, but is not less exact."""
    found = gaps(made=[{"ended": first, "began": second}])

    assert found.clock == first
    assert list(found.places("body", {"ended": first, "began": second})) == ["body.began"]


def test_a_moment_in_another_zone_is_not_more_exact_for_being_longer():
    assert gaps(made=["2026-03-29T02:30:01+02:00", "2026-03-29T00:30:01.5Z"]).clock == "2026-03-29T00:30:01.5Z"


@pytest.mark.parametrize("text", ["2026-03-29T00:29:59Z", "2026-03-29T00:30:03Z", "2026-13-29T00:30:01Z", "soon"])
def test_without_such_a_moment_it_stands_where_the_message_came(text):
    assert gaps(made=[text]).clock == "2026-03-29T00:30:00.25Z"
    assert list(gaps(made=[text]).places("body", text)) == []


def test_a_moment_that_came_from_outside_is_a_value_like_others():
    moment = "2026-03-29T00:30:01.5Z"
    found = gaps(given=[{"t": moment}], made=[moment])

    assert found.clock == "2026-03-29T00:30:00.25Z"
    assert list(found.places("body", moment)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"k": "«secret»", "n": 1}, {"k": "abc", "n": 2}, {"k": "«secret»", "n": 2}),
        ("id «masked».", "id 7.", "id «masked»."),
        ("id «masked».", "no 7.", "no 7."),
        ("«masked»", 7, "«masked»"),
        (["«masked»"], ["a", "b"], ["«masked»", "b"]),
        ({"k": "«secret»"}, {}, {}),
        (1, 2, 2),
    ],
)
def test_a_new_value_is_the_same_wherever_the_old_one_has_a_gap(old, new, expected):
    assert gaps().filled(old, new) == expected


def test_of_a_text_the_longest_part_is_known():
    assert gaps().known("a «secret» is no number") == " is no number"
    assert gaps().known("plain") == "plain"


def test_ids_of_the_recorded_run_are_gaps():
    """A flow that answers with its ids answers others next time; other texts of that form are wanted."""
    event, correlation = "210640e601b7a175d883bc2639b6ee72", "decfb1d8ac6dffbdd3a36637395270bb"
    kin = f"{event[:20]}000000000000"
    body = {"requestId": correlation, "event": event, "callee": kin, "order": "0" * 32}
    found = Gaps({**ROOT, "event": event, "correlation": correlation}, [], [body])

    assert list(found.places("body", body)) == ["body.requestId", "body.event", "body.callee"]
    assert list(found.conditions("body", {"a": correlation, "b": 1})) == [
        "size(body) == 2",
        '["a", "b"].all(key, key in body)',
        "body.b == 1",
    ]
