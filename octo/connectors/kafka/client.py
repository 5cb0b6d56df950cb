"""The client library, librdkafka: how it is configured, and what its errors mean. No other module names its errors.

Invariant: no text that is written here contains a password.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octo.connectors.kafka import codes
from octo.connectors.kafka.settings import Cluster, Consume
from octo.core.errors import Disconnected, OctoError, Permanent, Timeout, Transient
from octo.core.log import fields

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

log = logging.getLogger("octo.kafka")

MIB = 1024 * 1024
MOST_SENT = 64 * MIB
"""Bytes of a record, at most, whatever the topic takes; and about the bytes that wait to be sent."""
MOST_READ = 16 * MIB
"""Bytes that are read ahead for one source."""
TOLD = 30.0
"""Seconds for which trouble that was logged is not logged again."""

_TOPIC = {"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"}
_LOGIN = {"_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE", "_SSL"}
_UNFIT = {
    *("MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "TOPIC_EXCEPTION", "INVALID_RECORD", "INVALID_MSG_SIZE"),
    *("INVALID_MSG", "POLICY_VIOLATION", "_INVALID_ARG"),
}
_FOR_GOOD = ((_TOPIC, codes.NO_TOPIC), (_UNFIT, codes.UNFIT), (("_AUTO_OFFSET_RESET",), codes.NO_OFFSET))
_LATE = ("_MSG_TIMED_OUT", "REQUEST_TIMED_OUT", "_TIMED_OUT")
_AWAY = ("_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE")


class _Log:
    """Where the library writes: it tells of each attempt to connect, which only its experts want to read."""

    def log(self, _: int, text: str, *arguments: object) -> None:
        log.debug("librdkafka: %s", text % arguments if arguments else text)


class Trouble:
    """What the library says is wrong with the connection; used by one thread. It says so at each attempt to connect."""

    def __init__(self, brokers: str) -> None:
        self.text = ""
        self._brokers = brokers
        self._told = -TOLD

    def note(self, error: KafkaError) -> None:
        """Keep the text, and log it if that was not done just now."""
        if error.name() != "_ALL_BROKERS_DOWN":
            self.text = error.str()
        self.text = self.text or f"{error.str()}, or close the connection, as those do that want TLS or SASL"
        now = time.monotonic()
        level = logging.WARNING if now - self._told >= TOLD else logging.DEBUG
        log.log(level, "trouble with a Kafka cluster", extra=fields(brokers=self._brokers, error=self.text))
        if level == logging.WARNING:
            self._told = now


def connection(settings: Cluster) -> dict[str, Any]:
    """The configuration that producers and consumers have in common."""
    found: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.brokers),
        "client.id": settings.client_id,
        "security.protocol": _protocol(settings),
        "socket.timeout.ms": 10_000,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2_000,
        "allow.auto.create.topics": False,
        "logger": _Log(),
    }
    tls, sasl = settings.tls, settings.sasl
    if tls.enabled:
        paths = {"ssl.ca.location": tls.ca, "ssl.certificate.location": tls.cert, "ssl.key.location": tls.key}
        found |= {key: _file(path) for key, path in paths.items() if path is not None}
        found["enable.ssl.certificate.verification"] = not tls.insecure_skip_verify
        if tls.key_password is not None:
            found["ssl.key.password"] = tls.key_password.get_secret_value()
    if sasl is not None:
        found |= {"sasl.mechanism": sasl.mechanism, "sasl.username": sasl.username}
        found["sasl.password"] = sasl.password.get_secret_value()
    return found


def _file(path: Path) -> str:
    if not path.is_file():
        raise Permanent(f"`tls` names {str(path)!r}, which is no file", code=codes.REFUSED)
    return str(path)


def _protocol(settings: Cluster) -> str:
    security = "SSL" if settings.tls.enabled else "PLAINTEXT"
    return security if settings.sasl is None else f"SASL_{security}"


def producer(settings: Cluster) -> dict[str, Any]:
    """Acknowledged by all replicas that are in step, stored once, in the order of sending."""
    return {
        **connection(settings),
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 5,
        "message.max.bytes": MOST_SENT,  # what is too large is for the topic to say
        "queue.buffering.max.kbytes": MOST_SENT // 1024,
        "message.timeout.ms": round(settings.delivery_timeout.total_seconds() * 1000),
        "topic.metadata.propagation.max.ms": 5_000,
    }


def consumer(cluster: Cluster, settings: Consume) -> dict[str, Any]:
    """A member of the group that commits only what it is told to."""
    session = round(settings.session_timeout.total_seconds() * 1000)
    found = {
        **connection(cluster),
        "group.id": settings.group,
        "session.timeout.ms": session,
        "heartbeat.interval.ms": max(100, min(3_000, session // 4)),
        "max.poll.interval.ms": max(300_000, session),
        "partition.assignment.strategy": "cooperative-sticky",
        "auto.offset.reset": settings.offset_reset,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "queued.max.messages.kbytes": MOST_READ // 1024,
        "fetch.max.bytes": MOST_READ,
        "fetch.wait.max.ms": 500,
    }
    if settings.instance:
        found["group.instance.id"] = settings.instance
    return found


# --- errors ------------------------------------------------------------------------------------------------------


def failure(error: KafkaError, doing: str) -> OctoError:
    """What an error of the library means for a message or a source. doing: what it ended, e.g. `publish to "x"`."""
    name, said = error.name(), f"{doing}: {error.str()}"
    if is_fatal(error):
        if "fenced" in error.str():
            return Permanent(f"{said}; each process needs an `instance` of its own", code=codes.FENCED)
        return Disconnected(said)
    if is_refusal(error):
        return Permanent(said, code=codes.REFUSED)
    for names, code in _FOR_GOOD:
        if name in names:
            return Permanent(said, code=code)
    if name in _LATE:
        return Timeout(said, code=codes.UNACKNOWLEDGED)
    return Transient(said, code=codes.UNREACHABLE if name in _AWAY else None)


def is_fatal(error: KafkaError) -> bool:
    """Whether the client is of no more use."""
    return error.fatal() or error.name() == "_FATAL"


def is_refusal(error: KafkaError) -> bool:
    """Whether the cluster refuses this client, or this client the cluster's certificate."""
    return error.name() in _LOGIN or error.name().endswith("_AUTHORIZATION_FAILED")


def is_passing(error: KafkaError) -> bool:
    """Whether the library goes on by itself after this error: the source need not be told."""
    return not (is_fatal(error) or error.name() in _TOPIC or is_refusal(error) or error.name() == "_AUTO_OFFSET_RESET")
