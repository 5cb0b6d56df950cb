"""A connection to the broker: opened once, and its end is noticed. The engine opens another one.

The client's own reconnecting (`connect_robust`) is not used: after it a consumer may hang for ever without an error
(aio-pika issues 231, 379, 632).
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Self, TypeVar
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq import exceptions as amqp

from octo.connectors.amqp import codes
from octo.connectors.amqp.settings import Broker
from octo.core import tls
from octo.core.connected import Connected
from octo.core.errors import NotConnected, OctoError, Permanent, Timeout, Transient
from octo.core.secrets import mask, masked
from octo.core.tls import ClientTls

T = TypeVar("T")

CONNECT = 10.0
"""Seconds to connect and to log in."""
ANSWER = 10.0
"""Seconds that the broker may take for anything but publishing."""
FAREWELL = 3.0
"""Seconds to say goodbye."""
_MOMENT = 0.05

# It writes lines of its own about what is raised here anyway.
for _name in ("aiormq", "aio_pika"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Link(Connected):
    """An open connection. tasks: for what must not be cancelled."""

    def __init__(self, connection: AbstractConnection, place: str, tasks: asyncio.TaskGroup) -> None:
        super().__init__(place, codes.UNREACHABLE)
        self._connection = connection
        self._group = tasks
        self._tasks: set[asyncio.Task[Any]] = set()
        connection.close_callbacks.add(self._closed)

    def _closed(self, _: object, error: BaseException | None) -> None:
        self.lose(_text(error))

    @property
    def is_gone(self) -> bool:
        transport = self._connection.transport
        return self.is_lost or transport is None or not transport.connection.is_opened

    async def check(self) -> None:
        """Return once the broker has answered. Raises `Disconnected` if the connection is gone."""
        await self.ask(_nothing, "a channel")

    async def is_blocked(self) -> bool:
        """Whether the broker reads nothing from this connection, because of an alarm."""
        transport = self._connection.transport
        if transport is None:
            return False
        try:
            async with asyncio.timeout(_MOMENT):
                await transport.ready()
        except TimeoutError:
            return True
        return False

    # --- channels ------------------------------------------------------------------------------------------------

    async def open(self, *, confirms: bool = False) -> AbstractChannel:
        """A new channel. Raises `Disconnected` or `Timeout`."""
        return await self.calmly(self._open(confirms=confirms), "a channel", undo=self.close)

    async def _open(self, *, confirms: bool = False) -> AbstractChannel:
        channel = self._connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
        await channel.initialize()
        return channel

    async def close(self, channel: AbstractChannel) -> None:
        """Close a channel, as far as that is possible."""
        with suppress(OctoError):
            await self.calmly(_closed(channel), "a channel", FAREWELL)

    async def ask(self, question: Callable[[AbstractChannel], Awaitable[T]], what: str) -> T:
        """Ask the broker on a channel of its own: if the broker refuses the question, only that channel ends."""
        return await self.calmly(self._asked(question), what)

    async def _asked(self, question: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        channel = await self._open()
        try:
            return await question(channel)
        finally:
            await channel.close()

    async def calmly(
        self,
        work: Coroutine[Any, Any, T],
        what: str,
        seconds: float = ANSWER,
        undo: Callable[[T], Coroutine[Any, Any, None]] | None = None,
    ) -> T:
        """Wait for work on a channel, which goes on when this is cancelled or takes too long.

        A question to the broker must not be cancelled before it is answered: the client closes its channel then, and if
        it was closing it already, does so twice, for which the broker ends the connection.

        undo: takes what the work has made when nobody waits for it any more.
        """
        if self.is_gone:
            work.close()
            raise self.gone
        task = self._begun(_Outcome[T]().of(work))
        try:
            async with self.errors(what):
                await asyncio.wait((task,), timeout=seconds)
                if not task.done():
                    raise TimeoutError
                made: T = task.result().value
                return made
        finally:
            if undo is not None and not task.done():
                self._begun(self._undone(task, undo))

    def _begun(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def end(self) -> None:
        """Leave what the broker has not answered."""
        for task in tuple(self._tasks):
            task.cancel()

    async def _undone(self, task: asyncio.Task[Any], undo: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        outcome = await task
        if outcome.error is None:
            await undo(outcome.value)

    @asynccontextmanager
    async def errors(self, what: str) -> AsyncIterator[None]:
        """Raise errors of the client as those of Octo. what: begins their text, e.g. `queue "a"`."""
        try:
            yield
        except asyncio.CancelledError as error:
            # The client cancels who waits for a channel that has ended. Nobody has cancelled this task then.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise self.error(error, what) from error
        except OctoError:
            raise
        except Exception as error:
            raise self.error(error, what) from error

    def error(self, error: BaseException, what: str) -> OctoError:
        """See `errors`."""
        for kind, made, code in _ERRORS:
            if isinstance(error, kind):
                return made(f"{what}: {_SAID.get(kind) or _text(error)}", code=code)
        if self.is_gone or isinstance(error, amqp.AMQPConnectionError):
            self.reason = self.reason or _text(error)
            return self.gone
        return Transient(f"{what}: {_text(error)}")


_ERRORS: tuple[tuple[type[Exception], type[OctoError], str], ...] = (
    (amqp.PublishError, Permanent, codes.UNROUTABLE),
    (amqp.DeliveryError, Transient, codes.REFUSED),
    (amqp.ChannelNotFoundEntity, Transient, codes.NOT_THERE),
    (amqp.ChannelAccessRefused, Permanent, codes.NOT_ALLOWED),
    (amqp.ChannelPreconditionFailed, Transient, codes.OTHERWISE),
    (amqp.ChannelLockedResource, Transient, codes.OTHERWISE),
    (TimeoutError, Timeout, Timeout.code),
)
"""What the client raises, what it is for Octo, and its code. What is missing may be made later, so it is transient."""
_SAID: dict[type[Exception], str] = {
    amqp.PublishError: "the exchange takes it to no queue",
    amqp.DeliveryError: "the broker does not take it",
    TimeoutError: "no answer in time",
}


class _Outcome(Generic[T]):
    """What work has come to. Tasks of the group do not raise: it would cancel whoever has opened the connection."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._made: list[T] = []

    async def of(self, work: Coroutine[Any, Any, T]) -> Self:
        try:
            self._made.append(await work)
        except BaseException as error:  # noqa: BLE001  who waits for it raises it
            self.error = error
        return self

    @property
    def value(self) -> T:
        if self.error is not None:
            raise self.error
        return self._made[0]


