"""A failure tells whoever recovers what happened, where, and whether trying again helps."""

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
