"""`check_connector` accepts good connectors, and says for each fault what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
import warnings
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel

from octo import (
    Delivery,
    Expr,
    Idle,
    Inlet,
    KeyValue,
    Message,
    Permanent,
    Promise,
    Retry,
    Secret,
    Settings,
    Transient,
    block,
    connector,
    source,
)
from octo.connectors.cron import Cron
from octo.connectors.database import Database
from octo.connectors.http import Http
from octo.connectors.http_client import HttpClient
from octo.connectors.kafka import Kafka
from octo.connectors.logger import Logger
from octo.testing import Nonconforming, check_connector, virtual
from octo.testing.broker import Broker, Client, brokers
from octo.testing.kafka import PASSWORD

# --- what ships --------------------------------------------------------------------------------------------------


async def test_cron():
    """A clock cannot be fed."""
    await check_connector(Cron, sources={"cron": {"schedule": "@hourly"}}, without={"cron"})


async def test_http(tmp_path):
    """Every request is answered, whatever the flow does with it."""

    async def get(server: Http, path: str = "/orders") -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}{path}"):
            pass

    async def get_file(server: Http) -> None:
        await get(server, "/files/")

    (tmp_path / "index.html").write_text("a")
    settings = {"host": "127.0.0.1", "port": 0}
    sources = {"http": {"path": "/orders"}, "static": {"path": "/files", "folder": str(tmp_path)}}
    await check_connector(Http, settings, sources=sources, feed={"http": get, "static": get_file})


async def greet(_: web.Request) -> web.Response:
    return web.json_response({"hello": "world"})


async def test_http_client():
    """The token that it sends is printed nowhere."""
    app = web.Application()
    app.router.add_get("/", greet)
    async with TestServer(app, host="127.0.0.1") as server:
        blocks = {"rest": {"path": "/"}, "rest-dynamic": {"method": '"GET"', "path": '"/"'}}
        settings = {"baseURL": str(server.make_url("/")), "auth": {"type": "bearer", "token": "correct horse"}}
        await check_connector(HttpClient, settings, blocks=blocks)


async def test_database(tmp_path):
    """With SQLite: the file is closed."""
    settings = {"driver": "sqlite", "dsn": str(tmp_path / "orders.db")}
    stub = {"answers": [{"rows": [{"n": 1}]}]}
    await check_connector(Database, settings, blocks={"sql": {"query": "select 1 as n"}}, stub=stub)


async def test_kafka(kafka):
    """A record that was rejected is in the topic of dead letters."""
    for topic in ("checked", "checked-dead"):
        await asyncio.to_thread(kafka.create, topic)

    async def feed(connector: Kafka) -> None:
        await connector._sender.send("checked", b"1", None, [])

    await check_connector(
        Kafka,
        {"brokers": [kafka.guarded], "sasl": {"mechanism": "PLAIN", "username": "octo", "password": PASSWORD}},
        sources={"kafka": {"topics": ["checked"], "group": "checked", "deadLetterTopic": "checked-dead"}},
        blocks={"kafka-publish": {"topic": "'checked-dead'"}},
        feed={"kafka": feed},
        patience=30.0,
        quiet=2.0,
    )


async def test_logger(tmp_path):
    """The file that it opens is closed."""
    await check_connector(Logger, {"output": str(tmp_path / "log")}, blocks={"log": {"message": '"hello"'}})


@virtual()
async def test_the_broker_of_the_test_kit():
    """The fake broker has the verbs of a real one, and keeps its promises."""
    brokers["mq"] = broker = Broker()

    async def publish(_: object) -> None:
        broker.publish({"order": 1})

    try:
        await check_connector(
            Client,
            blocks={"broker-publish": {"value": "body"}},
            feed={"queue": publish},
            without={"stub"},
        )
    finally:
        del brokers["mq"]


# --- a good one --------------------------------------------------------------------------------------------------


class Letter(NamedTuple):
    text: str
    attempt: int = 1


class Post:
    """The other system: letters that wait, and letters that were taken and not yet signed for."""

    def __init__(self) -> None:
        self.waiting: deque[Letter] = deque()
        self.taken: list[Letter] = []

    def take(self) -> Letter:
        letter = self.waiting.popleft()
        self.taken.append(letter)
        return letter

    def hang_up(self) -> None:
        """End the carrier's visit: letters that nobody signed for wait again."""
        self.waiting.extend(letter._replace(attempt=letter.attempt + 1) for letter in self.taken)
        self.taken.clear()


