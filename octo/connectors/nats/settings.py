"""The settings of a `nats` connector, its sources and its blocks."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.promise import Promise
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State
from octo.core.tls import ClientTls
from octo.core.wire import BodyType, Giving, Taking

TIMEOUT = timedelta(seconds=30)
TOLD = Promise("at most once", ("send",), idempotent="never")
KEPT = Promise("at least once", ("send", "confirm"), "with `jetstream`", "with a key")

_PORTS = (("nats", 4222), ("tls", 4222), ("ws", 80), ("wss", 443))
_ADDRESS = re.compile(r"((nats|tls|ws|wss)://)?([^/?#\s@]*@)?(\[[0-9a-fA-F:]+\]|[^/?#\s@:,]+)(?P<port>:\d{1,5})?/?")
_SUBJECT = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_NAME = re.compile(r"[^\s.*>/\\]+")


class Server(Settings):
    url: Annotated[Secret, Reaches(_PORTS, bare="nats")] = Secret("nats://localhost:4222")
    """Where NATS is; several addresses, with commas between, are the servers of one cluster. `tls://` asks for TLS,
    and never sends credentials without it. User and password may stand in it: `nats://user:password@host:4222`."""
    user: str = ""
    """Name of the user, with `password`."""
    password: Secret | None = None
    """Password of the user, so that the `url` need not be secret."""
    token: Secret | None = None
    """A token, where the server asks for one instead of a user."""
    nkey: Secret | None = None
    """The seed of an NKey (`SU...`), whose public key the server knows. It never leaves this process."""
    credentials: Path | None = None
    """File with a JWT and its NKey (`.creds`), as `nsc` writes it."""
    tls: ClientTls | None = None
    """Certificates, for a server that uses TLS. By default the machine's authorities are trusted."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: Secret) -> Secret:
        for each in url.get_secret_value().split(","):
            found = _ADDRESS.fullmatch(each.strip())
            if found is None or int((found["port"] or ":0")[1:]) > 65535:
                # It may have a password: it is not quoted, nor is the default, which is masked.
                raise PydanticCustomError("url", "`url` is no address of NATS; write e.g. `nats://host:4222`")
        return url

    @model_validator(mode="after")
    def _has_one_kind_of_credentials(self) -> Self:
        given = [name for name in ("user", "token", "nkey", "credentials") if getattr(self, name)]
        if len(given) > 1:
            raise PydanticCustomError("auth", "set one of {names}", {"names": ", ".join(f"`{each}`" for each in given)})
        if (self.password is not None) is not bool(self.user):
            raise PydanticCustomError("auth", "`user` and `password` belong together: set both, or none")
        return self


# --- sources -----------------------------------------------------------------------------------------------------


def _subject(text: str) -> str:
    if not _SUBJECT.fullmatch(text):
        raise PydanticCustomError(
            "subject", "{text} is no subject: words with dots between, `*` for one, `>` for the rest", {"text": text}
        )
    return text


def _name(text: str, what: str) -> str:
    if text and not _NAME.fullmatch(text):
        raise PydanticCustomError(
            "name", f"{{text}} is no name of a {what}: no blanks, `.`, `*` or `>`", {"text": text}
        )
    return text


class Heard(Settings):
    """The variables of a message of `nats`."""

    subject: str
    """The subject it came on."""
    headers: dict[str, object]
    """Its headers."""


class Subscribe(Taking):
    subject: str = Field(examples=["orders.>"])
    """The subject; `*` stands for one word, `>` for the rest."""
    queue: str = ""
    """Name of a queue group: each message goes to one subscriber of the group. Default: to every one."""
    listeners: Annotated[int, Field(ge=1)] = 64
    """At most so many messages of this source are under way at once; 1 keeps them in order."""
    buffer: Annotated[int, Advanced, Field(ge=1)] = 1000
    """At most so many messages wait here for the flow. More are lost: NATS does not keep them."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled. 0 means the default."""

    @field_validator("subject")
    @classmethod
    def _is_a_subject(cls, subject: str) -> str:
        return _subject(subject)

    @field_validator("queue")
    @classmethod
    def _is_a_name(cls, queue: str) -> str:
        return _name(queue, "queue group")


