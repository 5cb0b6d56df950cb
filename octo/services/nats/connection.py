"""One connection to a server, from its begin to its end. It never mends itself: see `link`.

Answers come to one subscription, by the last part of their subject. Messages of a pull keep the subject they were sent
to, so each pull that is under way has a subscription of its own.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from octo.core.message import new_id
from octo.services.nats import errors
from octo.services.nats.address import Address

_FAREWELL = 1.0
"""Seconds that the server may take to say goodbye."""
_QUIET = 10
"""Seconds between two pings of the client; who uses the connection notices earlier that nothing comes."""

_LINGER = 2.0
"""Seconds after the end of a pull in which its messages may still come."""

Heard = Callable[[Msg], None]


def header(message: Msg, name: str) -> str:
    """What a header of the message says, "" without it."""
    return (message.headers or {}).get(name, "")


class Answer:
    """What comes back: one message, or with `most` that many, and fewer if a status ends them.

    status: the message with the status, None if none came.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.messages: list[Msg] = []
        self.status: Msg | None = None
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, message: Msg) -> None:
        if message.headers and "Status" in message.headers:
            self.status = message
        else:
            self.messages.append(message)
        if not self.end.done() and (self.status is not None or len(self.messages) >= (self._most or 1)):
            self.end.set_result(None)

    def expire(self) -> None:
        """Nothing came in time."""
        if not self.end.done():
            self.end.set_exception(TimeoutError())

    @property
    def code(self) -> str:
        """The number of the status, "" for none."""
        return "" if self.status is None else header(self.status, "Status")

    @property
    def text(self) -> str:
        """The status in words."""
        return "" if self.status is None else f"{self.code} {header(self.status, 'Description')}".strip()


class _Pull:
    """A subscription for the messages of one pull at a time. heard: who gets them now."""

    def __init__(self, inbox: str) -> None:
        self.inbox = inbox
        self.heard: Heard | None = None

    def take(self, message: Msg) -> None:
        if self.heard is not None:
            self.heard(message)


class _Client(Client):
    """is_encrypted: whether to refuse a server that does not speak TLS, before the password is sent to it."""

    is_encrypted = False

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if self.is_encrypted and not info.get("tls_required"):
            raise nats.errors.Error("it does not speak TLS")
        await super()._process_info(info, initial_connection)


