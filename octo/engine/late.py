"""Calls of a connector in a chain that is repeated: each uses the instance of its moment.

Elsewhere a block is bound to an instance when its flow is compiled, which costs a message nothing; a message stays in
the chains that it began in, and so with that instance. But who tries again after `Disconnected` wants the one that was
opened since.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from octo.core.errors import Disconnected, Transient
from octo.core.flow import Outcome
from octo.engine.lost import Lost

Judge = Callable[[str, Any, Exception], Exception]
"""Takes the name and the instance of a connector and the error that its block raised; returns what the block fails
with."""


def late(function: Callable[..., Any], name: str, instances: Mapping[str, Any], judge: Judge) -> Callable[..., Any]:
    """Return the block function without its `self`, which is looked up in `instances` for each call."""

    def call(*arguments: Any, **more: Any) -> Any:
        instance = instances[name]
        if isinstance(instance, Lost):
            instance.refuse()
        try:
            result = function(instance, *arguments, **more)
        except Exception as error:
            if (judged := judge(name, instance, error)) is error:
                raise
            raise judged from error
        if isinstance(result, Outcome) or not inspect.isawaitable(result):
            return result
        return later(result, instance)

    async def later(waiting: Awaitable[Outcome], instance: Any) -> Outcome:
        try:
            return await waiting
        except Exception as error:
            if (judged := judge(name, instance, error)) is error:
                raise
            raise judged from error

    return call


def besides(name: str, instances: Mapping[str, Any], judge: Judge) -> Callable[..., Awaitable[Any]]:
    """Return what gives a call the connector of that name, for a block that uses it besides its own.

    Its loss is not one of the block's own connector, so the block fails with `Transient`.
    """
    call = late(_applied, name, instances, judge)

    async def use(wanted: Callable[[Any], Awaitable[Any]]) -> Any:
        try:
            return await call(wanted)
        except Disconnected as error:
            raise Transient(str(error), code=error.code) from error

    return use


def _applied(instance: Any, call: Callable[[Any], Awaitable[Any]]) -> Awaitable[Any]:
    return call(instance)
