"""An error chain runs when the chain of its flow has failed."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure, at_last
from octo.core.message import Message
from octo.engine.chain import chain
from octo.engine.recovery import recovering
from octo.engine.step import Step


def steps(label, call):
    return chain((Step(call, label, f"f.{label}"),))


def refuse(message):
    raise Permanent("no")


async def refuse_later(message):
    await asyncio.sleep(0)
    raise Permanent("no")


async def later(message):
    await asyncio.sleep(0)
    return message


def test_without_an_error_chain_there_is_nothing_in_between():
    plain = steps("a", lambda message: message)

    assert recovering("f", plain, None) is plain


@pytest.mark.parametrize("fails", [refuse, refuse_later])
@pytest.mark.parametrize("recovers", [lambda message: message, later])
async def test_the_error_chain_goes_on_with_the_message_as_it_was(fails, recovers):
    process = recovering("f", steps("a", fails), steps("b", recovers))

    outcome = await at_last(process(Message({"id": 7})))

    assert outcome.body == {"id": 7}
    assert (outcome.vars["error"]["flow"], outcome.vars["error"]["message"]) == ("f", 'block "a": no')


@pytest.mark.parametrize("fails", [refuse, refuse_later])
@pytest.mark.parametrize("fails_again", [refuse, refuse_later])
async def test_an_error_chain_that_fails_says_that_it_was_one(fails, fails_again):
    process = recovering("f", steps("a", fails), steps("b", fails_again))

    with pytest.raises(Failure, match='error path: block "b": no') as caught:
        await at_last(process(Message()))

    assert str(caught.value) == 'block "a": no; then error path: block "b": no'
    assert caught.value.first is caught.value.__cause__


async def test_what_succeeds_or_drops_is_left_alone():
    """At once or later, the outcome is that of the chain."""
    message, drop = Message(1), Drop("no")

    async def drop_later(_):
        return drop

    for call, expected in ((lambda _: drop, drop), (drop_later, drop), (lambda each: each, message), (later, message)):
        process = recovering("f", steps("a", call), steps("b", refuse))
        assert await at_last(process(message)) is expected


async def test_a_cancellation_is_nothing_to_recover_from():
    async def never(message):
        await asyncio.Event().wait()

    process = recovering("f", steps("a", never), steps("b", later))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await process(Message())
