"""Blocks: one step of a chain.

A block is a function of its settings and a message. It can be written in three ways; choose the one that reads best:

    def set_payload(settings: SetPayload, message: Message) -> Message            # never waits
    async def query(self, settings: Query, message: Message) -> Message           # waits
    def foreach(settings: Foreach, message: Message) -> Block[Message]            # runs other blocks

The third is a generator. It yields the result of a chain, or any awaitable, and is sent the outcome; `drive` runs it
without an event loop for as long as nothing waits. The annotation of `settings` registers the model. A `site` parameter
asks for the place where the block stands, a `tail` for the rest of its flow, a parameter that is annotated with a port
for a service (`octo.core.port`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from octo.core.flow import Drop, Outcome, Result, Stop
from octo.core.message import Message
from octo.core.port import annotation, services_of
from octo.core.promise import Guarantee, Idempotent, Promise, Step
from octo.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

Block = Generator[Result | Awaitable[Any], Any, T]
"""Return type of a block written as a generator."""


class Pool(Protocol):
    """The limit on concurrent branches that all composites of one flow share (`pool:`)."""

    def gather(
        self, calls: Iterable[Callable[[], Result]], limit: int | None = None, *, to_stop: bool = False
    ) -> list[Outcome] | Awaitable[list[Outcome]]:
        """Run the calls concurrently and return their outcomes in order; at once if none of them waits.

        With `to_stop`, no call begins any more once one has stopped, and the outcomes of those that ran are returned.
        The first error cancels the rest and is raised. If the pool is exhausted, calls run in the caller's own task:
        that is slower, but never a deadlock, however deep composites nest.
        """
        ...


class Group(Protocol):
    """Messages that a block makes of one, on their way through the rest of the flow."""

    async def run(self, message: Message, around: AbstractAsyncContextManager[object] | None = None) -> None:
        """Run a message through the rest of the flow and the flow's error chain, as an invocation of its own.

        around: entered before the message begins, and left after it has ended or was cancelled. A failure that the
            flow has reported does not reach it.

        If a worker of the flow is free, it runs in a task of its own, and this returns at once. Otherwise it runs under
        the worker of the block's own message, before this returns. So a flow never works on more messages than it has
        workers, and none waits for another. If the deadline of the block's message passes, what runs in its place is
        cancelled, and what has a task of its own goes on. A delivery is settled once all messages of its group have
        ended.

        Raises the failure of a message of the group, if the group was made with `abort`.
        """
        ...

    def check(self) -> None:
        """Raise the failure of a message of the group that has failed by now, if the group was made with `abort`."""
        ...


class Tail(Protocol):
    """The rest of a flow, from the block after the one that asked for it. Such a block stands in no other chain."""

    def group(self, *, abort: bool = False, buries: bool = False, is_worker: bool = True) -> Group:
        """A new group.

        abort: whether the failure of one message is the block's, and that of a delivery.
        buries: whether the flow's `deadLetter` gets a message that fails, because nobody else has it any more. If it
            cannot be kept there, what is `around` the message gets the error.
        is_worker: whether the caller works on a message of the flow. Without one it waits for a free worker instead.
        """
        ...


class Tending(NamedTuple):
    """Work that a block needs besides messages, such as looking for what is overdue.

    function: takes the settings, and `site`, `tail` and services as the block does. It runs while the flow gets
        messages, until it is cancelled; if it raises, it is begun again after a while.
    """

    function: Callable[..., Coroutine[Any, Any, None]]
    takes_site: bool
    takes_tail: bool
    services: Mapping[str, str]


class Site(NamedTuple):
    """Where a block stands, and the pool of its flow."""

    flow: str
    label: str
    address: str
    pool: Pool


class BlockType(NamedTuple):
    """A declared block: its name in YAML, its settings and its function.

    connector: the type or family of connectors whose instance comes first, as `self` does; None for a block without.
    key: the settings key that names that instance.
    takes_tail: whether it runs the rest of its flow itself, so that it must stand at the flow's root.
    default: whether an absent key means "the default instance of that type" instead of an error.
    services: those it asks for, parameter to name; see `octo.core.port`.
    tending: its work besides messages, which asks for no other services; None if it has none.
    promises: what it promises if it changes something outside of the process; of several, the first, unless its
        settings are `Guaranteeing` and choose another. () for all other blocks.
    """

    name: str
    settings: type[Settings]
    function: Callable[..., Any]
    doc: str
    takes_site: bool
    takes_tail: bool
    key: str
    default: bool
    services: Mapping[str, str]
    connector: str | None = None
    tending: Tending | None = None
    promises: tuple[Promise, ...] = ()

    @property
    def calls_outside(self) -> bool:
        """Whether the block calls another system: it is a method of a connector that an author must declare."""
        return self.connector is not None and not self.default


def block(  # noqa: PLR0913  a declaration: each is written by its name
    name: str,
    *,
    connector: str | None = None,
    key: str = "connector",
    default: bool = False,
    tending: Callable[..., Coroutine[Any, Any, None]] | None = None,
    guarantee: Guarantee | None = None,
    steps: tuple[Step, ...] = (),
    idempotent: Idempotent = "never",
    instead: tuple[Promise, ...] = (),
) -> Callable[[F], F]:
    """Mark a function, or a connector's method, as the block `name`.

    connector: the type or family of connectors whose instance a function takes first; of a method it is known.
    guarantee, steps, idempotent: what it promises, see `octo.core.promise`; a block without a guarantee changes nothing
    outside of the process. instead: what it promises under other settings. tending: see `Tending`.
    """

    def mark(function: F) -> F:
        parameters = inspect.signature(function).parameters
        function.__octo_block__ = BlockType(  # type: ignore[attr-defined]
            name=name,
            settings=settings_of(function),
            function=driven(function),
            doc=inspect.cleandoc(function.__doc__ or ""),
            takes_site="site" in parameters,
            takes_tail="tail" in parameters,
            key=key,
            default=default,
            services=services_of(function, behind=1),
            connector=connector,
            tending=None if tending is None else _tending(tending),
            promises=() if guarantee is None else (Promise(guarantee, steps, "", idempotent), *instead),
        )
        return function

    return mark


def _tending(function: Callable[..., Coroutine[Any, Any, None]]) -> Tending:
    parameters = inspect.signature(function).parameters
    return Tending(function, "site" in parameters, "tail" in parameters, services_of(function))


def settings_of(function: Callable[..., Any]) -> type[Settings]:
    """The model that the function's `settings` parameter is annotated with."""
    return model_of(function, "settings")


def model_of(function: Callable[..., Any], parameter: str) -> type[Settings]:
    """The model that a parameter is annotated with."""
    model = annotation(function, parameter)
    if not (isinstance(model, type) and issubclass(model, Settings)):
        raise TypeError(f"{function.__qualname__}: annotate `{parameter}` with a subclass of Settings")
    return model


def driven(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function itself; for a generator function, one that drives the generator."""
    if not inspect.isgeneratorfunction(function):
        return function

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Result:
        return drive(function(*args, **kwargs))

    return run


def drive(generator: Block[Outcome]) -> Result:
    """Run a generator block: as plain calls while nothing waits, as a coroutine from the first step that does."""
    try:
        step = next(generator)
        while step.__class__ is Message or step.__class__ is Drop or step.__class__ is Stop:
            step = generator.send(step)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    return _drive_on(generator, step)


async def _drive_on(generator: Block[Outcome], step: Any) -> Outcome:
    try:
        while True:
            if step.__class__ is Message or step.__class__ is Drop or step.__class__ is Stop:
                step = generator.send(step)
                continue
            try:
                value = await step
            except BaseException as error:  # noqa: BLE001  cancellation too must reach the generator
                step = generator.throw(error)
            else:
                step = generator.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
