"""The settings of a `kafka` connector, its source and `kafka-publish`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State
from octo.core.tls import ClientTls
from octo.core.wire import Giving, Taking

_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/@\[\]]+):(\d{1,5})")


def _server(text: str) -> str:
    if not _SERVER.fullmatch(text):
        raise PydanticCustomError("server", "not a broker: write `host:port`, e.g. `kafka-1.example.com:9092`")
    return text


def _topic(text: str) -> str:
    if text.startswith("^"):
        raise PydanticCustomError("topic", "patterns of topics are not supported: list each topic by its name")
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise PydanticCustomError("topic", "not a topic: letters, digits, `.`, `_` and `-`, at most 249")
    return text


Server = Annotated[str, AfterValidator(_server)]
Topic = Annotated[str, AfterValidator(_topic)]


class Tls(ClientTls):
    """The certificates of a TLS connection. The brokers' certificates and their names are checked."""

    enabled: bool = True
    """Whether the connection is encrypted."""
    key_password: Secret | None = None
    """Password of the private key, if it is encrypted."""


class Sasl(Settings):
    """The user, for brokers that ask for one."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proven. `PLAIN` sends it as it is: only with TLS."""
    username: str = Field(min_length=1)
    """Name of the user."""
    password: Secret
    """The user's password."""


class Cluster(Settings):
    brokers: Annotated[list[Server], Reaches((("kafka", 9092),), bare="kafka")] = Field(
        min_length=1, examples=[["localhost:9092"]]
    )
    """Some brokers of the cluster, as `host:port`; they tell of the others."""
    tls: Tls = Tls(enabled=False)
    """Encryption; `{}` uses the machine's authorities. Default: none."""
    sasl: Sasl | None = None
    """The user. Default: none."""
    client_id: str = Field(default="octo", min_length=1)
    """Name of this client in the brokers' logs, metrics and quotas."""
    delivery_timeout: Annotated[Duration, Advanced] = timedelta(seconds=30)
    """How long a record may wait to be acknowledged, all attempts included. After that its block fails, with an error
    that may pass; the record may have been stored all the same."""

    def advice(self) -> Iterable[tuple[str, str, str]]:
        if self.sasl is not None and self.sasl.mechanism == "PLAIN" and not self.tls.enabled:
            yield "sasl", "`PLAIN` sends the password readable over the network", "add `tls: {}`, or use SCRAM"


class Consume(Taking):
    topics: list[Topic] = Field(min_length=1, examples=[["orders"]])
    """The topics. They must exist."""
    group: str = Field(min_length=1, examples=["billing"])
    """Name of the consumer group. All that read a topic as one group share its partitions, and the group remembers how
    far it is."""
    order: Literal["partition", "key"] = "partition"
    """What is handled one after the other. `partition`: all records of a partition. `key`: those with equal keys; a
    record without a key waits for none."""
    listeners: Annotated[int, Field(ge=1)] = 8
    """At most so many records of this source are under way at once, of all partitions together. The flow's `workers`
    are a limit, too."""
    offset_reset: Literal["earliest", "latest", "error"] = "earliest"
    """Where a group begins that has never read a partition, or whose place was deleted: at the oldest record, behind
    the newest, or not at all. With `latest` that place is committed at once, and a partition that is added while the
    source runs is read from its beginning."""
    max_attempts: Annotated[int | None, Field(ge=1)] = None
    """A record that fails at this attempt, for a reason that may pass, is a dead letter. Default: no limit; the
    partition waits until it succeeds."""
    dead_letter_topic: Topic | None = None
    """Where records go that fail for good, if the flow has no `deadLetter`. Without both the partition stops, and
    health is red, until a person has acted."""
    session_timeout: Annotated[Duration, Advanced] = timedelta(seconds=45)
    """How long the group waits for a process that gives no sign of life, before others get its partitions."""
    instance: Annotated[str, Advanced] = ""
    """A name that only this process has in the group, e.g. that of its pod. If it comes back under this name within
    `sessionTimeout`, it has its partitions at once, and the others notice nothing."""

    @model_validator(mode="after")
    def _is_no_circle(self) -> Consume:
        if self.dead_letter_topic in self.topics:
            raise PydanticCustomError(
                "topic", "`deadLetterTopic` must not be one of `topics`: its records would return"
            )
        return self


class Origin(Settings):
    """Variables of each message."""

    topic: str
    """The record's topic."""
    partition: int
    """Its partition."""
    offset: int
    """Its place in the partition."""
    key: object
    """Its key: a text, bytes if it is none, null if there is none."""
    timestamp: object
    """When it was made or stored, as a timestamp; null if the broker does not know."""
    headers: dict[str, object]
    """Its headers. A name that comes several times has a list."""


class Publish(Giving):
    topic: Expr[str]
    """The topic, e.g. `"orders"`. It must exist."""
    key: Expr[object] | None = None
    """The key: records with equal keys get into one partition, and keep their order. A text or bytes; null for none.
    Default: none."""

    @property
    def effect(self) -> Effect:
        return "once"

    def shape_after(self, before: State) -> State:
        before.of(self.topic)
        before.of(self.key)
        return super().shape_after(before)