class Streamed(Heard):
    """The variables of a message of `nats-jetstream`."""

    stream: str
    """The stream that keeps it."""
    sequence: int
    """Its number in the stream."""
    published_at: str
    """When the stream got it, in UTC."""


class Consume(Taking):
    stream: str = Field(examples=["ORDERS"])
    """Name of the stream. It must exist."""
    durable: str = Field(examples=["billing"])
    """Name of the durable consumer. All sources with this name, here and elsewhere, share its messages."""
    create: bool = False
    """Whether to make the consumer if the stream has none of this name. One that exists is used as it is."""
    subjects: list[str] = Field(default_factory=list)
    """Only messages on these subjects. Default: all of the stream."""
    deliver: Annotated[Literal["all", "new"], Advanced] = "all"
    """Where a consumer that is made begins: with `all` that the stream has, or with what is `new`."""
    listeners: Annotated[int, Field(ge=1)] = 64
    """At most so many messages are under way or wait here; the stream keeps the others."""
    key: Expr[str] | None = None
    """Messages with the same key run one at a time and in order, also when one is tried again, e.g. `body.customer`.
    Then one process reads at a time."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled, and the message is tried again. 0 means the
    default."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """A message that fails at this attempt, for a reason that may pass, is given up. One that would fail again is at
    once."""
    lease: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How soon the stream delivers a message again when this process has gone (AckWait), for a consumer that is made.
    It is renewed while the flow works."""

    @field_validator("lease")
    @classmethod
    def _is_long_enough(cls, lease: timedelta) -> timedelta:
        if lease < timedelta(seconds=1):
            raise PydanticCustomError("lease", "a lease is at least 1s long")
        return lease

    @field_validator("subjects")
    @classmethod
    def _are_subjects(cls, subjects: list[str]) -> list[str]:
        return [_subject(each) for each in subjects]

    @field_validator("stream", "durable")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not name:
            raise PydanticCustomError("name", "it is empty")
        return _name(name, "stream or consumer")


# --- blocks ------------------------------------------------------------------------------------------------------


class Publish(Giving):
    subject: Expr[str]
    """The subject, e.g. `"orders." + body.country`."""
    jetstream: bool = False
    """Whether a stream must have the message before the block returns. Otherwise it goes to who listens right now,
    and nobody knows whether anybody did."""
    message_id: Expr[str] | None = None
    """With `jetstream`: the stream takes a second message with this id, within two minutes, for the first one
    (`Nats-Msg-Id`), e.g. `body.id`."""
    timeout: Annotated[Duration, OrZero, Advanced] = timedelta(seconds=5)
    """How long the stream may take to confirm. 0 means the default."""

    @model_validator(mode="after")
    def _has_a_stream(self) -> Self:
        if self.message_id is not None and not self.jetstream:
            raise PydanticCustomError("stream", "`messageId` is for streams: set `jetstream: true`, or remove it")
        return self

    def promises(self) -> Promise:
        return KEPT if self.jetstream else TOLD

    @property
    def effect(self) -> Effect:
        """With an id, a stream takes the same message once."""
        return "once" if self.message_id is None else "idempotent"

    def shape_after(self, before: State) -> State:
        before.of(self.subject)
        before.of(self.message_id)
        return super().shape_after(before)


class Request(Giving):
    subject: Expr[str]
    """The subject of who answers, e.g. `"prices." + body.country`."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long to wait for the reply; 0 means the default."""
    body_type: BodyType = "auto"
    """What the reply is; see the sources."""
    headers_var: Annotated[str | None, Advanced] = Field(default=None, min_length=1)
    """Name of a variable for the headers of the reply. Default: none."""

    @property
    def effect(self) -> Effect:
        """Nobody knows what a request does."""
        return "once"

    def shape_after(self, before: State) -> State:
        before.of(self.subject)
        return super().shape_after(before).unknown()
