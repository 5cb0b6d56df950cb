"""Connectors, sources and blocks get the services that their annotations ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import pytest

from octo import Block, Delivery, Expr, Inlet, Message, Outcome, Permanent, Settings, block, connector, source
from octo.config.load import parse
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.core.plugins import Plugins
from octo.core.port import port
from octo.engine.invoke import invoke
from octo.engine.service import Service
from octo.engine.services import open_services
from octo.services.container import MEMORY, Services, Unavailable
from octo.services.memory import secrets
from octo.services.ports import KeyValue, Queues, Secrets, Topics
from octo.testing.harness import running
from octo.testing.probe import probes


class Nothing(Settings):
    pass


class Key(Settings):
    key: Expr[str]
    """Under which key."""


@block("remember")
async def remember(settings: Key, message: Message, store: KeyValue) -> Message:
    await store.put("test", settings.key(message), message.body)
    return message


@block("recall")
def recall(settings: Key, message: Message, *, store: KeyValue) -> Block[Outcome]:
    entry = yield store.get("test", settings.key(message))
    return message.with_body(entry and entry.value)


@block("enqueue")
async def enqueue(settings: Nothing, message: Message, jobs: Queues, events: Topics) -> Message:
    await jobs.send("jobs", message.body)
    await events.publish("jobs", message.body)
    return message


@connector("worker")
class Worker:
    """A connector that works on jobs and keeps the password that it was opened with."""

    def __init__(self, password: str, store: KeyValue) -> None:
        self.password = password
        self.store = store

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing, secrets: Secrets, store: KeyValue) -> AsyncIterator[Worker]:
        yield cls((await secrets.read("password")).get_secret_value(), store)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Nothing, stub: Nothing, store: KeyValue) -> AsyncIterator[Worker]:
        yield cls("stubbed", store)

    @source("jobs")
    async def jobs(self, settings: Nothing, jobs: Queues) -> AsyncIterator[Delivery]:
        while True:
            for received in await jobs.receive("jobs", wait=60):

                async def settle(verdict, received=received):
                    await jobs.ack(received)

                yield Delivery(Message(received.value), settle)

    @source("events")
    @asynccontextmanager
    async def events(self, settings: Nothing, inlet: Inlet, topics: Topics) -> AsyncIterator[None]:
        await topics.publish("entered", inlet.flow)
        yield

    @block("password")
    async def password_of(self, settings: Nothing, message: Message, store: KeyValue) -> Message:
        return message.with_body([self.password, store is self.store])


@port("ledger")
class Ledger(Protocol):
    async def book(self, amount: int) -> int: ...


@block("book")
async def book(settings: Nothing, message: Message, ledger: Ledger) -> Message:
    return message.with_body(await ledger.book(message.body))


COMPONENTS = (remember, recall, enqueue, Worker, book)

STATE = """
flows:
  - name: put
    process: [{type: remember, settings: {key: '"k"'}}]
  - name: get
    process:
      - type: if
        condition: "true"
        then: [{type: recall, settings: {key: '"k"'}}]
"""


@pytest.fixture
def known(plugins):
    return plugins.joined(Plugins.of(COMPONENTS))


def opened(**more):
    return Services({**MEMORY, "secrets": partial(secrets.opened, {"password": "hunter2-hunter2"}), **more})


async def test_blocks_are_handed_services(known):
    """Functions and generators, at any depth, and all the same one."""
    async with running(STATE, known) as app:
        assert (await app.call("get")).body is None
        await app.call("put", {"a": b"\x00"})
        assert (await app.call("get")).body == {"a": b"\x00"}


WORKER = """
connectors: [{name: w, type: worker}, {name: p, type: probe}]
flows:
  - name: send
    process: [{type: enqueue}]
  - name: work
    source: {connector: w, type: jobs}
    process: [{type: note, connector: p, value: body}]
  - name: hear
    source: {connector: w, type: events}
  - name: ask
    process: [{type: password, connector: w}]
