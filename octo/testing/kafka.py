"""A throw-away Kafka broker in KRaft mode; see `octo.testing.servers`. It needs Java 17 and the jars of the broker."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from octo.testing.servers import PATIENCE, Missing, Server, found, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "4.4.0"
PASSWORD = "correct horse battery"  # noqa: S105  of a broker that lives for one test
_JAVA = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


class Kafka(Server):
    """One node that is broker and controller.

    address: without a password. guarded: the same broker, for the user `octo` with `PASSWORD` (SASL PLAIN, no TLS).
    It creates no topic by itself. A group may be left after one second of silence, so tests need not wait longer.
    """

    program = "java"
    install = "apt install openjdk-17-jre-headless"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._guarded, self._controller = free_port(), free_port()

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """A new, running broker. Raises `Missing` without Java or the jars."""
        jars()
        with super().started() as server:
            yield server
            server.archive()

    @property
    def guarded(self) -> str:
        return f"127.0.0.1:{self._guarded}"

    def create(self, topic: str, partitions: int = 1) -> None:
        """Create a topic, and return once clients can use it."""
        from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # documented there

        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(PATIENCE)
        until = time.monotonic() + PATIENCE
        while len(admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions) < partitions:
            if time.monotonic() > until:
                raise RuntimeError(f"the topic {topic!r} does not come to be: {self.log[-2000:]}")
            time.sleep(0.02)

    def arguments(self) -> list[str]:
        config = self.folder / "server.properties"
        if not config.exists():
            config.write_text(self._properties())
            self._format(config)
        return [*self._java(), "kafka.Kafka", str(config)]

    def _java(self) -> list[str]:
        archive = jars() / "broker.jsa"
        shared = f"-XX:SharedArchiveFile={archive}" if archive.is_file() else f"-XX:ArchiveClassesAtExit={self._made}"
        return [*_JAVA, shared, "-cp", f"{jars()}/*"]

    @property
    def _made(self) -> Path:
        return self.folder / "broker.jsa"

    def archive(self) -> None:
        """Keep the classes of the first broker of a machine: with them the next ones start in half the time."""
        if self._process is None or (jars() / "broker.jsa").is_file():
            return
        self.stop()
        with suppress(OSError):
            part = shutil.copy(self._made, jars() / f"broker.jsa.{self.port}")
            Path(part).replace(jars() / "broker.jsa")

    def _format(self, config: Path) -> None:
        told = [*self._java(), "kafka.tools.StorageTool", "format", "-t", "b2N0by1vY3RvLW9jdG8tbw", "--standalone"]
        java = str(found(self.program, self.install))
        done = subprocess.run(  # noqa: S603  our own arguments
            [java, *told, "-c", str(config)], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        if done.returncode:
            raise RuntimeError(f"Kafka's storage cannot be made: {(done.stderr + done.stdout)[-2000:]}")

    def _properties(self) -> str:
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        return "\n".join(
            (
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.bootstrap.servers=127.0.0.1:{self._controller}",
                "controller.listener.names=CONTROLLER",
                f"listeners=OPEN://{self.address},GUARDED://{self.guarded},CONTROLLER://127.0.0.1:{self._controller}",
                f"advertised.listeners=OPEN://{self.address},GUARDED://{self.guarded}",
                "listener.security.protocol.map=OPEN:PLAINTEXT,GUARDED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name=OPEN",
                "sasl.enabled.mechanisms=PLAIN",
                f'listener.name.guarded.plain.sasl.jaas.config={login} user_octo="{PASSWORD}";',
                f"log.dirs={self.folder / 'data'}",
                "auto.create.topics.enable=false",
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=1",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "transaction.state.log.num.partitions=1",
                "group.initial.rebalance.delay.ms=0",
                "group.min.session.timeout.ms=1000",
                "log.flush.interval.messages=1",  # on disk before it is acknowledged, as a test of kills expects
                "",
            )
        )


def jars() -> Path:
    """The folder with the jars of the broker, which `scripts/setup.sh dev` fetches. Raises `Missing` without them."""
    place = Path.home() / ".cache" / "octo" / f"kafka-{VERSION}"
    if not (place / f"kafka_2.13-{VERSION}.jar").is_file():
        raise Missing(f"no Kafka broker in {place}; get it with Java 17, Maven and `scripts/setup.sh dev`")
    return place
