"""A subscription of core NATS: messages wait in a bounded line, and who asked gets the outcome of the flow.

An error is answered as services of NATS do it: with the headers `Nats-Service-Error` and `Nats-Service-Error-Code`,
whose codes are those of HTTP. The text is fixed, so it reveals nothing; the ids lead to the log.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from octo.connectors.nats import codes
from octo.connectors.nats.link import PULSE, Link
from octo.connectors.nats.settings import TIMEOUT, Subscribe
from octo.core import codec, wire
from octo.core.delivery import Delivery, Done, Retry, Verdict
from octo.core.errors import OctoError, Overloaded, Permanent, Timeout, Transient
from octo.core.flow import Drop
from octo.core.lanes import Lanes
from octo.core.log import fields
from octo.core.message import Message

log = logging.getLogger("octo.nats")

ERROR, CODE = "Nats-Service-Error", "Nats-Service-Error-Code"
TOLD = 60.0
"""Seconds for which health tells of messages that were lost, and after which the log says it again."""

_GIVING = wire.Giving()


class Listening:
    """The subscription of one source."""

    def __init__(self, link: Link, settings: Subscribe) -> None:
        self._link = link
        self._settings = settings
        self._lost = 0
        self._lost_at = float("-inf")

    @property
    def lost(self) -> str:
        """That messages were lost within the last minute, "" if none were."""
        if asyncio.get_running_loop().time() - self._lost_at > TOLD:
            return ""
        return f"{self._lost} messages on {self._settings.subject!r} were lost: the flow is too slow for them"

    async def read(self, lanes: Lanes) -> None:
        """Put messages into the lanes while they have room, for ever."""
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        given = self._settings
        refused_before = self._link.refused
        subscription = await self._link.client.subscribe(
            given.subject, queue=given.queue, cb=partial(self._arrived, arrived)
        )
        try:
            await self._link.check()
            if self._link.refused != refused_before:
                raise Transient(f"subscribe to {given.subject!r}: {self._link.refused}", code=codes.NOT_ALLOWED)
            while True:
                await lanes.room()
                try:
                    async with asyncio.timeout(PULSE):
                        message = await arrived.get()
                except TimeoutError:
                    await self._link.check()
                    lanes.alive()
                else:
                    lanes.put(self._delivery(message))
        except OctoError:
            raise
        except Exception as error:
            raise self._link.error(error, f"subscribe to {given.subject!r}") from error
        finally:
            with suppress(Exception):  # the connection may be gone
                await subscription.unsubscribe()

    async def _arrived(self, arrived: asyncio.Queue[Any], message: Any) -> None:
        if arrived.qsize() < self._settings.buffer:
            arrived.put_nowait(message)
            return
        now = asyncio.get_running_loop().time()
        if now - self._lost_at > TOLD:
            self._lost = 0
            log.warning("messages are lost: the flow is too slow", extra=fields(subject=self._settings.subject))
        self._lost += 1
        self._lost_at = now

    def _delivery(self, message: Any) -> Delivery:
        headers = (message.headers or {}).items()
        made, unfit = wire.taken(message.data, headers, self._settings, {"subject": message.subject})
        timeout = self._settings.timeout.total_seconds() or TIMEOUT.total_seconds()
        settle = partial(self._answer, message.reply, made, unfit) if message.reply else None
        return Delivery(made, settle, timeout=timeout, is_awaited=settle is not None, unfit=unfit)

    async def _answer(self, reply: str, message: Message, unfit: Permanent | None, verdict: Verdict) -> None:
        """Send the outcome to who asked."""
        data, headers = _reply(message, unfit, verdict)
        most = self._link.client.max_payload
        if len(data) > most:
            log.error("the reply is larger than the server allows", extra=fields(bytes=len(data), most=most))
            data, headers = _error(message, 500, "internal error")
        try:
            await self._link.client.publish(reply, data, headers=headers or None)
        except Exception as error:
            raise self._link.error(error, "reply") from error


def _reply(message: Message, unfit: Permanent | None, verdict: Verdict) -> tuple[bytes, dict[str, str]]:
    if isinstance(verdict, Drop):
        return b"", {}
    if isinstance(verdict, Done):
        return _outcome(message, verdict.message)
    if unfit is not None:
        return _error(message, 400, str(unfit))
    if isinstance(verdict.error, Timeout):
        return _error(message, 504, "timed out")
    if isinstance(verdict, Retry) and (not verdict.after or isinstance(verdict.error, Overloaded)):
        return _error(message, 503, "overloaded")
    return _error(message, 500, "internal error")


def _outcome(message: Message, made: Message) -> tuple[bytes, dict[str, str]]:
    try:
        sent = wire.given(_GIVING, made)
    except Permanent as error:
        about = fields(event_id=made.event_id, error=str(error))
        log.error("cannot write the reply", extra=about)  # noqa: TRY400  no traceback
        return _error(message, 500, "internal error")
    return sent.data, {**sent.headers, "Content-Type": sent.content_type}


def _error(message: Message, code: int, text: str) -> tuple[bytes, dict[str, str]]:
    ids = {"eventID": message.event_id, "correlationID": message.correlation_id}
    body = codec.write({"error": text, **{name: value for name, value in ids.items() if value}})
    return body, {ERROR: text, CODE: str(code), "Content-Type": "application/json"}
