"""The settings of an `amqp` connector, its source and `amqp-publish`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration, OrZero
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State
from octo.core.tls import ClientTls
from octo.core.wire import Giving, Taking

TIMEOUT = timedelta(seconds=30)
DEAD = ".dead"
"""What the name of a queue of dead letters ends with."""
PORTS = (("amqp", 5672), ("amqps", 5671))
_MOST = 255
"""Bytes of a name or a routing key in AMQP."""

Value = bool | int | str


class Broker(Settings):
    url: Annotated[Secret, Reaches(PORTS)] = Field(examples=["amqp://octo@localhost:5672/shop"])
    """Where the broker is: `amqp://user:password@host:5672/vhost`, or `amqps://` for TLS. Characters such as `/` or
    `@` in a password or vhost are written as `%2F` and `%40`."""
    password: Secret | None = None
    """Password of the user, so that the `url` need not be secret."""
    vhost: str = ""
    """The virtual host. Default: that of the `url`, else `/`."""
    heartbeat: Annotated[Duration, Advanced] = timedelta(seconds=20)
    """How often broker and connector tell each other that they live. A connection that has been silent for three times
    as long is given up."""
    tls: ClientTls | None = None
    """Certificates, with `amqps`. By default the machine's authorities are trusted."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: Secret) -> Secret:
        if problem := _problem(url.get_secret_value()):
            # It may have a password: it is not quoted.
            raise PydanticCustomError("url", "{problem}", {"problem": problem})
        return url

    @field_validator("heartbeat")
    @classmethod
    def _beats(cls, heartbeat: timedelta) -> timedelta:
        if not 1 <= heartbeat.total_seconds() <= 600:
            raise PydanticCustomError("heartbeat", "a heartbeat is between 1s and 10m")
        return heartbeat

    @model_validator(mode="after")
    def _uses_tls(self) -> Self:
        if self.tls is not None and not self.is_secure:
            raise PydanticCustomError("tls", "`tls` is for `amqps://` addresses: change the `url`, or remove it")
        return self

    @property
    def is_secure(self) -> bool:
        return urlsplit(self.url.get_secret_value()).scheme == "amqps"

    @property
    def place(self) -> str:
        """The address, without credentials."""
        parts = urlsplit(self.url.get_secret_value())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{self.port}" + (f"/{self.host}" if self.host != "/" else "")

    @property
    def port(self) -> int:
        return urlsplit(self.url.get_secret_value()).port or dict(PORTS)[urlsplit(self.url.get_secret_value()).scheme]

    @property
    def host(self) -> str:
        """The virtual host."""
        return self.vhost or unquote(urlsplit(self.url.get_secret_value()).path[1:]) or "/"


def _problem(url: str) -> str:
    example = "write e.g. `amqp://user:password@host:5672/vhost`"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"`url` is no address; {example}, with `%2F` for a `/` in a password"
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        return f"`url` is no address of AMQP; {example}"
    if port == 0 or parts.query or parts.fragment or "/" in parts.path[1:]:
        return (
            f"`url` has more than an address; {example}, with `%2F` for a `/` in the vhost, and use the other settings"
        )
    return ""


# --- the source --------------------------------------------------------------------------------------------------


def name(text: str) -> str:
    """The name, routing key or id. Raises `Permanent` if it has no form in AMQP."""
    if problem := _unsendable(text):
        raise Permanent(f"{text[:80]!r} {problem}")
    return text