POST = Post()


@pytest.fixture(autouse=True)
def _tidy():
    POST.__init__()


class Office(Settings):
    """Where letters and pigeons go."""

    key: Secret
    """Opens the door."""


class Nothing(Settings):
    """Nothing to say."""


class Note(Settings):
    """What a pigeon carries."""

    text: Expr[object]
    """What to write."""


class Arrival(Settings):
    """Something arrives."""

    text: str = "coo"
    """What it says."""


def init(self, stubbed: bool = False) -> None:
    self.stubbed = stubbed
    self.inlets = []
    self.by_hand = asyncio.Queue()


@asynccontextmanager
async def open_(cls, settings: Office) -> AsyncIterator[object]:
    try:
        yield cls()
    finally:
        POST.hang_up()


@asynccontextmanager
async def stub(cls, settings: Office, stub: Nothing) -> AsyncIterator[object]:
    yield cls(stubbed=True)


async def trigger(self, source: Nothing, spec: Arrival) -> object:
    if self.inlets:
        return await land(self, spec.text)
    await self.by_hand.put(spec.text)
    await asyncio.sleep(1)
    return None


async def land(self, text: str = "coo") -> object:
    """Land a pigeon. Its sender does not see failures."""
    with contextlib.suppress(Exception):
        result = self.inlets[-1].call(Message(text))
        return result.body if isinstance(result, Message) else (await result).body


@source("perch", guarantee="answered", steps=("flow", "reply"))
@asynccontextmanager
async def perch(self, settings: Nothing, inlet: Inlet) -> AsyncIterator[None]:
    """A pigeon that lands brings a message."""
    self.inlets.append(inlet)
    try:
        yield
    finally:
        self.inlets.remove(inlet)


async def post(connector: object) -> None:
    POST.waiting.append(Letter("dear"))


@source("letters", guarantee="at least once", steps=("flow", "acknowledge"))
async def letters(self, settings: Nothing) -> AsyncIterator[Delivery]:
    """Letters, at least once."""
    while self.stubbed:
        yield Delivery(Message(await self.by_hand.get()))
    while True:
        while POST.waiting:
            letter = POST.take()
            yield Delivery(Message(letter.text), partial(settle, letter), attempt=letter.attempt, most_attempts=9)
        yield Idle()
        await asyncio.sleep(0.1)


async def settle(letter: Letter, verdict: object) -> None:
    POST.taken.remove(letter)
    if isinstance(verdict, Retry):
        POST.waiting.append(letter._replace(attempt=letter.attempt + 1))


@block("send", guarantee="answered", steps=("send", "confirm"))
async def send(self, settings: Note, message: Message) -> Message:
    """Send a pigeon."""
    await asyncio.sleep(0)
    return message.with_body(settings.text(message))


GOOD = {
    "__doc__": "Letters and pigeons.",
    "__init__": init,
    "open": classmethod(open_),
    "stub": classmethod(stub),
    "trigger": trigger,
    "perch": perch,
    "letters": letters,
    "send": send,
}
GIVEN = {
    "settings": {"key": "correct horse"},
    "blocks": {"send": {"text": "body.text"}},
    "message": {"text": "hello"},
    "feed": {"perch": land, "letters": post},
    "patience": 2.0,
}


def office(**changed):
    """The good connector with some members replaced, or left out where they are None."""
    members = {name: member for name, member in {**GOOD, **changed}.items() if member is not None}
    return connector("office")(type("Office", (), members))


async def problems(given=None, **changed) -> list[str]:
    """The problems that the check finds in a connector with these changes."""
    with pytest.raises(Nonconforming) as caught:
        await check_connector(office(**changed), **{**GIVEN, **(given or {})})
    return caught.value.problems


@virtual()
async def test_a_good_connector_passes():
    """The good connector has no problems, so each fault below is the cause of its message."""
    await check_connector(office(), **GIVEN)


@block("send", guarantee="answered", steps=("send", "confirm"))
def undocumented(self, settings: Note, message: Message) -> Message:
    return message


