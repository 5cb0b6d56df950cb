"""A block is declared by its annotation, and a generator block waits only if something waits."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from octo.core.block import Block, Site, block, drive
from octo.core.flow import Drop, Outcome
from octo.core.message import Message
from octo.core.settings import Settings
from octo.services.ports import KeyValue


class Nothing(Settings):
    pass


@block("plain")
def plain(settings: Nothing, message: Message) -> Message:
    """Does nothing."""
    return message


@block("placed", key="logger", default=True)
def placed(settings: Nothing, message: Message, site: Site) -> Message:
    return message


def test_the_annotation_registers_the_settings():
    declared = plain.__octo_block__

    assert (declared.name, declared.settings, declared.doc) == ("plain", Nothing, "Does nothing.")
    assert not declared.takes_site
    assert (placed.__octo_block__.takes_site, placed.__octo_block__.key) == (True, "logger")


def test_the_services_that_it_asks_for_are_declared():
    @block("remember")
    def remember(settings: Nothing, message: Message, store: KeyValue, site: Site) -> Message:
        return message

    assert remember.__octo_block__.services == {"store": "key-value"}


def test_a_block_without_settings_is_refused():
    with pytest.raises(TypeError, match="annotate `settings`"):

        @block("wrong")
        def wrong(settings, message):
            return message


def work(*steps) -> Block[Outcome]:
    seen = []
    for step in steps:
        try:
            seen.append((yield step).body)
        except ValueError as error:
            seen.append(str(error))
    return Message(seen)


async def later(body):
    await asyncio.sleep(0)
    return Message(body)


async def fail():
    await asyncio.sleep(0)
    raise ValueError("no")


def test_steps_that_answer_at_once_need_no_loop():
    assert drive(work(Message(1), Message(2))).body == [1, 2]


async def test_steps_that_wait_are_awaited_in_order():
    result = drive(work(Message(1), later(2), Message(3), later(4)))

    assert inspect.isawaitable(result)
    assert (await result).body == [1, 2, 3, 4]


async def test_an_error_of_a_step_is_raised_where_it_was_yielded():
    assert (await drive(work(fail(), Message(2)))).body == ["no", 2]


async def test_cancellation_reaches_the_generator():
    closed = []

    def guarded() -> Block[Outcome]:
        try:
            yield asyncio.Event().wait()
        finally:
            closed.append(True)
        return Message()

    task = asyncio.get_running_loop().create_task(drive(guarded()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert closed == [True]


async def test_a_chain_that_drops_is_an_outcome_like_any_other():
    """Both when nothing waits and after a step that waited."""

    def dropping(first) -> Block[Outcome]:
        yield first
        return Message((yield Drop("no")))

    assert drive(dropping(Message())).body == Drop("no")
    assert (await drive(dropping(later(1)))).body == Drop("no")


async def test_a_generator_may_recover_from_a_cancellation_as_from_an_error():
    """The cancellation is raised, unchanged, where the step was yielded."""
    seen = []

    def guarded() -> Block[Outcome]:
        try:
            yield asyncio.Event().wait()
        except asyncio.CancelledError as error:
            seen.append(type(error))
            raise
        return Message()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(drive(guarded()))
        await asyncio.sleep(0)
        task.cancel()

    assert seen == [asyncio.CancelledError]


def test_a_block_of_a_connector_that_is_always_there_calls_nothing_outside():
    own = placed.__octo_block__._replace(connector="logger")
    other = plain.__octo_block__._replace(connector="sql")

    assert (own.default, own.calls_outside) == (True, False)
    assert (other.default, other.calls_outside) == (False, True)
    assert not plain.__octo_block__.calls_outside