class Connection:
    """See the module; made by `connected`. lost: set once it is gone. failure: the last error that it told of."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._inbox = f"_INBOX.{new_id()}"
        self._numbers = count()
        self._answers: dict[str, Answer] = {}
        self._waiting: set[Answer] = set()
        self._pulls: list[_Pull] = []
        self.lost = asyncio.Event()
        self.failure: Exception | None = None

    @property
    def info(self) -> Mapping[str, Any]:
        """What the server says of itself."""
        return self._client._server_info  # type: ignore[no-any-return]  # noqa: SLF001  the client shows only parts

    async def listen(self, heard: Mapping[str, Heard]) -> None:
        """Hear answers, and what comes to these subjects."""
        await self._client.subscribe(f"{self._inbox}.*", cb=_called(self._take))
        for subject, each in heard.items():
            await self._client.subscribe(subject, cb=_called(each))

    def _take(self, message: Msg) -> None:
        answer = self._answers.get(message.subject)
        if answer is not None:
            answer.take(message)

    async def tell(self, subject: str, payload: bytes = b"") -> None:
        """Send, and wait for no answer."""
        await self._client.publish(subject, payload)

    async def ask(
        self, subject: str, payload: bytes, headers: dict[str, str] | None, most: int | None, seconds: float
    ) -> Answer:
        """Send, and wait at most so many seconds for the answer; with `most`, for so many messages or a status."""
        to, answer = f"{self._inbox}.{next(self._numbers)}", Answer(most)
        self._answers[to] = answer
        try:
            await self._answered(answer, subject, payload, to, headers, seconds)
        finally:
            del self._answers[to]
        return answer

    async def pull(
        self, subject: str, payload: bytes, most: int, late: Heard, expires: float, seconds: float
    ) -> Answer:
        """Pull at most so many messages of a consumer, and wait for them at most so many seconds.

        late: gets those that come after the caller was cancelled. expires: seconds after which none comes.
        """
        pull = self._pulls.pop() if self._pulls else await self._new_pull()
        answer = Answer(most)
        pull.heard = answer.take
        try:
            await self._answered(answer, subject, payload, pull.inbox, None, seconds)
        except BaseException:
            pull.heard = late
            for message in answer.messages:
                late(message)
            asyncio.get_running_loop().call_later(expires + _LINGER, self._free, pull)
            raise
        self._free(pull)
        return answer

    async def _new_pull(self) -> _Pull:
        pull = _Pull(f"{self._inbox}.pull.{next(self._numbers)}")
        await self._client.subscribe(pull.inbox, cb=_called(pull.take))
        return pull

    def _free(self, pull: _Pull) -> None:
        pull.heard = None
        self._pulls.append(pull)

    async def _answered(
        self, answer: Answer, subject: str, payload: bytes, to: str, headers: dict[str, str] | None, seconds: float
    ) -> None:
        self._waiting.add(answer)
        timer = asyncio.get_running_loop().call_later(seconds, answer.expire)
        try:
            await self._client.publish(subject, payload, to, headers)
            await answer.end
        finally:
            timer.cancel()
            self._waiting.discard(answer)

    def over(self, error: Exception) -> None:
        """Tell everybody who waits that nothing will come."""
        self.lost.set()
        for answer in self._waiting:
            if not answer.end.done():
                answer.end.set_exception(error)


def _called(heard: Heard) -> Callable[[Msg], Any]:
    async def call(message: Msg) -> None:
        heard(message)

    return call


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Connection]:
    """A connection to one of the servers. Raises `NotConnected` with what the last of them said."""
    client, connection = await _connected(address)
    try:
        yield connection
    finally:
        connection.over(errors.failed(address.where, "the connection was closed"))
        try:
            async with asyncio.timeout(_FAREWELL):
                await client.close()
        except errors.FAILURES:
            _cut(client)


async def _connected(address: Address) -> tuple[Any, Connection]:
    failure: BaseException | None = None
    for server in random.sample(address.servers, len(address.servers)):
        client = _Client()
        client.is_encrypted = address.tls
        connection = Connection(client)
        try:
            async with asyncio.timeout(address.connect):
                await client.connect(**_options(address, server, connection))
        except (*errors.FAILURES, ValueError) as error:
            failure = _first(connection, error)
            _cut(client)
        else:
            return client, connection
    assert failure is not None
    raise errors.not_connected(address.where, failure) from None


def _first(connection: Connection, error: BaseException) -> BaseException:
    """What the server said, where the client only says that there is none left."""
    return connection.failure if isinstance(error, nats.errors.NoServersError) and connection.failure else error


def _options(address: Address, server: str, connection: Connection) -> dict[str, Any]:
    async def failed(error: Exception) -> None:
        connection.failure = error

    async def closed() -> None:
        connection.over(errors.failed(address.where, "the connection was lost"))

    login = {"user": address.user, "password": address.password} if address.user else {"token": address.password}
    return {
        "servers": [f"{'tls' if address.tls else 'nats'}://{server}"],
        "name": "octo",
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0.01,
        "connect_timeout": address.connect,
        "ping_interval": _QUIET,
        "error_cb": failed,
        "closed_cb": closed,
        "skip_subject_validation": True,  # they are made here
        **({"tls": ssl.create_default_context(cafile=address.ca or None)} if address.tls else {}),
        **({each: text for each, text in login.items() if text}),
    }


def _cut(client: Any) -> None:
    """Close the socket at once: the client would wait until the server has taken what is left for it."""
    writer = getattr(getattr(client, "_transport", None), "_io_writer", None)
    if writer is not None:
        with suppress(OSError):
            writer.transport.abort()
