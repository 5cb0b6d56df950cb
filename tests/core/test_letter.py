"""A dead letter tells what failed, groups what failed alike, and counts a replay as one more attempt."""

from __future__ import annotations

import pytest

from octo.core import letter, secrets
from octo.core.errors import Permanent, Position
from octo.core.flow import Failure
from octo.core.letter import LONGEST_REASON, MOST_EARLIER, Letter
from octo.core.message import Message


def failed(text: str, address: str = "orders.charge", code: str = "OCTO-X1", status: int | None = 422) -> Letter:
    cause = Permanent(text, code=code, status=status)
    failure = Failure(cause, "charge", address, Message(), Position("orders.yaml", 7, 3))
    return letter.of("orders", str(failure), failure, attempts=2, config="abc", octo="1.2.3")


def test_it_tells_what_failed_where_and_in_which_version():
    made = failed("no such card")

    assert made.reason == 'block "charge": no such card'
    assert (made.flow, made.block, made.place) == ("orders", "orders.charge", "orders.yaml:7:3")
    assert (made.code, made.type, made.status, made.attempts) == ("OCTO-X1", "Permanent", 422, 2)
    assert (made.config, made.octo) == ("abc", "1.2.3")
    assert made.first_at == made.last_at
    assert made.last_at.endswith("Z")


def test_an_error_outside_of_the_flow_has_no_block():
    made = letter.of("orders", "the flow did not finish", Permanent("the flow did not finish"))

    assert (made.block, made.reason, made.code) == ("", "the flow did not finish", "OCTO-R110")


@pytest.mark.parametrize("text", ["order 4711 is 'closed'", 'order a1b2 is "open"', "order 12:30 is `x`"])
def test_what_is_quoted_or_numbered_does_not_split_a_group(text: str):
    assert failed(text).fingerprint == failed("order 1 is 'new'").fingerprint


def test_what_a_hint_lists_does_not_split_a_group():
    assert failed("no such key: a. Keys are id, price").fingerprint == failed("no such key: a. Keys are id").fingerprint
    assert failed("no such key: a. Keys are id").fingerprint != failed("no such key: b. Keys are id").fingerprint


@pytest.mark.parametrize(
    "other",
    [
        failed("order 1 is lost"),
        failed("order 1 is 'new'", address="orders.book"),
        failed("order 1 is 'new'", code="OCTO-X2"),
        failed("order 1 is 'new'", status=500),
    ],
)
def test_another_cause_is_another_group(other: Letter):
    assert other.fingerprint != failed("order 1 is 'new'").fingerprint


def test_a_reason_has_no_secret_and_a_bounded_length():
    secrets.mask("hunter2-hunter2")

    assert "hunter2" not in failed("refused hunter2-hunter2").reason
    assert len(failed("x" * 100_000).reason) < LONGEST_REASON + 100


def test_a_replay_that_fails_again_is_one_more_attempt():
    first, second = failed("no such card")._replace(first_at="T1", last_at="T1"), failed("no such shop")
    made = second.after(first)

    assert (made.first_at, made.last_at, made.attempts) == ("T1", second.last_at, 4)
    assert made.reason == second.reason
    (before,) = made.earlier
    assert before == {
        "lastAt": "T1",
        "flow": "orders",
        "block": "orders.charge",
        "code": "OCTO-X1",
        "reason": first.reason,
        "config": "abc",
        "octo": "1.2.3",
        "attempts": 2,
    }


def test_of_many_replays_it_tells_the_latest():
    made = failed("0")
    for number in range(1, 10):
        made = failed(str(number)).after(made)

    assert [each["reason"][-1] for each in made.earlier] == ["5", "6", "7", "8"]
    assert len(made.earlier) == MOST_EARLIER
    assert made.attempts == 20


def test_it_is_read_as_it_was_written():
    made = failed("no such shop").after(failed("no such card"))

    assert letter.read(made.as_text()) == made
    assert letter.read(made.as_value()) == made
    assert letter.read({**made.as_value(), "new": 1}) == made, "keys of later versions do no harm"


def test_a_letter_that_somebody_else_has_written_is_short():
    forged = {**failed("x").as_value(), "block": "b" * 10**6, "earlier": [{"reason": "r" * 10**6, "x": 1, "code": []}]}
    made = letter.read(forged)

    assert len(made.as_text()) < 10_000
    assert made.earlier[0].keys() == {"reason"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "no such order",
        "{",
        "{}",
        '{"v": 1}',
        '{"v": 2, "flow": "f"}',
        [1],
        {**failed("x").as_value(), "attempts": "many"},
        {**failed("x").as_value(), "code": None},
        "[" * 100_000,
        "{" * 100_000,
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_letter_is_none(value: object):
    assert letter.read(value) is None


def test_a_plain_reason_is_a_letter_that_knows_little():
    made = letter.unknown("orders", "no such order")

    assert (made.flow, made.reason, made.code, made.first_at) == ("orders", "no such order", "", "")


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (failed("no such order").as_text(), f"{failed('no such order').code}: {failed('no such order').reason}"),
        ("too late", "too late"),
    ],
)
def test_a_line_of_the_log_has_the_reason_and_not_the_whole_letter(note: str, told: str):
    assert letter.reason_of(note) == told
