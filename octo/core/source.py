"""Sources: how a connector feeds a flow. There are two shapes.

*Pull*: an async generator of deliveries. The engine takes the next delivery only when the flow has room, runs it, and
settles it with one verdict; see `octo.core.delivery`. A reload stops the old generator before it starts the new one,
so nothing is read twice. A source that raises is started again after a pause. If it raises `Disconnected`, its
connector is opened again first; if it raises `Permanent`, it stops for good.

    @source("queue", silence=timedelta(minutes=1))
    async def consume(self, settings: Consume) -> AsyncIterator[Delivery | Idle]: ...

*Push*: an async context manager that gets an `Inlet`. While it is entered, it calls the inlet for each request from
outside and answers with the outcome. A reload enters the new source before it leaves the old one, so there is no gap;
entering and leaving must not wait, so that the swap is atomic.

    @source("http")
    @asynccontextmanager
    async def route(self, settings: Route, inlet: Inlet) -> AsyncIterator[None]: ...
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from octo.core.block import settings_of
from octo.core.deadline import Lift
from octo.core.flow import Ending
from octo.core.message import Message
from octo.core.partial import Receiver
from octo.core.port import services_of
from octo.core.promise import Guarantee, Promise, Step
from octo.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


class Inlet(Protocol):
    """A flow as a push source sees it.

    flow: its name. connector: the name of the source's connector. service: that of the configuration. description,
    input: as in `octo.core.flow.Callee`.
    """

    @property
    def flow(self) -> str: ...
    @property
    def connector(self) -> str: ...
    @property
    def service(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def input(self) -> Mapping[str, object] | None: ...

    def call(
        self,
        message: Message,
        timeout: float | None = None,
        partial: Receiver | None = None,
        lift: Lift | None = None,
    ) -> Ending | Awaitable[Ending]:
        """Run the message; `timeout`, in seconds, covers both waiting for room and the work.

        partial: takes the parts that blocks emit before the outcome (`octo.core.partial`), within the same time. With
            it the result is always an awaitable.
        lift: takes the time limit off while the message is worked on.

        Returns how the message ended if nothing waits, else an awaitable of it, which must be awaited. Raises, at once
        or when awaited, `Overloaded` if the message never started, `Timeout` if its work was cancelled at the
        deadline, `Failure` if the flow failed.
        """
        ...


class Outlet(NamedTuple):
    """The flow as a pull source sees it, if it has a parameter `site`.

    flow, connector, service: as in `Inlet`. These names are the same in every process that runs the configuration, and
    stay over restarts and reloads.
    """

    flow: str
    connector: str
    service: str


class SourceType(NamedTuple):
    """A declared source: a method of a connector class.

    once: whether only one of all processes that run the same configuration runs it, as with a clock.
    silence: the longest time for which a pull source that is asked for a delivery yields neither one nor `Idle`. After
        that time health is red: the connection may be dead without an error. None promises nothing.
    sets: the variables that each of its messages has, as the fields of a model; None if they are not declared. Settings
        that are `Naming` add those that depend on the settings.
    services: those it asks for, parameter to name; see `octo.core.port`.
    promises: what it promises. Of several, the first, unless its settings are `Guaranteeing` and choose another.
    takes_site: whether it asks for its `Outlet`.
    """

    name: str
    settings: type[Settings]
    function: Callable[..., Any]
    doc: str
    is_push: bool
    once: bool
    silence: timedelta | None
    sets: type[Settings] | None
    services: Mapping[str, str]
    promises: tuple[Promise, ...]
    connector: str = ""
    takes_site: bool = False


@runtime_checkable
class Naming(Protocol):
    """Settings of a source that decide which variables its messages have."""

    def variables(self) -> Mapping[str, Any]:
        """Return the variables that the source sets besides those in `sets`, each with its type."""
        ...


@runtime_checkable
class Serving(Protocol):
    """Settings of a source that answers requests for some paths."""

    def served(self, connector: Any) -> Iterable[tuple[str, str]]:
        """Return each method, or `*` for all, and the path that it is served at, given the connector's settings."""
        ...


def source(
    name: str,
    *,
    once: bool = False,
    silence: timedelta | None = None,
    sets: type[Settings] | None = None,
    guarantee: Guarantee = "at most once",
    steps: tuple[Step, ...] = (),
    instead: tuple[Promise, ...] = (),
) -> Callable[[F], F]:
    """Mark a connector's method as the source `name`.

    guarantee, steps: what it promises, see `octo.core.promise`. instead: what it promises under other settings. The
    other arguments are those of `SourceType`.
    """

    def mark(function: F) -> F:
        is_push = not inspect.isasyncgenfunction(function)
        if not is_push and "inlet" in inspect.signature(function).parameters:
            raise TypeError(f"{function.__qualname__}: it takes an inlet, so put @asynccontextmanager below @source")
        function.__octo_source__ = SourceType(  # type: ignore[attr-defined]
            name=name,
            settings=settings_of(function),
            function=function,
            doc=inspect.cleandoc(function.__doc__ or ""),
            is_push=is_push,
            once=once,
            silence=silence,
            sets=sets,
            services=services_of(function, behind=int(is_push)),
            promises=(Promise(guarantee, steps), *instead),
            takes_site=not is_push and "site" in inspect.signature(function).parameters,
        )
        return function

    return mark