@virtual()
async def test_all_that_is_wrong_is_reported_at_once():
    """One exception with a list; its text has a line for each."""
    with pytest.raises(Nonconforming) as caught:
        await check_connector(office(send=undocumented, stub=None), **GIVEN)

    assert str(caught.value).splitlines() == [
        "`office` breaks 2 of the promises that a connector makes:",
        "- the block `send` has no docstring: say what it does and what it guarantees",
        "- it has no stub, so no test can run its flows: add a classmethod `stub`, or say without={'stub'}",
    ]


async def test_a_class_that_is_not_marked():
    """A class that is not a connector is refused."""
    with pytest.raises(Nonconforming, match="mark the class with @connector"):
        await check_connector(Office)


# --- one fault each: declaration ---------------------------------------------------------------------------------


class Undocumented(Settings):
    """A note."""

    text: Expr[object]


class Loose(BaseModel):
    """Takes anything."""

    text: str = ""
    """What to write."""


class Outer(Settings):
    """A note in an envelope."""

    text: Expr[object]
    """What to write."""
    inside: Loose = Loose()
    """The envelope."""


class Plain(Settings):
    """A note, sealed."""

    text: Expr[object]
    """What to write."""
    seal_password: str = ""
    """Opens the seal."""


class Shapeless(Settings):
    """A note."""

    text: Expr[object]
    """What to write."""

    def shapes_after(self, before):
        return before


def sending(model):
    """The block `send` with other settings."""

    async def send(self, settings, message):
        """Send a pigeon."""
        return message.with_body(settings.text(message))

    send.__annotations__["settings"] = model
    return block("send", guarantee="answered", steps=("send", "confirm"))(send)


@source("perch", guarantee="answered", steps=("flow", "reply"))
async def not_entered(self, settings: Nothing, inlet: Inlet) -> None:
    """Returns at once."""


@source("letters", guarantee="at least once", steps=("flow", "acknowledge"))
async def not_yielding(self, settings: Nothing) -> AsyncIterator[Delivery]:
    """Returns what it should yield."""
    return iter(())


@source("letters", guarantee="at least once", steps=("acknowledge", "flow"))
async def acknowledged(self, settings: Nothing) -> AsyncIterator[Delivery]:
    """Letters, gone before they are read."""
    async for each in letters(self, settings):
        yield each


@source("letters", steps=("flow",), instead=(Promise("at least once", ("flow", "acknowledge"), "with `pen`"),))
async def undecided(self, settings: Nothing) -> AsyncIterator[Delivery]:
    """Letters."""
    async for each in letters(self, settings):
        yield each


@block("send")
def unpromised(self, settings: Note, message: Message) -> Message:
    """Send a pigeon."""
    return message


async def health(self) -> None:
    """Well."""


DECLARED = {
    "a field": (
        {"send": sending(Undocumented)},
        "Undocumented.text of the block `send` is not documented: write a string under the field",
    ),
    "any key": (
        {"send": sending(Outer)},
        "Loose of the block `send` takes any key: derive it from octo.Settings, which refuses typos",
    ),
    "a plain password": (
        {"send": sending(Plain)},
        "Plain.seal_password of the block `send` is plain text that gets printed: make it an octo.Secret",
    ),
    "a power of settings": (
        {"send": sending(Shapeless)},
        "Shapeless.shapes_after of the block `send` does nothing: did you mean `shape_after`?",
    ),
    "a power": ({"heath": health}, "`heath` does nothing: did you mean `health`?"),
    "a power that must be asynchronous": ({"health": lambda self: None}, "`health` must be an `async def`"),
    "a power of the class": (
        {"conflicts": lambda self, sources: []},
        "`conflicts` must be a classmethod: it is called before anything is opened",
    ),
    "no trigger": (
        {"trigger": None},
        "its sources cannot be triggered in tests: add a method `trigger`, or say without={'trigger'}",
    ),
    "a push source": (
        {"perch": not_entered},
        "the source `perch` cannot be entered: put @asynccontextmanager below @source, and yield once",
    ),
    "a pull source": (
        {"letters": not_yielding},
        "the source `letters` yields nothing: a pull source is an `async def` that yields deliveries",
    ),
    "a source that acknowledges too early": (
        {"letters": acknowledged},
        "the source `letters` promises `at least once`, but `acknowledge` comes before `flow`: a crash loses it",
    ),
    "a promise that is never chosen": (
        {"letters": undecided},
        "the source `letters` declares several promises, but its settings do not choose: give them `promises()`",
    ),
    "a sink without a promise": (
        {"send": unpromised},
        "the block `send` promises nothing: write @block(..., guarantee=..., steps=..., idempotent=...)",
    ),
}


