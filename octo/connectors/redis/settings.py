"""The settings of a `redis` connector, its sources and its blocks."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.connectors.redis.commands import CHANGING, READING, near
from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.promise import Promise
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State
from octo.core.tls import ClientTls
from octo.core.wire import Giving, Taking

TIMEOUT = timedelta(seconds=30)
CHANGED = Promise("at least once", ("send", "confirm"), idempotent="as written")
READ = Promise("at least once", ("send", "confirm"), "with a command that only reads", "always")

_PORTS = (("redis", 6379), ("rediss", 6379), ("valkey", 6379), ("valkeys", 6379))
_ADDRESS = re.compile(
    r"(redis|rediss|valkey|valkeys)://([^/?#\s@]*@)?(\[[0-9a-fA-F:]+\]|[^/?#\s@:,]*)(?P<port>:\d{1,5})?(/\d{0,4})?"
)


class Server(Settings):
    url: Annotated[Secret, Reaches(_PORTS)] = Secret("redis://localhost:6379/0")
    """Where Redis or Valkey is: `redis://user:password@host:6379/0`, with the number of the database at the end.
    `rediss://` means TLS."""
    tls: ClientTls | None = None
    """Certificates, for `rediss://`. By default the machine's authorities are trusted."""
    timeout: Annotated[Duration, Advanced] = timedelta(seconds=10)
    """How long the server may take to answer. Then the connection is closed, and another one is opened."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: Secret) -> Secret:
        found = _ADDRESS.fullmatch(url.get_secret_value())
        if found is None or int((found["port"] or ":0")[1:]) > 65535:
            # It may have a password: it is not quoted, nor is the default, which is masked.
            raise PydanticCustomError("url", "`url` is no address of Redis or Valkey; write e.g. `redis://host:6379/0`")
        return url

    @model_validator(mode="after")
    def _has_tls(self) -> Self:
        if self.tls is not None and not self.is_secure:
            raise PydanticCustomError("tls", "`tls` needs a `url` that asks for TLS: its scheme ends with `ss`")
        return self

    @property
    def is_secure(self) -> bool:
        return self.url.get_secret_value().startswith(("rediss:", "valkeys:"))


# --- sources -----------------------------------------------------------------------------------------------------


class Streamed(Settings):
    """The variables of a message of `redis-stream`."""

    stream: str
    """The stream that it stands in."""
    entry: str
    """Its id in the stream, e.g. `1700000000000-0`."""
    headers: dict[str, object]
    """The fields of the entry besides the body; none if the body has all of them."""


class Consume(Taking):
    stream: str = Field(min_length=1, examples=["orders"])
    """The stream."""
    group: str = Field(min_length=1, examples=["billing"])
    """The consumer group. All sources with this name, here and elsewhere, share the entries of the stream."""
    create: Literal["all", "new", "never"] = "all"
    """Where a group begins that does not exist: with `all` entries that the stream has, or with what is `new`. The
    stream is made, too. `never`: the group must exist."""
    body_field: Annotated[str, Field(min_length=1)] = "body"
    """The field of an entry that holds the body; the others become the variable `headers`. The body of an entry without
    this field is a map of all its fields, each a text, or bytes if it is none."""
    listeners: Annotated[int, Field(ge=1, le=1000)] = 16
    """At most so many entries are under way or wait here; the stream keeps the others. 1 keeps them in order, but for
    those that are tried again."""
    key: Expr[str] | None = None
    """Entries with the same key run one at a time and in order, also when one is tried again, e.g. `body.customer`.
    Then one process reads at a time."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one entry; then it is cancelled, and the entry is tried again. 0 means the
    default."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """An entry that fails at this attempt, for a reason that may pass, is a dead letter. One that would fail again is
    at once."""
    dead_letters: str = ""
    """The stream for dead letters, unless the flow has a `deadLetter`. Default: the name of the stream with `:dead`
    behind it."""
    delete: bool = False
    """Whether to remove an entry from the stream once its flow has finished. Other groups miss it then."""
    lease: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How soon another consumer takes over an entry when this process has gone. It is renewed while the flow works."""

    @property
    def dead_stream(self) -> str:
        return self.dead_letters or f"{self.stream}:dead"

    @field_validator("lease")
    @classmethod
    def _is_long_enough(cls, lease: timedelta) -> timedelta:
        if lease < timedelta(seconds=1):
            raise PydanticCustomError("lease", "a lease is at least 1s long")
        return lease

    @model_validator(mode="after")
    def _are_two_streams(self) -> Self:
        if self.dead_letters == self.stream:
            raise PydanticCustomError("stream", "`deadLetters` is the stream itself: they would come again for ever")
        return self


