"""The queues, exchanges and bindings that a source needs: made if it may make them, else looked for."""

from __future__ import annotations

from typing import Any

from aio_pika.abc import AbstractChannel

from octo.connectors.amqp import codes
from octo.connectors.amqp.link import Link
from octo.connectors.amqp.settings import Binding, Consume
from octo.core.errors import OctoError, Transient

ONE = "x-single-active-consumer"


async def prepare(link: Link, settings: Consume) -> None:
    """Return once the queue is there. Raises `Transient` if it is not: it may be made later."""
    try:
        await link.ask(lambda channel: _made(channel, settings), f"queue {settings.queue!r}")
    except OctoError as error:
        raise _explained(error, settings) from error


async def _made(channel: AbstractChannel, settings: Consume) -> None:
    declare = settings.declare
    if declare is None:
        await channel.declare_queue(settings.queue, passive=True)
        return
    arguments: dict[str, Any] = {"x-queue-type": declare.type}
    if settings.key is not None:
        arguments[ONE] = True
    queue = await channel.declare_queue(
        settings.queue, durable=declare.durable, arguments={**arguments, **declare.arguments}
    )
    for each in declare.bindings:
        await _exchange(channel, each)
        await queue.bind(each.exchange, each.routing_key, arguments={**each.arguments} or None)


async def _exchange(channel: AbstractChannel, binding: Binding) -> None:
    if binding.type is None:
        await channel.get_exchange(binding.exchange, ensure=True)
    else:
        await channel.declare_exchange(binding.exchange, binding.type, durable=True)


async def dead_letters(link: Link, settings: Consume) -> None:
    """Make the queue of dead letters if it is not there; one that is there is used as it is."""
    name = settings.dead_queue
    what = f"queue {name!r}"
    kind = "quorum" if settings.declare is None else settings.declare.type
    try:
        await link.ask(lambda channel: channel.declare_queue(name, passive=True), what)
    except OctoError as error:
        if error.code != codes.NOT_THERE:
            raise

        async def make(channel: AbstractChannel) -> None:
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": kind})

        await link.ask(make, what)


def _explained(error: OctoError, settings: Consume) -> OctoError:
    if error.code == codes.NOT_THERE and settings.declare is None:
        text = f"there is no queue {settings.queue!r}; make it, or give the source `declare`"
        return Transient(text, code=error.code)
    if error.code == codes.NOT_THERE:
        return Transient(f"{error}; make it, or give the binding a `type`", code=error.code)
    return error