@pytest.mark.parametrize("fault", DECLARED)
@virtual()
async def test_a_declaration(fault):
    """The first problem names what is missing or misspelt."""
    changed, told = DECLARED[fault]

    assert (await problems(**changed))[0] == told


# --- one fault each: life ----------------------------------------------------------------------------------------


def opening(body):
    """An `open` from an async generator function."""
    body.__annotations__["settings"] = Office
    return classmethod(asynccontextmanager(body))


def fault_of_open(told):
    def mark(body):
        LIFE[body.__name__] = ({"open": opening(body)}, told)
        return body

    return mark


LIFE = {}


async def sick(self) -> None:
    raise Transient("nobody is in the office")


async def broken_health(self) -> None:
    raise KeyError("door")


LIFE["sick"] = (
    {"health": sick},
    "it says right after opening that it does not work: Transient: nobody is in the office",
)
LIFE["health that breaks"] = (
    {"health": broken_health},
    "`health` raises KeyError: 'door': raise octo.Transient with what does not work",
)


@fault_of_open("it does not open twice in a row with the settings given: Permanent: the lock is worn out")
async def once_only(cls, settings):
    if hasattr(cls, "worn"):
        raise Permanent("the lock is worn out")
    cls.worn = True
    yield cls()


@fault_of_open("`open` raises KeyError: 'door': raise octo.Permanent or octo.Transient with what to do")
async def a_bug(cls, settings):
    raise KeyError("door")
    yield


@fault_of_open("it does not open and close within `patience`: give what it waits for a deadline")
async def never(cls, settings):
    await asyncio.Event().wait()
    yield


@fault_of_open("`open` yields the object that was closed before: make a new one each time")
async def the_same(cls, settings):
    if not hasattr(cls, "only"):
        cls.only = cls()
    yield cls.only


@fault_of_open("`open` swallows errors from inside: use `try ... finally` around `yield`, not `except`")
async def swallows(cls, settings):
    with contextlib.suppress(Exception):
        yield cls()


@fault_of_open("closing after an error raises another: ValueError: broken key")
async def hides(cls, settings):
    try:
        yield cls()
    except Exception as error:
        raise ValueError("broken key") from error


@fault_of_open("opening continues after it is cancelled: let CancelledError through")
async def goes_on(cls, settings):
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)
    yield cls()


@fault_of_open("opening and closing leaves a task behind (Event.wait): own it with a TaskGroup inside `open`")
async def leaves_a_task(cls, settings):
    instance = cls()
    instance.task = asyncio.get_running_loop().create_task(asyncio.Event().wait())
    yield instance


@fault_of_open(
    "opening and closing loses an error in the event loop (Task exception was never retrieved: "
    "ValueError('nobody hears')): await what you start"
)
async def loses_an_error(cls, settings):
    async def fails():
        raise ValueError("nobody hears")

    asyncio.get_running_loop().create_task(fails())
    yield cls()


@fault_of_open("opening and closing warns: unclosed door; close it, or await it, before `open` is left")
async def leaves_open(cls, settings):
    warnings.warn("unclosed door", ResourceWarning, stacklevel=1)
    yield cls()


@fault_of_open(
    "opening and closing blocks the event loop (time.sleep), which stops all flows: await an asynchronous call, or "
    "use `asyncio.to_thread`"
)
async def sleeps(cls, settings):
    time.sleep(0)
    yield cls()


@fault_of_open(
    "opening and closing blocks the event loop (socket.connect), which stops all flows: await an asynchronous call, "
    "or use `asyncio.to_thread`"
)
async def connects(cls, settings):
    with socket.socket(socket.AF_UNIX) as there, contextlib.suppress(OSError):
        there.connect("/nowhere/at/all")
    yield cls()


@pytest.mark.parametrize("fault", LIFE)
@virtual()
async def test_opening_and_closing(fault):
    """Each mistake in opening or closing has its own message."""
    changed, told = LIFE[fault]

    assert told in await problems(**changed)


# --- one fault each: secrets -------------------------------------------------------------------------------------

