"""A model is asked again as long as telling it what is wrong may help."""

from __future__ import annotations

import pytest

from octo.ai.answer import Unusable, parsed
from octo.ai.answering import answered, working
from octo.ai.conversation import Ask, Assistant, Reply, User
from octo.core.budget import Meter, metered
from octo.core.errors import Overloaded
from tests.ai.fakes import FakeModel, calls

ASK = Ask("", (User("?"),))


async def test_each_answer_and_what_is_wrong_with_it_stay_in_the_conversation():
    model = FakeModel().says("a", "", calls(("t", {}), text="b"), "1")

    found = await answered(model, ASK, parsed, 3, Meter(None, "a test"))

    assert (found.value, found.attempts) == (1, 4)
    assert [type(each).__name__ for each in model.asks[-1].turns] == [
        *("User", "Assistant", "User", "User", "Assistant", "User")
    ]
    assert model.asks[-1].turns[4] == Assistant("b")  # its call had no result, which no provider takes


async def test_an_origin_that_the_provider_wants_back_is_kept():
    model = FakeModel().says(Reply("a", origin={"thought": "signed"}), "1")

    await answered(model, ASK, parsed, 1, Meter(None, "a test"))

    assert model.asks[1].turns[1] == Assistant("a", origin={"thought": "signed"})


async def test_the_last_error_says_how_many_answers_there_were_and_what_they_have_cost():
    meter = Meter(None, "a test")
    with metered(meter), pytest.raises(Unusable) as error:
        await answered(FakeModel().says("a", "b", "c"), ASK, parsed, 1, meter)

    told = error.value.vars["ai"]
    assert told["text"] == "b"
    assert told["attempts"] == 2
    assert told["usage"]["calls"] == 2


def test_an_error_says_whose_work_it_has_ended_and_stays_what_it_is():
    error = Overloaded("full", retry_after=7)

    with pytest.raises(Overloaded, match=r"^ai-x: full$") as found, working("ai-x"):
        raise error

    assert found.value.retry_after == 7
