"""`check_connector` passes what is good, and says of each fault what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from octo import (
    Expr,
    Inlet,
    Message,
    Secret,
    Settings,
    block,
    connector,
    source,
)
from octo.connectors.cron import Cron
from octo.connectors.database import Database
from octo.connectors.http import Http
from octo.connectors.http_client import HttpClient
from octo.connectors.logger import Logger
from octo.testing import Nonconforming, check_connector, virtual

# --- what ships --------------------------------------------------------------------------------------------------


async def test_cron():
    """A clock cannot be fed."""
    await check_connector(Cron, sources={"cron": {"schedule": "@hourly"}}, without={"cron"})


async def test_http():
    """Requests are answered whatever the flow does with them."""

    async def get(server: Http) -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/orders"):
            pass

    settings = {"host": "127.0.0.1", "port": 0}
    await check_connector(Http, settings, sources={"http": {"path": "/orders"}}, feed={"http": get})


async def test_http_client():
    """A token that is sent is printed nowhere."""
    app = web.Application()
    app.router.add_get("/", lambda _: web.json_response({"ok": True}))
    async with TestServer(app, host="127.0.0.1") as server:
        settings = {"baseURL": str(server.make_url("/")), "auth": {"type": "bearer", "token": "correct horse"}}
        await check_connector(HttpClient, settings, blocks={"rest": {"path": "/"}})


async def test_database(tmp_path):
    """SQLite: the file is let go of."""
    settings = {"driver": "sqlite", "dsn": str(tmp_path / "orders.db")}
    stub = {"answers": [{"rows": [{"n": 1}]}]}
    await check_connector(Database, settings, blocks={"sql": {"query": "select 1 as n"}}, stub=stub)


async def test_logger(tmp_path):
    """A file of its own is closed."""
    await check_connector(Logger, {"output": str(tmp_path / "log")}, blocks={"log": {"message": '"hello"'}})


# --- what is good ------------------------------------------------------------------------------------------------


class Office(Settings):
    """Where pigeons live."""

    key: Secret
    """Opens the loft."""


class Perch(Settings):
    """Where a pigeon lands."""


class Note(Settings):
    """What a pigeon carries."""

    text: Expr[object]
    """What to write."""


class Standin(Settings):
    """A loft of clay pigeons."""


class Arrival(Settings):
    """A pigeon arrives."""

    text: str = "coo"
    """What it carries."""


@asynccontextmanager
async def open_(cls, settings: Office) -> AsyncIterator[object]:
    yield cls()


@asynccontextmanager
async def stub(cls, settings: Office, stub: Standin) -> AsyncIterator[object]:
    yield cls()


async def trigger(self, source: Perch, spec: Arrival) -> object:
    return await self.land(spec.text)


async def land(self, text: str) -> object:
    """Hand a note over; whoever sent it hears nothing of failures."""
    with suppress(Exception):
        result = self.inlets[-1].call(Message(text))
        return result.body if isinstance(result, Message) else (await result).body


@source("perch")
@asynccontextmanager
async def perch(self, settings: Perch, inlet: Inlet) -> AsyncIterator[None]:
    """A pigeon that lands brings a message. At most once."""
    self.inlets.append(inlet)
    try:
        yield
    finally:
        self.inlets.remove(inlet)


@block("send")
async def send(self, settings: Note, message: Message) -> Message:
    """Send a pigeon."""
    await asyncio.sleep(0)
    return message.with_body(settings.text(message))


def init(self) -> None:
    self.inlets = []


GOOD = {
    "__doc__": "Pigeons carry notes.",
    "__init__": init,
    "open": classmethod(open_),
    "stub": classmethod(stub),
    "trigger": trigger,
    "land": land,
    "perch": perch,
    "send": send,
}
GIVEN = {
    "settings": {"key": "correct horse"},
    "blocks": {"send": {"text": "body.text"}},
    "message": {"text": "hello"},
    "feed": {"perch": lambda loft: loft.land("coo")},
    "patience": 2.0,
}


def pigeons(**changed):
    """The good connector with some members replaced; those that are None are left out."""
    members = {name: member for name, member in {**GOOD, **changed}.items() if member is not None}
    return connector("pigeons")(type("Pigeons", (), members))


async def problems(changed, **given) -> list[str]:
    """What is wrong with pigeons that are changed so."""
    with pytest.raises(Nonconforming) as caught:
        await check_connector(pigeons(**changed), **{**GIVEN, **given})
    return caught.value.problems


@virtual()
async def test_a_good_connector_passes():
    """Nothing is reported where nothing is wrong: each fault below is the only difference."""
    await check_connector(pigeons(), **GIVEN)


@virtual()
async def test_all_that_is_wrong_is_reported_at_once():
    """One exception with a list; its text has a line for each."""
    with pytest.raises(Nonconforming) as caught:
        await check_connector(pigeons(__doc__=None, stub=None, trigger=None), **GIVEN)

    first, *lines = str(caught.value).splitlines()
    assert first == f"`pigeons` breaks {len(lines)} of the promises that a connector makes:"
    assert [line.removeprefix("- ") for line in lines] == caught.value.problems
    assert len(lines) == 2


async def test_a_class_that_is_not_marked():
    with pytest.raises(Nonconforming, match="mark the class with @connector"):
        await check_connector(Office)
