"""A failure tells the error path what happened, where, and whether trying again helps."""

from __future__ import annotations

import pytest

from octo.core.errors import Bug, Overloaded, Permanent, Timeout, Transient
from octo.core.flow import Failure
from octo.core.message import Message
from octo.expr import ExprError


@pytest.mark.parametrize(
    ("cause", "kind", "retryable"),
    [
        (Permanent("x"), "Permanent", False),
        (Transient("x"), "Transient", True),
        (Timeout("x"), "Timeout", True),
        (Overloaded("x"), "Overloaded", True),
        (Bug("x"), "Bug", False),
        (KeyError("x"), "Bug", False),
        (ExprError("OCTO-E201", "x"), "ExprError", False),
    ],
)
def test_every_error_has_a_type(cause, kind, retryable):
    value = Failure(cause, "leaf", "f.leaf", Message()).as_value("f")

    assert (value["type"], value["retryable"]) == (kind, retryable)
    assert value["code"].startswith("OCTO-")


def test_recovery_reads_what_the_error_left():
    failure = Failure(
        Transient("down", status=503, vars={"statusCode": 503}),
        "call",
        "f.call",
        Message("b", {"v": 1, "statusCode": 200, "error": "an older one"}),
    )

    message = failure.recovery("f")

    assert message.body == "b"
    assert message.vars["statusCode"] == 503
    assert message.vars["v"] == 1
    assert message.vars["error"]["status"] == 503


def test_a_failure_knows_its_way_from_the_outside_in():
    """The error path gets the block of its own chain, and the whole way to the innermost block."""
    failure = Failure(KeyError("x"), "leaf", "f.guard[process].leaf", Message("changed"))
    failure.inside('fork branch "a"').isolated('block "fork"', Message("as it came")).inside("error path", "outer")

    value = failure.as_value("f")
    assert str(failure) == """error path: block "fork": fork branch "a": block "leaf": KeyError: 'x'"""
    assert (value["flow"], value["block"], value["path"]) == ("f", "outer", "f.guard[process].leaf")
    assert (value["message"], value["code"], value["status"]) == (str(failure), "OCTO-R190", None)
    assert failure.recovery("f").body == "as it came"


def test_the_text_of_a_failure_has_a_bounded_length_however_long_its_way_is():
    """A flow whose error chain calls the flow again fails a hundred calls deep."""
    failure = Failure(Permanent("no"), "leaf", "f.leaf", Message())
    for _ in range(1_000):
        failure.inside('flow-ref "again"').inside('block "flow-ref"')

    assert str(failure).startswith('block "flow-ref": flow-ref "again": ')
    assert str(failure).endswith('block "leaf": no')
    assert len(str(failure)) < 3_000


def test_a_step_further_out_keeps_the_label_unless_it_names_one():
    assert Failure(Bug("x"), "leaf", "f.leaf", Message()).inside("a").label == "leaf"


def test_an_error_of_an_expression_keeps_its_code():
    cause = ExprError("OCTO-E201", "no such key: a")
    value = Failure(cause, "leaf", "f.leaf", Message()).as_value("f")

    assert (value["code"], value["message"]) == ("OCTO-E201", 'block "leaf": no such key: a')


def failed(label, text="no"):
    return Failure(Permanent(text), label, f"f.{label}", Message())


def test_a_failure_in_an_error_chain_tells_the_one_before_too_in_order():
    second = failed("notify", "mail is down").inside("error path").after(failed("charge", "declined"))
    second.isolated('flow-ref "f"', Message())

    assert str(second) == (
        'flow-ref "f": block "charge": declined; then flow-ref "f": error path: block "notify": mail is down'
    )
    value = second.as_value("f")
    assert value["message"] == str(second)
    assert value["path"] == "f.notify"
    assert (value["cause"]["message"], value["cause"]["path"]) == ('flow-ref "f": block "charge": declined', "f.charge")


def test_failures_of_nested_handlers_are_told_in_the_order_in_which_they_arose():
    """The handler of the second failure fails inside the chain that handles the first."""
    first, second, third = failed("one"), failed("two"), failed("three")
    outer = third.after(second).after(first)

    assert [each.label for each in outer.told] == ["one", "two", "three"]
    assert outer.after(first) is outer
    assert len(outer.told) == 3


def test_of_many_failures_the_first_and_the_last_are_told():
    found = failed("b0")
    for number in range(1, 9):
        found = failed(f"b{number}").after(found)

    assert str(found) == 'block "b0": no; then ...; then block "b6": no; then block "b7": no; then block "b8": no'