class Heard(Settings):
    """The variables of a message of `redis-subscribe`."""

    channel: str
    """The channel it came on."""
    pattern: str
    """The pattern that the channel matches, "" if the channel is subscribed by its name."""
    headers: dict[str, object]
    """Always empty: messages of Redis have none."""


class Subscribe(Taking):
    channels: list[str] = Field(default_factory=list, examples=[["orders"]])
    """The channels."""
    patterns: list[str] = Field(default_factory=list, examples=[["orders.*"]])
    """Patterns of channels: `*` stands for anything, `?` for one character, `[ab]` for one of several."""
    listeners: Annotated[int, Field(ge=1)] = 64
    """At most so many messages of this source are under way or wait here; 1 keeps them in order."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled. 0 means the default."""

    @model_validator(mode="after")
    def _has_some(self) -> Self:
        if not self.channels and not self.patterns:
            raise PydanticCustomError("channels", "write `channels`, `patterns`, or both")
        return self


# --- blocks ------------------------------------------------------------------------------------------------------


class Publish(Settings):
    channel: Expr[str]
    """The channel, e.g. `"orders." + body.country`."""
    body: Expr[object] | None = None
    """What is sent: bytes and texts as they are, anything else as JSON. Default: the body."""

    @property
    def effect(self) -> Effect:
        """Whoever listens hears it again."""
        return "once"

    def shape_after(self, before: State) -> State:
        before.of(self.channel)
        before.of(self.body)
        return before


class Add(Giving):
    stream: Expr[str]
    """The stream, e.g. `"orders"`. It is made if there is none."""
    body_field: Annotated[str, Field(min_length=1)] = "body"
    """The field for the body. The headers are fields, too."""
    fields: Expr[object] | None = None
    """A map with the fields of the entry, in place of the body and all headers: texts and bytes as they are, anything
    else as JSON, e.g. `{"id": body.id, "total": body.total}`."""
    max_length: Annotated[int | None, Field(ge=1)] = None
    """Remove the oldest entries so that about this many are left, whether anybody has read them or not. Default: remove
    none."""
    as_: str = Field("", alias="as")
    """Name of a variable for the id of the entry. Default: none."""

    @property
    def effect(self) -> Effect:
        """It is added again."""
        return "once"

    def shape_after(self, before: State) -> State:
        before.of(self.stream)
        before.of(self.fields)
        after = super().shape_after(before)
        return after.without_var(self.as_) if self.as_ else after


class Run(Settings):
    command: str = Field(examples=["GET"])
    """The command, e.g. `GET`, `HSET` or `EXPIRE`. Commands that wait, that change the connection or the server, or
    that run scripts are refused."""
    args: list[Expr[object]] = Field(default_factory=list)
    """Its arguments: texts, bytes and numbers."""
    as_: str = Field("", alias="as")
    """Name of a variable for the reply. Default: it becomes the body. A text is bytes if it is none; what is not there
    is null; the reply of `HGETALL` is a map."""

    @field_validator("command")
    @classmethod
    def _is_known(cls, command: str) -> str:
        name = command.strip().upper()
        if name not in READING and name not in CHANGING:
            first, *more = name.split() or [""]
            if more and first in READING | CHANGING:
                raise PydanticCustomError("command", "write `{name}` alone; the rest goes into `args`", {"name": first})
            guess = near(name)
            hint = f'; did you mean "{guess}"?' if guess else ": only commands that read and write keys at once are"
            raise PydanticCustomError(
                "command", "{name} is no command for a flow{hint}", {"name": name[:40], "hint": hint}
            )
        return name

    @property
    def effect(self) -> Effect:
        return "safe" if self.command in READING else "once"

    def promises(self) -> Promise:
        return READ if self.command in READING else CHANGED

    def shape_after(self, before: State) -> State:
        for each in self.args:
            before.of(each)
        return before.without_var(self.as_) if self.as_ else before.with_body()