LEAVE_OUT = "leave it out, and read `.get_secret_value()` only where it is sent"


@fault_of_open(f"a secret stands in the repr of the connector: {LEAVE_OUT}")
async def shows(cls, settings):
    instance = cls()
    type(instance).__repr__ = lambda self: f"<Office {settings.key.get_secret_value()}>"
    yield instance


@fault_of_open(f"a secret stands in an error of opening: {LEAVE_OUT}")
async def raises(cls, settings):
    raise Permanent(f"the key {settings.key.get_secret_value()} does not fit")
    yield


@fault_of_open(f"a secret stands in the log of opening and closing: {LEAVE_OUT}")
async def logs(cls, settings):
    logging.getLogger("octo.office").warning("opened with %s", settings.key.get_secret_value())
    yield cls()


SECRETS = {name: LIFE.pop(name) for name in ("shows", "raises", "logs")}


@pytest.mark.parametrize("fault", SECRETS)
@virtual()
async def test_secrets(fault):
    """A secret is found wherever it may be printed, also if the connector cannot be opened."""
    changed, told = SECRETS[fault]

    assert told in await problems(**changed)


# --- one fault each: sources -------------------------------------------------------------------------------------

PULL = {}
PUSH = {}


def fault_of_letters(told):
    def mark(read):
        async def letters(self, settings: Nothing) -> AsyncIterator[object]:
            """Letters."""
            while self.stubbed:
                yield Delivery(Message(await self.by_hand.get()))
            async for each in read(self):
                yield each

        letters.__annotations__["settings"] = Nothing
        PULL[read.__name__] = ({"letters": source("letters")(letters)}, f"the source `letters` {told}")
        return read

    return mark


async def each_letter(make):
    """The letters, each with this function as its `settle`."""
    while True:
        while POST.waiting:
            yield make(POST.take())
        await asyncio.sleep(0.1)


def fault_of_settling(told):
    def mark(settle):
        @fault_of_letters(told)
        async def read(self):
            def make(letter):
                return Delivery(Message(letter.text), partial(settle, letter), attempt=letter.attempt, most_attempts=9)

            async for each in each_letter(make):
                yield each

        PULL[settle.__name__] = PULL.pop("read")
        return settle

    return mark


@fault_of_letters("continues after it is cancelled: let CancelledError through")
async def stubborn(self):
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()
    yield


@fault_of_letters("does not bring what it was fed within `patience`")
async def silent(self):
    await asyncio.Event().wait()
    yield


@fault_of_letters("yields a str: yield octo.Delivery(message, settle)")
async def bare(self):
    async for each in each_letter(lambda letter: letter.text):
        yield each


@fault_of_letters("delivers a str: make it an octo.Message with that as its body")
async def half_bare(self):
    async for each in each_letter(lambda letter: Delivery(letter.text, partial(settle, letter))):
        yield each


@fault_of_letters("never learns what became of a message: its docstring must say `at most once`")
async def forgetful(self):
    async for each in each_letter(lambda letter: Delivery(Message(letter.text))):
        yield each


@fault_of_letters("raises KeyError: 'door': raise octo.Permanent or octo.Transient with what to do")
async def locked(self):
    raise KeyError("door")
    yield


@fault_of_letters("raises Permanent: the door is locked")
async def refused(self):
    raise Permanent("the door is locked")
    yield


@fault_of_letters(
    "loses a message that was taken and never settled, as after a crash: remove it from the other system in `settle`, "
    "not before"
)
async def early(self):
    def make(letter):
        POST.taken.remove(letter)
        return Delivery(Message(letter.text), ignore)

    async for each in each_letter(make):
        yield each


async def ignore(verdict):
    """Nothing."""


@fault_of_settling("brings a message again after Done: remove it from the other system in `settle`")
async def never_signed(letter, verdict):
    """Nothing."""


@fault_of_settling("brings a message again after Drop: remove it from the other system in `settle`")
async def drop_is_failure(letter, verdict):
    if type(verdict).__name__ != "Drop":
        await settle(letter, verdict)


@fault_of_settling("brings a message again after Reject: remove it from the other system in `settle`")
async def poison(letter, verdict):
    if type(verdict).__name__ != "Reject":
        await settle(letter, verdict)


