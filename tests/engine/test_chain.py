"""A chain runs its steps in order, awaits only what waits, and says where it failed."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from octo.core.errors import Bug, Permanent
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.engine.chain import chain
from octo.engine.step import Step


def step(call, label="step"):
    return Step(call, label, f"flow.{label}")


def add(text):
    return lambda message: message.with_body((message.body or "") + text)


def add_later(text):
    async def call(message):
        await asyncio.sleep(0)
        return message.with_body((message.body or "") + text)

    return call


def test_empty_chain_passes_the_message_through():
    message = Message(1)

    assert chain(())(message) is message


def test_synchronous_steps_need_no_event_loop():
    result = chain((step(add("a")), step(add("b"))))(Message())

    assert result.body == "ab"


async def test_waiting_and_plain_steps_mix_in_order():
    result = chain(tuple(map(step, (add("a"), add_later("b"), add("c"), add_later("d"), add("e")))))(Message())

    assert inspect.isawaitable(result)
    assert (await result).body == "abcde"


async def test_a_drop_ends_the_chain():
    reached = []
    end = step(lambda message: reached.append(1) or message)

    assert chain((step(lambda _: Drop("enough")), end))(Message()) == Drop("enough")
    assert await chain((step(add_later("a")), step(lambda _: Drop("late")), end))(Message()) == Drop("late")
    assert reached == []


def refuse(_):
    raise Permanent("no")


async def refuse_later(_):
    await asyncio.sleep(0)
    raise Permanent("no")


async def outcome_of(processor, message):
    result = processor(message)
    return await result if inspect.isawaitable(result) else result


@pytest.mark.parametrize("failing", [refuse, refuse_later])
async def test_a_failure_knows_block_address_and_message(failing):
    with pytest.raises(Failure) as caught:
        await outcome_of(chain((step(add("seen")), step(failing, "charge"))), Message())

    assert str(caught.value) == 'block "charge": no'
    assert caught.value.address == "flow.charge"
    assert caught.value.message.body == "seen"
    assert isinstance(caught.value.cause, Permanent)


@pytest.mark.parametrize("failing", [refuse, refuse_later])
async def test_nested_chains_tell_the_whole_way_and_the_label_of_each(failing):
    inner = chain((step(failing, "leaf"),))

    with pytest.raises(Failure) as caught:
        await outcome_of(chain((step(inner, "outer"),)), Message())

    assert str(caught.value) == 'block "outer": block "leaf": no'
    assert caught.value.label == "outer"
    assert caught.value.address == "flow.leaf"


async def none_later(message):
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("call", "kind"), [(lambda _: {"not": "a message"}, "dict"), (lambda _: None, "NoneType"), (none_later, "NoneType")]
)
@pytest.mark.parametrize("after", [(), (step(add("a"), "next"),)])
async def test_a_block_that_returns_nonsense_is_a_bug(call, kind, after):
    """Of that block, not of the one behind it."""
    with pytest.raises(Failure, match='block "step"') as caught:
        await chain((step(call), *after))(Message())

    assert isinstance(caught.value.cause, Bug)
    assert f"returned {kind}, neither a message nor a drop" in str(caught.value.cause)


async def test_cancellation_is_not_a_failure():
    async def cancelled(_):
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await chain((step(cancelled),))(Message())


# --- exceptions that would end the process -----------------------------------------------------------------------


class Own(BaseException):
    pass


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), Own("own")])
async def test_no_exception_of_a_block_ends_more_than_its_message(error):
    def now(message):
        raise error

    async def later(message):
        await asyncio.sleep(0)
        raise error

    for raises in (now, later):
        with pytest.raises(Failure) as caught:
            await chain((step(raises),))(Message())
        assert isinstance(caught.value.cause, Bug)
        assert f"the block raised {type(error).__name__}" in str(caught.value)


async def test_a_coroutine_that_is_closed_has_not_failed():
    result = chain((step(add_later("a")),))(Message())
    result.send(None)

    result.close()  # raises nothing

    assert inspect.getcoroutinestate(result) == inspect.CORO_CLOSED
