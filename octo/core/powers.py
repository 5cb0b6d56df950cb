"""Optional powers of connectors: each is a protocol of one member, and a connector has it by having that member.

Nothing is inherited or registered. Declare the power in a line below the class, and the type checker reports a wrong
name or parameter:

    _: type[Healthy] = Broker  # a power of the opened connector
    _: Conflicting = Broker  # a power of the class

`octo.testing.check_connector` checks the same at run time. The powers of settings are defined beside what they
describe: `octo.core.settings.Effectful` and `octo.core.state.Shaped`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Healthy(Protocol):
    """A connector that can report whether it works right now."""

    async def health(self) -> None:
        """Return if it works; raise `Transient` with the reason if it does not."""
        ...


@runtime_checkable
class Draining(Protocol):
    """A connector that keeps something open for what its sources began, such as the streams of callers."""

    def drained(self) -> None:
        """End what sources that were left have begun: a configuration that used them has finished its messages.

        Other configurations may go on to use the connector, and have sources that were not left.
        """
        ...


@runtime_checkable
class Leaving(Protocol):
    """A connector whose callers choose when they come, and may come to another process instead."""

    def leaving(self, seconds: float) -> None:
        """Send callers elsewhere from now on: the sources stop in so many seconds, and until then serve all the same.

        Called at most once, when the process was asked to stop.
        """
        ...


@runtime_checkable
class Stubbed(Protocol):
    """A connector class with a stand-in that tests use in its place."""

    def stub(self, settings: Any, stub: Any) -> AbstractAsyncContextManager[object]:
        """Open the stand-in: a classmethod beside `open`. It uses no network and no files, and never waits.

        The annotation of `stub` is the model of what a test writes under `stubs:`.
        """
        ...


@runtime_checkable
class Witnessing(Protocol):
    """Settings of a stub that know whether it was used as their author wants, and what plays it."""

    def complaints(self) -> Sequence[str]:
        """Return what was not so since the stub was opened; a test fails with it, whatever its flow made of it."""
        ...


@runtime_checkable
class Triggered(Protocol):
    """A stub that can make its sources deliver a message, as the outside would."""

    async def trigger(self, source: Any, spec: Any) -> object:
        """Make the source with these settings deliver what `spec` says; return what the outside would see, as JSON.

        The annotation of `spec` is the model of what a test writes under `trigger:`. Returns once the message has been
        settled; `None` where the outside sees nothing.
        """
        ...


@runtime_checkable
class Vetting(Protocol):
    """A connector class that knows which triggers can never work, so that such a test is refused before it runs."""

    def untriggerable(self, settings: Any, source: Any, spec: Any) -> str:
        """Return why this trigger can never work, or "". A classmethod.

        settings: the connector's. source: the source's. spec: what the test wrote under `trigger:`.
        """
        ...


@runtime_checkable
class Replying(Protocol):
    """A connector class whose trigger returns a mapping with known keys."""

    @property
    def replies(self) -> Sequence[str]:
        """The keys, as a test writes them under `reply:`. A class attribute."""
        ...


@runtime_checkable
class Conflicting(Protocol):
    """A connector class whose sources may conflict with each other."""

    def conflicts(self, sources: Sequence[Any]) -> Iterable[tuple[int, int, str]]:
        """Return each pair of sources that conflict, by index, and why. A classmethod.

        sources: the settings of all sources that use one connector.
        """
        ...
