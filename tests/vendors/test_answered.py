"""An answer becomes the body, or a variable; so may an error."""

from __future__ import annotations

import pytest

from octo.core.errors import Permanent
from octo.core.message import Message
from octo.vendors.answered import Answered, answered


async def answer():
    return {"n": 1}


async def fail():
    raise Permanent("no", code="OCTO-W125", status=422)


async def test_an_answer_is_the_body_or_a_variable():
    message = Message("before", {})
    assert (await answered(Answered.model_validate({}), message, answer())).body == {"n": 1}

    outcome = await answered(Answered.model_validate({"resultVar": "x"}), message, answer())
    assert (outcome.body, outcome.vars["x"]) == ("before", {"n": 1})


async def test_an_error_fails_unless_it_is_taken_for_an_answer():
    with pytest.raises(Permanent):
        await answered(Answered.model_validate({}), Message(), fail())

    outcome = await answered(Answered.model_validate({"failOnError": False}), Message(), fail())
    assert outcome.body == {"error": {"code": "OCTO-W125", "message": "no", "status": 422}}
