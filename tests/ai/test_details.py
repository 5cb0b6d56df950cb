"""A block says which model answered, why it stopped, and what all of its calls have cost."""

from __future__ import annotations

from octo.ai.conversation import Reply
from octo.ai.details import details
from octo.core.budget import Meter


async def test_the_details_are_of_the_last_reply_and_of_all_calls():
    meter = Meter(None, "a test")
    await meter.begin("a", 0, 0.0)
    meter.end("a", 10, 5, 0.25)
    await meter.begin("b", 0, 0.0)
    meter.end("b", 1, 1, 0.5)

    assert details(meter, Reply("x", model="tiny-1", stop="refusal"), attempts=2) == {
        "model": "tiny-1",
        "stopReason": "refusal",
        "usage": {"calls": 2, "inputTokens": 11, "outputTokens": 6, "money": 0.75},
        "attempts": 2,
    }


async def test_a_sum_of_money_that_is_not_all_is_not_told():
    meter = Meter(None, "a test")
    await meter.begin("a", 0, 0.0)
    meter.end("a", 10, 5, None)

    assert details(meter, None) == {"usage": {"calls": 1, "inputTokens": 10, "outputTokens": 5}}
