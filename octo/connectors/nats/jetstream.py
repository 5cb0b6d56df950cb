"""A durable consumer of a stream: found or made, asked for messages, and told what became of each.

A pull asks the server for no more messages than there is room for, and the server says every few seconds that it still
works on it. So messages do not pile up here, and a server that has forgotten the pull is noticed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from octo.connectors.nats import codes
from octo.connectors.nats.link import Link
from octo.connectors.nats.settings import TIMEOUT, Consume
from octo.core import letter, wire
from octo.core.delivery import Delivery, Verdict, settling
from octo.core.errors import OctoError, Transient
from octo.core.lanes import Lanes
from octo.core.log import fields

log = logging.getLogger("octo.nats")

PULL = 30.0
"""Seconds that one pull waits for messages."""
HEARTBEAT = 5.0
"""Seconds after which the server says that a pull still waits."""
ANSWER = 5.0
"""Seconds that the server may take to answer."""
PAUSE = 1.0
"""Seconds to wait after the server has refused a pull."""

_NANO = 1_000_000_000
_OVER = ("404", "408")
"""Statuses of a pull that has ended as it should: there was nothing, or its time is over."""


_reached: dict[tuple[str, str, str], tuple[str, int]] = {}
"""How far this process has read a consumer, by server, stream and consumer: when the stream was made, and a sequence.
It outlives the connection. A consumer that began with what was new goes on there when it was deleted: what came since
is new, too."""


class Consumer:
    """The durable consumer that a source reads.

    lease: seconds after which the stream delivers an unsettled message again. most_attempts: at which attempt a message
    is given up. unsettled: how many messages somebody had not settled when it was looked up.
    """

    def __init__(self, link: Link, settings: Consume) -> None:
        self.lease = settings.lease.total_seconds()
        self.most_attempts = settings.max_attempts
        self.unsettled = 0
        self._link = link
        self._settings = settings
        self._name = f"consumer {settings.durable!r} of stream {settings.stream!r}"
        self._key = link.place, settings.stream, settings.durable
        self._unsettled: set[int] = set()
        self._made_at = ""

    # --- finding it ----------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Find the consumer, or make it. Raises `Transient` with what is missing: it may be made later."""
        given = self._settings
        stream = await self._ask(f"STREAM.INFO.{given.stream}")
        if stream is None:
            raise _missing(f"there is no stream {given.stream!r}; make it with `nats stream add`, or correct `stream`")
        self._made_at = str(stream.get("created", ""))
        found = await self._ask(f"CONSUMER.INFO.{given.stream}.{given.durable}")
        if found is None and not given.create:
            raise _missing(f"there is no {self._name}; make it with `nats consumer add`, or set `create: true`")
        if found is None:
            found = await self._ask(f"CONSUMER.DURABLE.CREATE.{given.stream}.{given.durable}", self._wanted())
            log.info("made a consumer", extra=fields(stream=given.stream, consumer=given.durable))
        if found is None:
            raise _missing(f"the {self._name} could not be made")
        self._check(found["config"])
        _reached.setdefault(self._key, (self._made_at, found.get("delivered", {}).get("stream_seq", 0)))
        self.lease = found["config"].get("ack_wait", self.lease * _NANO) / _NANO
        self.unsettled = found.get("num_ack_pending", 0)
        self._limit(found["config"].get("max_deliver", -1))

    def _limit(self, most: int) -> None:
        """Give up at the last delivery that a consumer makes, which others have made: no other comes."""
        self.most_attempts = self._settings.max_attempts
        if 0 < most < self.most_attempts:
            self.most_attempts = most
            text = "the consumer delivers less often than `maxAttempts`: what a stop cuts off at last is lost"
            about = fields(stream=self._settings.stream, consumer=self._settings.durable, deliveries=most)
            log.warning(text, extra=about)

    def _wanted(self) -> dict[str, object]:
        given = self._settings
        config: dict[str, object] = {
            "durable_name": given.durable,
            "ack_policy": "explicit",
            "ack_wait": int(self.lease * _NANO),
            "max_deliver": -1,  # attempts are counted here, so that the last one can be told apart
            "replay_policy": "instant",
            **self._start(),
        }
        if len(given.subjects) == 1:
            config["filter_subject"] = given.subjects[0]
        elif given.subjects:
            config["filter_subjects"] = given.subjects
        return {"stream_name": given.stream, "config": config, "action": "create"}

    def _start(self) -> dict[str, object]:
        """Where a consumer begins that is made."""
        made_at, reached = _reached.get(self._key, ("", 0))
        if self._settings.deliver == "all" or not made_at:
            return {"deliver_policy": self._settings.deliver}
        if made_at != self._made_at:  # another stream of the same name
            return {"deliver_policy": "all"}
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": reached + 1}

    def _check(self, config: dict[str, Any]) -> None:
        """Raise `Transient` if the consumer is not one that this source can read as its settings say."""
        subjects = config.get("filter_subjects") or list(filter(None, [config.get("filter_subject")]))
        if config.get("deliver_subject"):
            raise _missing(f"the {self._name} is a push consumer; the source needs a pull consumer")
        if config.get("ack_policy") != "explicit":
            raise _missing(f"the {self._name} has the ack policy {config.get('ack_policy')!r}; it must be 'explicit'")
        if self._settings.subjects and set(subjects) != set(self._settings.subjects):
            found = ", ".join(subjects) or "all subjects"
            raise _missing(f"the {self._name} has {found}, not the `subjects` of the source; change either of them")

    async def _ask(self, subject: str, what: object = None) -> dict[str, Any] | None:
        """The answer of JetStream, None if what was asked for does not exist."""
        data = b"" if what is None else json.dumps(what).encode()
        try:
            message = await self._link.request(f"$JS.API.{subject}", data, timeout=ANSWER)
            answer: dict[str, Any] = json.loads(message.data)
        except Exception as error:
            told = self._link.error(error, f"the {self._name}: JetStream")
            if told.code == codes.NO_RESPONDERS:
                told = _missing(f"the {self._name}: the server has no JetStream; start it with `-js`")
            raise told from error
        failed = answer.get("error")
        if failed is None:
            return answer
        if failed.get("code") == 404:
            return None
        raise Transient(f"the {self._name}: {failed.get('description', 'JetStream refuses it')}")

    # --- reading -------------------------------------------------------------------------------------------------

    async def read(self, lanes: Lanes) -> None:
        """Put messages into the lanes while they have room, for ever."""
        client = self._link.client
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        inbox = client.new_inbox()
        subscription = await client.subscribe(f"{inbox}.*", cb=arrived.put)
        try:
            number = 0
            while True:
                number += 1
                await self._pull(lanes, arrived, f"{inbox}.{number}")
        except OctoError:
            raise
        except Exception as error:
            raise self._link.error(error, f"the {self._name}") from error
        finally:
            with suppress(Exception):  # the connection may be gone
                await self._stop(subscription, arrived, lanes)

    async def _stop(self, subscription: Any, arrived: asyncio.Queue[Any], lanes: Lanes) -> None:
        """End the pull. What is on its way for it is given back with the rest: else it would come after later ones."""
        await self._link.client._send_unsubscribe(subscription._id)  # noqa: SLF001  its `drain` uses the client's flush
        for _ in range(2):  # an answer to a question that was asked before says nothing
            await self._link.check()
        for _ in range(subscription.pending_msgs + 2):
            await asyncio.sleep(0)
        while not arrived.empty():
            message = arrived.get_nowait()
            if message.reply and message.reply.startswith("$JS.ACK."):
                lanes.put(self._delivery(message))
        await subscription.unsubscribe()

    async def _pull(self, lanes: Lanes, arrived: asyncio.Queue[Any], inbox: str) -> None:
        """One pull: ask for what there is room for, and take what comes until it is over."""
        asked = await lanes.room()
        await self._request(inbox, asked)
        while asked:
            try:
                async with asyncio.timeout(3 * HEARTBEAT):
                    message = await arrived.get()
            except TimeoutError:
                await self.prepare()  # it raises if the consumer is gone; if not, the server has lost the pull
                return
            status = (message.headers or {}).get("Status")
            if not status or message.reply:
                lanes.put(self._delivery(message))
                asked -= 1
            elif message.subject == inbox:  # else it is of an earlier pull
                lanes.alive()
                if status != "100":
                    await self._ended(status)
                    return

    async def _request(self, inbox: str, batch: int) -> None:
        given = self._settings
        wanted = {"batch": batch, "expires": int(PULL * _NANO), "idle_heartbeat": int(HEARTBEAT * _NANO)}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{given.stream}.{given.durable}"
        await self._link.client.publish(subject, json.dumps(wanted).encode(), reply=inbox)

    async def _ended(self, status: str) -> None:
        if status not in _OVER:
            if self._unsettled:  # if the consumer is gone, none of them would come again
                _reached[self._key] = self._made_at, min(self._unsettled) - 1
            await asyncio.sleep(PAUSE)
            await self.prepare()

    # --- settling ------------------------------------------------------------------------------------------------

    def _note(self, sequence: int) -> None:
        self._unsettled.add(sequence)
        made_at, reached = _reached[self._key]
        _reached[self._key] = self._made_at, max(sequence, reached if made_at == self._made_at else 0)

    def _settling(self, message: Any) -> Callable[[Verdict], Awaitable[None]]:
        settle = settling(partial(self._ack, message), partial(self._nak, message), partial(self._term, message))

        async def settled(verdict: Verdict) -> None:
            try:
                await settle(verdict)
            finally:
                self._unsettled.discard(message.metadata.sequence.stream)

        return settled

    def _delivery(self, message: Any) -> Delivery:
        given, about = self._settings, message.metadata
        variables = {
            "subject": message.subject,
            "stream": about.stream,
            "sequence": about.sequence.stream,
            "publishedAt": about.timestamp.isoformat().replace("+00:00", "Z"),
        }
        self._note(about.sequence.stream)
        event_id = wire.identity("nats", self._made_at, about.stream, about.sequence.stream, given.durable)
        headers = (message.headers or {}).items()
        made, unfit = wire.taken(message.data, headers, given, variables, event_id=event_id)
        return Delivery(
            made,
            self._settling(message),
            attempt=about.num_delivered,
            most_attempts=self.most_attempts,
            extend=partial(self._tell, message, b"+WPI"),
            lease=self.lease,
            timeout=given.timeout.total_seconds() or TIMEOUT.total_seconds(),
            unfit=unfit,
        )

    async def _ack(self, message: Any) -> None:
        await self._confirmed(message, b"+ACK")

    async def _nak(self, message: Any, after: float) -> None:
        delay = json.dumps({"delay": int(after * _NANO)}).encode() if after else b""
        await self._tell(message, b"-NAK " + delay if delay else b"-NAK")

    async def _term(self, message: Any, note: str) -> None:
        await self._confirmed(message, b"+TERM")
        about = {"stream": self._settings.stream, "consumer": self._settings.durable}
        sequence = message.metadata.sequence.stream
        log.error("a message was given up", extra=fields(**about, sequence=sequence, reason=letter.reason_of(note)))

    async def _tell(self, message: Any, what: bytes) -> None:
        try:
            await self._link.client.publish(message.reply, what)
        except Exception as error:
            raise self._link.error(error, f"the {self._name}: settle") from error

    async def _confirmed(self, message: Any, what: bytes) -> None:
        """Tell the server, and return once it has noted it."""
        try:
            await self._link.request(message.reply, what, timeout=ANSWER)
        except Exception as error:
            raise self._link.error(error, f"the {self._name}: settle") from error


def _missing(text: str) -> Transient:
    return Transient(text, code=codes.NO_CONSUMER)