@fault_of_settling("loses a message after Retry: return it to the other system")
async def no_second_chance(letter, verdict):
    POST.taken.remove(letter)


@fault_of_settling("does not count attempts: the second delivery has attempt=1")
async def uncounted(letter, verdict):
    POST.taken.remove(letter)
    if isinstance(verdict, Retry):
        POST.waiting.append(letter)


@fault_of_settling("confuses two messages in flight: each `settle` must settle its own message")
async def first_of_all(letter, verdict):
    if POST.taken.index(letter) == 0 and POST.taken.count(letter) == 1:
        await settle(letter, verdict)


@fault_of_settling(": `settle` raises KeyError: 'pen' for Done")
async def no_pen(letter, verdict):
    raise KeyError("pen")


@fault_of_settling(": `settle` does not return: it must not wait for the reader")
async def waits(letter, verdict):
    await asyncio.Event().wait()


@pytest.mark.parametrize("fault", PULL)
@virtual()
async def test_pull_sources(fault):
    """A message that is lost, comes twice or never comes is reported as such."""
    changed, told = PULL[fault]

    assert told.replace(" :", ":") in await problems(**changed)  # the first letters are the source's


def fault_of_perch(told, given=None):
    def mark(enter):
        async def perch(self, settings: Nothing, inlet: Inlet) -> AsyncIterator[None]:
            """A pigeon that lands brings a message."""
            async for each in enter(self, inlet):
                yield each

        perch.__annotations__["settings"] = Nothing
        PUSH[enter.__name__] = ({"perch": source("perch")(asynccontextmanager(perch))}, given or {}, told)
        return enter

    return mark


@fault_of_perch(
    "the source `perch` waits while it is entered or left, so a reload would have a gap: move what waits to `open`"
)
async def waiting(self, inlet):
    await asyncio.sleep(1)
    self.inlets.append(inlet)
    yield
    self.inlets.remove(inlet)


@fault_of_perch("the source `perch` does not bring what it was fed, or does not end it, when the flow returns at once")
async def deaf(self, inlet):
    self.inlets.append(type("Nobody", (), {"call": lambda self, message: message})())
    yield
    self.inlets.pop()


@fault_of_perch("the source `perch` brings a str: call the inlet with an octo.Message")
async def bare_words(self, inlet):
    self.inlets.append(type("Bare", (), {"call": lambda self, message: inlet.call(message.body)})())
    yield
    self.inlets.pop()


async def land_hard(self) -> None:
    """Land a pigeon. Its sender sees failures."""
    await self.inlets[-1].call(Message("coo"))


@fault_of_perch(
    'feeding the source `perch` fails when the flow fails: Failure: block "block": as ordered',
    {"feed": {"perch": land_hard, "letters": post}},
)
async def passes_on(self, inlet):
    self.inlets.append(inlet)
    yield
    self.inlets.remove(inlet)


@pytest.mark.parametrize("fault", PUSH)
@virtual()
async def test_push_sources(fault):
    """A push source must cope with every way in which the flow may end."""
    changed, given, told = PUSH[fault]

    assert told in await problems(given, **changed)


@virtual()
async def test_a_source_that_was_not_fed():
    """A source that cannot be checked is reported, not passed over."""
    told = await problems({"feed": {"perch": land}})

    assert told == ["the source `letters` was not fed: give feed={'letters': ...}, or say without={'letters'}"]


# --- one fault each: blocks --------------------------------------------------------------------------------------

CALLS = {}


def fault_of_send(told):
    def mark(work):
        async def send(self, settings: Note, message: Message) -> Message:
            """Send a pigeon."""
            return await work(self, message)

        send.__annotations__["settings"] = Note
        CALLS[work.__name__] = ({"send": block("send")(send)}, told)
        return work

    return mark


@fault_of_send("the block `send` does what no block may: the block returned NoneType, neither a message nor a drop")
async def forgets_to_return(self, message):
    pass


@fault_of_send("the block `send` raises KeyError: 'pigeon': raise octo.Permanent or octo.Transient with what to do")
async def flown(self, message):
    raise KeyError("pigeon")


@fault_of_send("the block `send` changes the body that it was given: make a new one for `message.with_body(...)`")
async def scribbles(self, message):
    message.body["text"] = "scribble"
    return message