async def _closed(channel: AbstractChannel) -> None:
    await channel.close()


async def _nothing(_: AbstractChannel) -> None:
    """The channel itself was the question."""


# --- opening -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(settings: Broker, purpose: str) -> AsyncIterator[Link]:
    """Connect, and close in the end. purpose: tells operators of the broker what the connection is for."""
    connection = await _connected(settings, purpose)
    failed: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        link = Link(connection, settings.place, tasks)
        try:
            yield link
        except BaseException as error:  # noqa: BLE001  a group would raise it in a group
            failed = error
        with suppress(Exception):
            async with asyncio.timeout(FAREWELL):
                await connection.close()
        link.end()
    if failed is not None:
        raise failed


async def _connected(settings: Broker, purpose: str) -> AbstractConnection:
    context = await asyncio.to_thread((settings.tls or ClientTls()).context) if settings.is_secure else None
    try:
        async with asyncio.timeout(CONNECT):
            connection: AbstractConnection = await aio_pika.connect(
                **_address(settings),
                ssl=settings.is_secure,
                ssl_context=context,
                heartbeat=str(int(settings.heartbeat.total_seconds())),
                client_properties={"connection_name": f"octo {socket.gethostname()} {os.getpid()}: {purpose}"},
            )
    except Exception as error:
        raise _not_connected(error, settings) from error
    return connection


def _address(settings: Broker) -> dict[str, Any]:
    parts = urlsplit(settings.url.get_secret_value())
    password = unquote(parts.password) if parts.password else ""
    if settings.password is not None:
        password = settings.password.get_secret_value()
    mask(password)
    return {
        "host": parts.hostname,
        "port": settings.port,
        "login": unquote(parts.username or "guest"),
        "password": password or "guest",
        "virtualhost": settings.host,
    }


def _not_connected(error: Exception, settings: Broker) -> OctoError:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    said = _text(cause).rstrip(".")
    code, cure = codes.UNREACHABLE, ""
    match cause:
        case amqp.InvalidFrameError() if "Connection.Close" in said:  # the client does not say what the broker said
            said, code, cure = f"the broker refuses the virtual host {settings.host!r}", codes.REFUSED_LOGIN, "check it"
        case amqp.ProbableAuthenticationError() | amqp.AuthenticationError() | amqp.ConnectionNotAllowed():
            code, cure = codes.REFUSED_LOGIN, "check user, password and vhost"
        case ssl.SSLCertVerificationError():
            cure = "`tls.ca` names the authorities to trust"
        case ssl.SSLError():
            cure = "does the broker use TLS at this port?"
        case TimeoutError():
            said = f"no answer within {CONNECT:g} seconds"
    text = f"cannot connect to {settings.place}: {said}"
    return Permanent(f"{text}; {cure}", code=code) if cure else NotConnected(text, code=code)


def _text(error: BaseException | None) -> str:
    """What the broker or the system said, without the client's words around it."""
    match error:
        case None | asyncio.CancelledError():
            return "the connection was closed"
        case amqp.AMQPError() if error.args:
            text = str(error.args[-1])
        case _:
            text = tls.reason(error)
    return masked(text)