"""


async def test_connectors_and_sources_are_handed_services(known):
    """A connector when it is opened, its methods when they are called: pull and push sources, and blocks."""
    async with opened() as services:
        await services.open(["topics"])
        topics = services.handed({"it": "topics"})["it"]
        async with topics.subscribe("entered") as entered, running(WORKER, known, services=services) as app:
            assert (await app.call("ask")).body == ["hunter2-hunter2", True]
            assert (await anext(entered)).value == "hear"
            await app.call("send", 7)
            while probes["probe"].notes != [7]:
                await asyncio.sleep(0)


async def test_a_stub_is_handed_its_own_services(known):
    """A service that only the real connector asks for is not opened, so a test need not provide it."""
    without_secrets = Services({name: MEMORY[name] for name in ("key-value", "queues", "topics")})
    async with (
        without_secrets as services,
        running(WORKER, known, stubs={"w": {}}, services=services) as app,
    ):
        assert (await app.call("ask")).body == ["stubbed", True]


async def test_a_service_is_opened_once_and_only_when_asked_for(known):
    """A flow without services opens none; two that ask for the same share it, also over calls."""
    happened = []

    @asynccontextmanager
    async def counted(name):
        happened.append(f"open {name}")
        yield object()
        happened.append(f"close {name}")

    openers = {name: partial(counted, name) for name in MEMORY}
    async with Services(openers) as services:
        config = parse("flows: [{name: f}]", known, {})
        await invoke(config, "f", Message(), 5, services=services)
        assert happened == []

        config = parse("flows: [{name: f, process: [{type: enqueue}]}, {name: g}]", known, {})
        await invoke(config, "g", Message(), 5, services=services)
        assert happened == []
        for _ in range(2):
            with pytest.raises(Failure):
                await invoke(config, "f", Message(), 5, services=services)
        assert happened == ["open queues", "open topics"]
    assert happened == ["open queues", "open topics", "close topics", "close queues"]


async def test_what_was_kept_outlives_a_reload(known):
    """Services belong to the process: an edit keeps what flows have stored."""
    texts = [STATE, STATE.replace("name: put", "name: put2"), "flows: []", STATE]
    ready, stop = asyncio.Event(), asyncio.Event()
    service = Service(lambda: parse(texts[0], known, {}), ready=lambda _: ready.set())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run(stop))
        await ready.wait()
        await service.current.flows["put"].call(Message("kept"))
        for text in texts[1:]:
            texts[0] = text
            await service._swap(parse(text, known, {}))
        outcome = await service.current.flows["get"].call(Message())
        stop.set()

    assert outcome.body == "kept"


BOOK = """
connectors: [{name: w, type: worker}]
flows:
  - name: f
    source: {connector: w, type: jobs}
    process:
      - type: if
        condition: "true"
        then: [{type: book}]
"""


async def refused(text, known, services):
    async def run():
        async with services, running(text, known, services=services):
            pass

    with pytest.raises((ConfigError, Unavailable)) as caught:
        await run()
    return caught.value


async def test_services_that_are_not_there_are_all_named(known):
    """Each with the place of the component that asks, and the services there are; nothing is opened."""
    error = await refused(BOOK, known, Services({"key-value": MEMORY["key-value"], "queue": "nowhere:opened"}))

    assert isinstance(error, ConfigError)
    assert [(str(each.at), each.code, each.message, each.hint) for each in error.problems] == [
        (
            "flow.yaml:2:14",
            "OCTO-P102",
            "the connector `w` asks for the service `secrets`, which nothing provides here",
            "there are: key-value, queue",
        ),
        (
            "flow.yaml:5:13",
            "OCTO-P102",
            "the source of the flow `f` asks for the service `queues`, which nothing provides here",
            "did you mean `queue`? there are: key-value, queue",
        ),
        (
            "flow.yaml:9:16",
            "OCTO-P102",
            "the block `f.if[then].book` asks for the service `ledger`, which nothing provides here",
            "there are: key-value, queue",
        ),
    ]


async def test_a_service_that_does_not_open_is_named(known):
    """With the reason; nothing runs."""

    @asynccontextmanager
    async def broken():
        raise Permanent("the file is no database")
        yield

    error = await refused(STATE, known, Services({"key-value": broken}))

    assert isinstance(error, Unavailable)
    assert (error.code, str(error)) == (
        "OCTO-P101",
        "the service `key-value` did not start: the file is no database",
    )


async def test_others_run_while_a_large_configuration_is_looked_through(known):
    """A reload visits every block; other tasks get their turn after each flow."""
    config = parse("flows: [" + ", ".join(f"{{name: f{number}}}" for number in range(20)) + "]", known, {})
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.get_running_loop().create_task(count())
    await open_services(config, Services())
    counting.cancel()

    assert turns >= 20


async def test_a_port_of_somebody_else(known):
    """A package brings a port and a provider of its own, and nothing in Octo knows of either."""

    class Sum:
        total = 0

        async def book(self, amount):
            self.total += amount
            return self.total

    @asynccontextmanager
    async def ledger():
        yield Sum()

    text = "flows: [{name: f, process: [{type: book}]}]"
    async with opened(ledger=ledger) as services, running(text, known, services=services) as app:
        await app.call("f", 3)
        assert (await app.call("f", 4)).body == 7


ODD = """
from __future__ import annotations
from typing import TYPE_CHECKING
from octo import Message, Settings, block

if TYPE_CHECKING:
    from octo.services.ports import KeyValue

class Nothing(Settings):
    pass

@block("odd")
async def odd(settings: Nothing, message: Message, store: KeyValue) -> Message: ...
"""


def test_a_component_whose_annotation_says_nothing_is_refused_with_its_place(plugins, tmp_path, monkeypatch):
    """The error says which component it is, and what its author must write, without a traceback."""
    (tmp_path / "octo_odd_package.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    text = "flows: [{name: f, process: [{type: odd}]}]"

    with pytest.raises(ConfigError) as caught:
        parse(text, plugins.joined(Plugins({}, {"odd": "octo_odd_package:odd"})), {})

    assert str(caught.value).startswith(
        "flow.yaml:1:36: OCTO-C153: the block type `odd` cannot be loaded: TypeError: "
        "odd: the annotation of `store` is `KeyValue`, and there is no `KeyValue` at run time; import it at the top of "
    )
