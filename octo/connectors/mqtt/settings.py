"""The settings of an `mqtt` connector, its source and `mqtt-publish`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from octo.core.durations import Duration, OrZero
from octo.core.expressions import Expr
from octo.core.promise import Promise
from octo.core.settings import Advanced, Effect, Reaches, Secret, Settings
from octo.core.state import State
from octo.core.tls import ClientTls
from octo.core.wire import Giving, Taking

TIMEOUT = timedelta(seconds=30)
HEARD = Promise("at least once", ("flow", "acknowledge"))
HEARD_ONCE = Promise("at most once", ("flow",), "with `qos: 0`")
SENT = Promise("at least once", ("send", "confirm"), idempotent="never")
SENT_ONCE = Promise("at most once", ("send",), "with `qos: 0`", "never")
PORTS = {"mqtt": 1883, "tcp": 1883, "mqtts": 8883, "ssl": 8883}
"""The port of each scheme."""

Qos = Literal[0, 1, 2]

_SHARED = re.compile(r"\$share/([^/+#]+)/(.+)")


class Broker(Settings):
    url: Annotated[Secret, Reaches(tuple(PORTS.items()))] = Secret("mqtt://localhost:1883")
    """Where the broker is: `mqtt://host:1883`, or `mqtts://host:8883` for TLS. User and password may stand in it."""
    username: str = ""
    """Name of the user, with `password`."""
    password: Secret | None = None
    """Password of the user, so that the `url` need not be secret."""
    tls: ClientTls | None = None
    """Certificates, for `mqtts://`. By default the machine's authorities are trusted."""
    client_id: str = Field(default="octo", min_length=1, max_length=64, pattern=r"^[!-~]+$")
    """What the broker calls this client. Each source adds a word of its own. It keeps what comes for a source under
    this name, so it must not change, and no other program may have it."""
    keepalive: Annotated[Duration, Advanced] = timedelta(seconds=10)
    """How soon a broker that has gone without a word is noticed: after at most three times as long."""
    version: Annotated[Literal["5", "3.1.1"], Advanced] = "5"
    """The version of the protocol. `3.1.1` has no headers, content types and expiry."""

    @field_validator("version", mode="before")
    @classmethod
    def _is_a_text(cls, version: object) -> object:
        return str(version) if isinstance(version, int | float) and not isinstance(version, bool) else version

    @field_validator("keepalive")
    @classmethod
    def _is_in_seconds(cls, keepalive: timedelta) -> timedelta:
        if not 1 <= keepalive.total_seconds() <= 3600:
            raise PydanticCustomError("keepalive", "it is from 1s to 1h")
        return keepalive

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: Secret) -> Secret:
        try:
            parts = urlsplit(url.get_secret_value())
            is_one = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
            is_one = is_one and not (parts.path.strip("/") or parts.query or parts.fragment)
        except ValueError:  # the port
            is_one = False
        if not is_one:  # it may have a password: it is not quoted
            raise PydanticCustomError("url", "`url` is no address of a broker; write e.g. `mqtt://host:1883`")
        return url

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.password is not None) is not bool(self.username):
            raise PydanticCustomError("auth", "`username` and `password` belong together: set both, or none")
        if self.tls is not None and not self.is_secure:
            raise PydanticCustomError("tls", "`tls` is for `mqtts://`: else passwords are sent without it")
        return self

    @property
    def address(self) -> SplitResult:
        """The parts of the `url`."""
        return urlsplit(self.url.get_secret_value())

    @property
    def is_secure(self) -> bool:
        return PORTS[self.address.scheme] == PORTS["mqtts"]

    @property
    def place(self) -> str:
        """Where it is, for messages. Not as in the `url`, which is masked everywhere."""
        parts = self.address
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"the broker at {host}:{parts.port or PORTS[parts.scheme]}"


class Heard(Settings):
    """The variables of a message."""

    topic: str
    """The topic it was published on."""
    qos: int
    """Its quality of service, as the broker delivers it."""
    retained: bool
    """Whether the broker had kept it, and sends it because the source has subscribed."""
    headers: dict[str, object]
    """Its user properties."""


class Subscribe(Taking):
    topics: list[str] = Field(min_length=1, examples=[["sensors/+/temperature"]])
    """The topics; `+` stands for one level, `#` for the rest. `$share/GROUP/TOPIC` shares the messages among all that
    subscribe with this group, here and elsewhere."""
    qos: Qos = 1
    """0: at most once. 1: at least once. 2: as 1, and the broker sends each message once per connection."""
    session_expiry: Duration = timedelta(days=1)
    """For how long the broker keeps what comes while no process reads. With `version: 3.1.1` the broker decides."""
    listeners: Annotated[int, Field(ge=1, le=65535)] = 64
    """At most so many messages of this source are under way or wait here; the broker keeps the others."""
    key: Expr[str] | None = None
    """Messages with the same key run one at a time and in order, also when one is tried again, e.g. `vars.topic`."""
    timeout: Annotated[Duration, OrZero] = TIMEOUT
    """How long the flow may take for one message; then it is cancelled, and the message is tried again. 0 means the
    default."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """A message that fails at this attempt, for a reason that may pass, is given up. One that would fail again is at
    once."""
    buffer: Annotated[int, Advanced, Field(ge=1)] = 1000
    """With `qos: 0`: at most so many messages wait here for the flow. More are lost: the broker does not keep them."""

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, topics: list[str]) -> list[str]:
        for each in topics:
            if problem := _problem(each):
                raise PydanticCustomError("topic", "{text}: {problem}", {"text": each, "problem": problem})
        if len({bool(_SHARED.fullmatch(each)) for each in topics}) > 1:
            raise PydanticCustomError("topic", "either all topics are shared (`$share/...`), or none is")
        return topics

    def promises(self) -> Promise:
        return HEARD if self.qos else HEARD_ONCE

    @property
    def is_shared(self) -> bool:
        return _SHARED.fullmatch(self.topics[0]) is not None


def _problem(topic: str) -> str:
    shared = _SHARED.fullmatch(topic)
    levels = (shared[2] if shared else topic).split("/")
    if topic.startswith("$share/") and shared is None:
        return "a shared topic is `$share/GROUP/TOPIC`"
    if not topic or "\0" in topic or len(topic.encode(errors="replace")) > 65535:
        return "it is empty, too long, or has a null character"
    if any("+" in each and each != "+" for each in levels) or any("#" in each and each != "#" for each in levels):
        return "`+` and `#` stand for whole levels, e.g. `a/+/b` or `a/#`"
    if "#" in levels[:-1]:
        return "`#` is the last level"
    return ""


class Publish(Giving):
    topic: Expr[str]
    """The topic, e.g. `"sensors/" + body.id + "/set"`."""
    qos: Qos = 1
    """0: nobody confirms it. 1: the block returns once the broker has the message. 2: and the broker takes it once per
    connection."""
    retain: bool = False
    """Whether the broker keeps it as the topic's last message, for who subscribes later. An empty text deletes it."""
    expiry: Annotated[Duration | None, Advanced] = None
    """For how long the broker delivers it to who is away. Default: for ever."""
    timeout: Annotated[Duration, OrZero, Advanced] = timedelta(seconds=10)
    """How long the broker may take to confirm. 0 means the default."""

    def promises(self) -> Promise:
        return SENT if self.qos else SENT_ONCE

    @property
    def effect(self) -> Effect:
        """Who has subscribed gets it once more."""
        return "once"

    def shape_after(self, before: State) -> State:
        before.of(self.topic)
        return super().shape_after(before)