def _unsendable(text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "has half a character"
    return f"has {size} bytes, and AMQP carries at most {_MOST}" if size > _MOST else ""


def _named(text: str) -> str:
    if problem := _unsendable(text):
        raise PydanticCustomError("name", "it {problem}", {"problem": problem})
    return text


class Binding(Settings):
    """What brings messages into the queue."""

    exchange: str = Field(min_length=1, examples=["orders"])
    """The exchange. It must exist, unless `type` says how to make it."""
    routing_key: str = ""
    """Messages with this routing key; for a topic exchange `*` stands for one word, `#` for any number."""
    type: Literal["direct", "topic", "fanout", "headers"] | None = None
    """Make the exchange, durable and of this type, if there is none of its name."""
    arguments: Annotated[dict[str, Value], Advanced] = Field(default_factory=dict)
    """Headers that messages must have, for an exchange of type `headers`."""

    @field_validator("exchange", "routing_key")
    @classmethod
    def _is_sendable(cls, text: str) -> str:
        return _named(text)


class Declare(Settings):
    """How the queue is made if there is none of its name. One that exists must have been made alike."""

    type: Literal["quorum", "classic"] = "quorum"
    """`quorum`: replicated, and it counts attempts. `classic`: on one node of the broker."""
    durable: bool = True
    """Whether the queue outlives a restart of the broker. A quorum queue always does."""
    bindings: list[Binding] = Field(default_factory=list)
    """The exchanges that bring messages into the queue."""
    arguments: Annotated[dict[str, Value], Advanced] = Field(default_factory=dict)
    """More arguments of the queue, such as `x-message-ttl`."""

    @model_validator(mode="after")
    def _is_durable(self) -> Self:
        if self.type == "quorum" and not self.durable:
            raise PydanticCustomError("queue", "a quorum queue is always durable: set `type: classic`")
        return self


class Arrived(Settings):
    """The variables of a message."""

    queue: str
    """The queue it came from."""
    exchange: str
    """The exchange it was published to; empty for the default exchange."""
    routing_key: str
    """The routing key it was published with."""
    message_id: str = Field(alias="messageID")
    """The id that its sender gave it, empty if it gave none."""
    reply_to: str
    """Where its sender waits for the outcome, empty if it does not."""
    redelivered: bool
    """Whether the broker has delivered it before."""
    headers: dict[str, object]
    """Its headers."""


class Consume(Taking):
    queue: str = Field(min_length=1, examples=["billing"])
    """Name of the queue. All who consume it share its messages."""
    declare: Declare | None = None
    """Make the queue, and bind it. Default: it must exist."""
    prefetch: Annotated[int, Field(ge=1, le=65535)] = 16
    """At most so many messages are under way or wait here at once; the broker keeps the others. 1 keeps them in
    order."""
    key: Expr[str] | None = None
    """Messages with the same key run one at a time and in order, also when one is tried again, e.g. `body.customer`.
    A queue that is declared then has one consumer at a time."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled, and the message is tried again. 0 means the
    default."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """A message that fails at this attempt, for a reason that may pass, is a dead letter. One that would fail again is
    at once."""
    dead_letter_exchange: str = ""
    """Where dead letters go, unless the flow has a `deadLetter`. Default: the default exchange. One that takes them to
    no queue is an error: the message stays where it is."""
    dead_letter_routing_key: str = ""
    """Their routing key. Default: with an exchange that of the message; else the name of the queue with `.dead`, a
    durable queue that is made when it is needed."""
    reply: Annotated[bool, Advanced] = True
    """Whether a message that says where its sender waits (`reply-to`) is answered with the outcome."""

    @field_validator("queue", "dead_letter_exchange", "dead_letter_routing_key")
    @classmethod
    def _is_sendable(cls, text: str) -> str:
        return _named(text)

    @property
    def dead_queue(self) -> str:
        """The queue of dead letters; "" if an exchange takes them."""
        return "" if self.dead_letter_exchange else self.dead_letter_routing_key or f"{self.queue}{DEAD}"


# --- the block ---------------------------------------------------------------------------------------------------


class Publish(Giving):
    exchange: str = ""
    """The exchange. It must exist. Default: the default exchange, which takes a message to the queue that is named as
    its routing key."""
    routing_key: Expr[str]
    """The routing key, e.g. `"orders." + body.country`."""
    message_id: Annotated[Expr[str] | None, Field(alias="messageID")] = None
    """An id by which consumers know a message that comes twice, e.g. `body.id`. Default: the idempotency key of the
    step in a flow with a journal, else a new one each time."""
    persistent: bool = True
    """Whether the message outlives a restart of the broker, in a durable queue."""
    mandatory: bool = True
    """Whether it is an error that the exchange takes the message to no queue."""
    expiration: Annotated[Duration | None, Advanced] = None
    """How long the message may wait in a queue; then the broker drops it. Default: for ever."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the broker may take to confirm that it has the message. 0 means the default."""

    @property
    def effect(self) -> Effect:
        return "once" if self.message_id is None else "idempotent"

    @field_validator("exchange")
    @classmethod
    def _is_sendable(cls, text: str) -> str:
        return _named(text)

    def shape_after(self, before: State) -> State:
        before.of(self.routing_key)
        before.of(self.message_id)
        return super().shape_after(before)
