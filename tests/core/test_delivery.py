"""A delivery is a message, and how its source learns what became of it."""

from __future__ import annotations

import pytest

from octo.core.delivery import Delivery, Done, Reject, Retry, settling
from octo.core.errors import Permanent
from octo.core.flow import Drop
from octo.core.message import Message


def test_a_source_that_cannot_acknowledge_gives_nothing_but_the_message():
    delivery = Delivery(Message(1))

    assert (delivery.settle, delivery.attempt, delivery.most_attempts) == (None, 1, None)


async def extend():
    pass


@pytest.mark.parametrize("half", [{"extend": extend}, {"lease": 30.0}])
def test_a_lease_without_a_way_to_extend_it_or_the_other_way_round_is_refused(half):
    """The engine could not renew it, or would not know when to renew it."""
    with pytest.raises(TypeError, match="both `extend` and `lease`, or neither"):
        Delivery(Message(1), **half)


@pytest.mark.parametrize(
    "how",
    [
        {"attempt": "3"},
        {"attempt": None},
        {"most_attempts": "5"},
        {"lease": 0.0, "extend": extend},
        {"lease": float("nan"), "extend": extend},
        {"lease": "30", "extend": extend},
    ],
)
def test_numbers_that_are_none_are_refused_where_the_delivery_is_made(how):
    """Brokers put them into headers, as text; the engine must not come to grief over one much later."""
    with pytest.raises((TypeError, ValueError)):
        Delivery(Message(1), **how)


async def test_settling_names_one_way_for_each_end():
    """A message that is safe among the dead letters is finished for its source."""
    ends = []

    async def done():
        ends.append("done")

    async def again(after):
        ends.append(after)

    async def away(note):
        ends.append(note)

    settle = settling(done, again, away)
    error = Permanent("no")
    for verdict in (
        Done(Message()),
        Drop("d"),
        Reject("no", error, is_kept=True),
        Retry(2.0, error),
        Reject("no", error),
    ):
        await settle(verdict)

    assert ends == ["done", "done", "done", 2.0, "no"]
