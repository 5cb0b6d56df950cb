"""Streams of server-sent events over real connections: when one begins, how it ends, and clients that do not read."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from octo.connectors.http import frames, streams
from octo.connectors.http.sse import Event, sse_event
from octo.core.errors import Permanent
from octo.core.flow import Drop, Failure, Stop
from octo.core.message import Message

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SSE = {"sse": {"enabled": True}}


def event(**settings):
    """Send an event for a message, as the block does."""
    parsed = Event.model_validate(settings)

    async def send(message):
        return await sse_event.__octo_block__.function(parsed, message)

    return send


def flow(*steps, then=lambda message: message):
    """A flow that takes these steps and returns what `then` does."""

    async def run(message):
        for each in steps:
            outcome = await each(message)
            if not isinstance(outcome, Message):
                return outcome.message if isinstance(outcome, Stop) else outcome
            message = outcome
        return then(message)

    return run


async def lines(response, count):
    """The next lines that are not empty."""
    found = []
    while len(found) < count:
        line = (await response.content.readline()).decode()
        assert line, "the stream ended"
        if line.strip():
            found.append(line.strip())
    return found


async def test_the_first_event_makes_the_response_a_stream(site):
    async with site.route(flow(event(event="a", id=None), event()), responseHeaders=["X-Kind"], **SSE) as inlet:
        inlet.answer = lambda message, run=inlet.answer: run(message.with_vars({**message.vars, "X-Kind": "live"}))
        status, headers, text = await site.ask("POST", json={"n": 1})

    assert status == 200
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["X-Kind"] == "live"
    assert "X-Correlation-Id" in headers
    assert "Content-Length" not in headers
    assert text == 'event: a\ndata: {"n":1}\n\ndata: {"n":1}\n\n'


async def test_what_the_connector_says_of_caches_wins(serve):
    async with serve(responseHeaders={"Cache-Control": "no-cache"}) as site, site.route(flow(event()), **SSE):
        _, headers, _ = await site.ask()
    assert headers.getall("Cache-Control") == ["no-cache"]


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        (lambda message: message.with_body({"a": 1}), 200, '{"a":1}'),
        (lambda message: message.with_body("no").with_var("httpStatus", 403), 403, '"no"'),
        (lambda message: Drop(), 204, ""),
    ],
)
async def test_without_an_event_the_answer_is_an_ordinary_one(site, outcome, status, text):
    async with site.route(flow(then=outcome), sse={"enabled": True, "finalEvent": True}):
        assert (await site.ask())[::2] == (status, text)
    assert not streams._streams


async def test_a_failure_before_the_first_event_is_500(site):
    def fail(message):
        raise Failure(Permanent("secret"), "b", "f.b", message)

    async with site.route(flow(then=fail), **SSE):
        status, _, text = await site.ask()
    assert status == 500
    assert "secret" not in text


async def test_a_failure_after_it_is_an_event_and_the_end(site):
    def fail(message):
        raise Failure(Permanent("secret"), "b", "f.b", message)

    async with site.route(flow(event(), then=fail), sse={"enabled": True, "closeOnComplete": False}):
        _, _, text = await site.ask()
    assert text.startswith("data: null\n\nevent: error\ndata: ")
    (_, error) = frames.read(text)
    assert error["data"].keys() == {"error", "eventID", "correlationID"}
    assert error["data"]["error"] == "internal server error"
    assert not streams._streams


@pytest.mark.parametrize(
    ("name", "outcome", "last"),
    [
        ("done", lambda message: message.with_body(7), "event: done\ndata: 7\n\n"),
        ("", lambda message: message.with_body({"contentType": "text/plain", "rawData": "x"}, raw=True), "data: x\n\n"),
        ("done", lambda message: Drop(), ""),
    ],
)
async def test_the_result_may_be_the_last_event(site, name, outcome, last):
    sse = {"enabled": True, "finalEvent": True, "finalEventName": name}
    async with site.route(flow(event(), then=outcome), sse=sse):
        assert (await site.ask())[2] == "data: null\n\n" + last


async def test_the_connection_serves_the_next_request(site):
    async with site.route(flow(event()), **SSE):
        answer = await site.raw(
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.count(b"0\r\n\r\n") == 2


async def test_head_is_answered_with_the_head(site):
    seen = []

    async def note(message):
        seen.append(await event()(message))
        return message

    async with site.route(flow(event(), note), methods=["GET"], **SSE):
        status, headers, text = await site.ask("HEAD")
    assert (status, text) == (200, "")
    assert headers["Content-Type"] == "text/event-stream"
    assert [type(each) for each in seen] == [Stop]
    assert not streams._streams


async def test_pages_of_other_origins_may_read_it(serve):
    async with serve(cors={"allowedOrigins": ["https://a.example"]}) as site, site.route(flow(event()), **SSE):
        _, headers, _ = await site.ask(headers={"Origin": "https://a.example"})
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"


async def test_a_browser_that_comes_again_says_what_it_has_seen(site):
    async with site.route(flow(event(data='vars["Last-Event-ID"]')), headers=["Last-Event-ID"], **SSE):
        assert (await site.ask(headers={"Last-Event-ID": "41"}))[2] == "data: 41\n\n"


# --- streams that outlive their flow -----------------------------------------------------------------------------


async def test_other_flows_go_on_to_write(site):
    """Also one that knows nothing but the address; its variables are no headers of this response."""
    async with site.route(flow(event()), sse={"enabled": True, "closeOnComplete": False, "streamVar": "mine"}) as inlet:
        inlet.answer = flow(event(stream="vars.mine"))
        async with site.client.get(site.http.url) as response:
            assert await lines(response, 1) == ["data: null"]
            address = inlet.messages[0].vars["mine"]
            assert address.startswith("http:")
            other = Message("hello", {"to": address})
            assert await event(stream="vars.to", event="more")(other) is other
            assert await lines(response, 2) == ["event: more", 'data: "hello"']
            await event(stream="vars.to", close=True)(other)
            assert await response.content.read() == b'\ndata: "hello"\n\n'
            assert await event(stream="vars.to", stop=True)(other) == Stop(other)
    assert not streams._streams


async def test_variables_of_another_request_are_no_headers_of_this_one(site):
    began, go = asyncio.Event(), asyncio.Event()

    async def wait(message):
        began.set()
        await go.wait()
        return message

    async with site.route(flow(wait), responseHeaders=["Set-Cookie"], **SSE) as inlet:
        asking = asyncio.get_running_loop().create_task(site.ask())
        await began.wait()
        await event(stream="vars.to")(Message(1, {"to": inlet.messages[0].vars["sseStream"], "Set-Cookie": "a=b"}))
        go.set()
        _, headers, text = await asking
    assert text == "data: 1\n\n"
    assert "Set-Cookie" not in headers


async def test_events_of_several_writers_are_whole(site):
    async def write(message):
        await asyncio.gather(
            *(event(data=f"'{n}' + vars.long")(message.with_var("long", "x" * 50_000)) for n in range(20))
        )
        return message

    async with site.route(flow(write), **SSE):
        _, _, text = await site.ask()
    found = frames.read(text)
    assert [each["data"] for each in found] == [f"{n}" + "x" * 50_000 for n in range(20)]


async def test_a_stream_ends_when_the_connector_closes(serve):
    async with serve() as site:
        async with site.route(flow(event()), sse={"enabled": True, "closeOnComplete": False}):
            response = await site.client.get(site.http.url)
            await lines(response, 1)
            assert len(streams._streams) == 1
        assert len(streams._streams) == 1, "messages of the old configuration may still be under way"
        site.http.drained()
        assert await response.content.read() == b"\n", "with a proper end: a broken one would raise"
        response.close()
    assert not streams._streams


# --- limits ------------------------------------------------------------------------------------------------------


async def test_there_are_at_most_so_many_streams(site):
    sse = {"enabled": True, "closeOnComplete": False, "maxStreams": 1}
    async with site.route(flow(event()), sse=sse):
        async with site.client.get(site.http.url) as response:
            await lines(response, 1)
            status, headers, text = await site.ask()
            assert (status, json.loads(text)["error"]) == (503, "too many streams are open")
            assert headers["Retry-After"]
        for _ in range(500):  # until the server has noticed
            if not streams._streams:
                break
            await asyncio.sleep(0.01)
        async with site.client.get(site.http.url) as response:
            assert response.status == 200


async def test_a_cap_ends_the_stream(site):
    async with site.route(flow(event()), sse={"enabled": True, "closeOnComplete": False, "maxDuration": "20ms"}):
        assert (await site.ask())[2] == "data: null\n\n"
    assert not streams._streams


async def test_who_writes_waits_for_a_client_that_does_not_read(site):
    """However much there is to say, the process holds no more of it than one buffer and one event."""
    held, is_full = [], asyncio.Event()

    async def write(message):
        for _ in range(1000):
            await event(data="vars.long")(message)
            (stream,) = streams._streams.values()
            held.append(stream._body._carrier._transport.get_write_buffer_size())
            if stream._body.is_full:
                is_full.set()
        return message

    async with site.route(**SSE) as inlet:
        inlet.answer = lambda message: write(message.with_var("long", "x" * 20_000))
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1)
        writer.write(GET)
        await is_full.wait()
        total = 0
        while total < 1000 * 20_000:
            total += len(await reader.read(1 << 20))
        writer.close()
    assert 20_000 < max(held) < 100_000


async def test_a_client_that_takes_nothing_is_given_up(serve, caplog):
    caplog.set_level(logging.INFO)
    ended = asyncio.Event()

    async def write(message):
        while isinstance(await event(data="vars.long")(message), Message):
            pass
        ended.set()
        return message

    async with serve() as site, site.route(flow(write), timeout="100ms", **SSE) as inlet:
        inlet.answer = lambda message: write(message.with_var("long", "x" * 100_000))
        _, writer = await asyncio.open_connection("127.0.0.1", site.port, limit=1)
        writer.write(GET)
        await asyncio.wait_for(ended.wait(), 20)
        writer.close()
    assert "took nothing for too long" in caplog.text
    assert not streams._streams


# --- clients that go away ----------------------------------------------------------------------------------------


async def test_before_the_first_event_a_client_that_leaves_cancels_the_flow(site):
    cancelled = asyncio.Event()

    async def wait(message):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with site.route(flow(wait), **SSE):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(GET)
        await writer.drain()
        while not streams._streams:
            await asyncio.sleep(0.01)
        writer.close()
        await asyncio.wait_for(cancelled.wait(), 20)
        while streams._streams:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("if_closed", "kind"), [("stop", Stop), ("ignore", Message), ("error", Permanent)])
async def test_after_it_the_next_event_finds_out(site, if_closed, kind):
    seen: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def rest(message):
        while streams._streams:
            await asyncio.sleep(0.01)
        try:
            seen.set_result(await event(ifClosed=if_closed)(message))
        except Permanent as error:
            seen.set_result(error)
        return message

    async with site.route(flow(event(), rest), **SSE):
        async with site.client.get(site.http.url) as response:
            await lines(response, 1)
        found = await asyncio.wait_for(seen, 20)
    assert isinstance(found, kind)
    if if_closed == "error":
        assert found.code == "OCTO-H109"