@fault_of_send(
    'the block `send` does not end within `patience` (Timeout: flow "calls send" did not finish within 2s): '
    "give its call a deadline"
)
async def circles(self, message):
    await asyncio.Event().wait()


@fault_of_send("the block `send` no longer works after one of its calls was cancelled")
async def is_lost(self, message):
    if hasattr(self, "lost"):
        raise Permanent("no pigeon is left")
    self.lost = True
    await asyncio.sleep(0)
    del self.lost
    return message


@pytest.mark.parametrize("fault", CALLS)
@virtual()
async def test_blocks(fault):
    """A call that is cancelled, fails or never ends must leave the connector as it was."""
    changed, told = CALLS[fault]

    assert told in await problems(**changed)


# --- one fault each: stub ----------------------------------------------------------------------------------------


@asynccontextmanager
async def calls_home(cls, settings: Office, stub: Nothing) -> AsyncIterator[object]:
    with socket.socket(socket.AF_UNIX) as there, contextlib.suppress(OSError):
        there.setblocking(False)
        there.connect("/nowhere/at/all")
    yield cls(stubbed=True)


@asynccontextmanager
async def does_not_open(cls, settings: Office, stub: Nothing) -> AsyncIterator[object]:
    raise Permanent("no clay")
    yield


async def nothing_comes(self, source: Nothing, spec: Arrival) -> object:
    return None


async def never_returns(self, source: Nothing, spec: Arrival) -> object:
    await asyncio.Event().wait()


STUB = {
    "network": (
        {"stub": classmethod(calls_home)},
        "the stub uses the network (socket.connect '/nowhere/at/all'): a stub must work without other systems",
    ),
    "does not open": (
        {"stub": classmethod(does_not_open)},
        'the stub does not work: StartError: connector "checked" (office) did not start: no clay',
    ),
    "nothing comes": (
        {"trigger": nothing_comes},
        "the trigger of `perch` brings no message: pass it to the flow as the source would",
    ),
    "never returns": (
        {"trigger": never_returns},
        "the trigger of `letters` does not return: it returns once the message has been dealt with",
    ),
}


@pytest.mark.parametrize("fault", STUB)
@virtual()
async def test_stubs(fault):
    """A stub needs no other system, and its trigger brings the message."""
    changed, told = STUB[fault]

    assert told in await problems(**changed)


@virtual()
async def test_what_it_does_without_on_purpose():
    """What `without` names is not reported as missing."""
    await check_connector(office(stub=None, trigger=None), **GIVEN, without={"stub"})
    await check_connector(office(trigger=None), **GIVEN, without={"trigger"})


# --- services ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def remembering(cls, settings: Office, store: KeyValue) -> AsyncIterator[object]:
    await store.put("office", "opened", True)
    try:
        yield cls()
    finally:
        POST.hang_up()


@source("letters", guarantee="at least once", steps=("flow", "acknowledge"))
async def counted(self, settings: Nothing, store: KeyValue) -> AsyncIterator[Delivery]:
    """Letters, at least once, counted."""
    async for each in letters(self, settings):
        await store.put("office", "letters", 1)
        yield each


@virtual()
async def test_a_connector_that_asks_for_services():
    """Its `open` and its sources get the services in memory."""
    await check_connector(office(open=classmethod(remembering), letters=counted), **GIVEN)


# --- wrong use ---------------------------------------------------------------------------------------------------


REFUSED = "what `check_connector` was given is refused"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"settings": {"kee": "correct horse"}},
            f"{REFUSED}: the `office` connector has no key `kee` (did you mean `key`?; known: `key`)",
        ),
        (
            {"blocks": {}},
            f"{REFUSED}: `text` of the `send` block is missing (add `text: ...` (What to write))",
        ),
        (
            {"stub": {"a": 1}},
            "what `check_connector` was given as `stub` is refused: a: Extra inputs are not permitted",
        ),
    ],
)
@virtual()
async def test_settings_that_do_not_fit(given, told):
    """Wrong arguments of the check are reported in the words of `octo check`."""
    assert told in await problems(given)


@virtual()
async def test_names_that_are_not_there():
    """A block or source that the connector does not have is not silently left unchecked."""
    found = await problems({"blocks": {**GIVEN["blocks"], "sent": {}}})

    assert found == ["it has no block `sent`, but `check_connector` was given something for it; did you mean `send`?"]
