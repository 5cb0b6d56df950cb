"""The cache: whose answers it keeps, for how long, and how many."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from octo.connectors.http_client import cache as caching
from octo.core import content
from octo.core.errors import Transient
from octo.core.message import Message
from octo.core.spool import Spool

ON = {"enabled": True, "ttl": "60s"}


def answering(upstream, status=200, **headers):
    """Answers count up; headers are given with underscores."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    upstream.answer = lambda request: web.json_response(len(upstream.requests), status=status, headers=names)


async def ask(calls, **settings):
    return (await calls.rest(failOnError=False, **settings)).body


async def test_it_is_off_unless_switched_on(calls, upstream):
    """By default every answer is new."""
    answering(upstream)

    assert [await ask(calls), await ask(calls)] == [1, 2]


async def test_a_fresh_answer_serves_until_its_time(calling, upstream):
    """Then the server is asked again."""
    answering(upstream)
    now = 0.0
    async with calling(cache=ON) as calls:
        calls.caller.cache.clock = lambda: now
        first = [await ask(calls), await ask(calls)]
        now = 59.9
        second = await ask(calls)
        now = 60.0
        third = await ask(calls)

    assert (first, second, third) == ([1, 1], 1, 2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache_Control": "max-age=10"}, 10),
        ({"Cache_Control": "max-age=3600"}, 60),
        ({"Cache_Control": "public, MAX-AGE=10"}, 10),
        ({"Cache_Control": "s-max-age=1"}, 60),
        ({"Cache_Control": "max-age=10", "Age": "4"}, 6),
        ({"Cache_Control": "max-age=10", "Age": "old"}, 10),
        ({"Cache_Control": "max-age=0"}, 0),
        ({"Cache_Control": "no-store"}, 0),
        ({"Cache_Control": "no-cache"}, 0),
        ({"Cache_Control": "private, max-age=10"}, 0),
        ({"Cache_Control": 'no-cache="set-cookie"'}, 0),
        ({"Expires": "Thu, 01 Jan 1970 00:16:50 GMT"}, 10),
        ({"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"Expires": "0"}, 0),
        ({"Cache_Control": "max-age=10", "Expires": "0"}, 10),
        ({"Vary": "*"}, 0),
        ({"Cache_Control": "max-age=10, max-age=3"}, 3),
        ({"Cache_Control": "s-maxage=3, max-age=10"}, 3),
        ({"Cache_Control": "max-age=-1"}, 0),
        ({"Cache_Control": "max-age=1e3"}, 0),
        ({"Cache_Control": "max-age"}, 0),
        ({"Cache_Control": "max-age=" + "9" * 400}, 60),
        ({"Cache_Control": "max-age=10", "Age": "9" * 400}, 0),
        ({"Expires": "Thu, 01 Jan 1970 00:16:50 +99999999999999"}, 0),
        ({"Expires": "Thu, 01 Jan 9999 00:00:00 GMT"}, 60),
    ],
)
async def test_the_server_shortens_or_forbids(calling, upstream, headers, seconds):
    """Never longer than `ttl`."""
    answering(upstream, **headers)
    now = 0.0
    async with calling(cache=ON) as calls:
        calls.caller.cache.clock = lambda: now
        calls.caller.cache.wall = lambda: 1000.0
        await ask(calls)
        now = seconds - 0.1
        before = await ask(calls)
        now = seconds + 0.1
        after = await ask(calls)

    assert (before, after) == ((1, 2) if seconds else (2, 3))


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 202), ("GET", 206), ("GET", 300), ("GET", 404), ("GET", 500), ("POST", 200), ("PUT", 200), ("HEAD", 200)],
)
async def test_only_good_answers_to_get_are_kept(calling, upstream, method, status):
    """An error must not outlive its cause."""
    answering(upstream, status=status)
    async with calling(cache=ON, retry={"maxAttempts": 1}) as calls:
        for _ in range(2):
            await ask(calls, method=method)

    assert len(upstream.requests) == 2


async def test_addresses_and_askers_are_kept_apart(calling, upstream):
    """By all that their author writes, whether or not the server names it in `Vary`."""
    answering(upstream)
    questions = [
        {"path": "/a"},
        {"path": "/a", "query": {"x": '"1"'}},
        {"path": "/a", "query": {"x": '"2"'}},
        {"path": "/a", "headers": {"Authorization": '"Bearer one"'}},
        {"path": "/a", "headers": {"Authorization": '"Bearer two"'}},
        {"path": "/a", "headers": {"Cookie": '"s=1"'}},
        {"path": "/a", "headers": {"x-lang": '"de"'}},
        {"path": "/a", "headers": {"X-Lang": '"en"'}},
        {"path": "/a", "headers": {"X-User": '"one"'}},
        {"path": "/a", "headers": {"X-User": '"two"'}},
        {"path": "/a", "headers": {"X-User": '""'}},
        {"path": "/a", "headers": {"Range": '"bytes=0-1"'}},
        {"path": "/a", "body": "{'user': 1}"},
        {"path": "/a", "body": "{'user': 2}"},
    ]
    async with calling(cache=ON) as calls:
        first = [await ask(calls, **question) for question in questions]
        again = [await ask(calls, **question) for question in questions]
        same = await ask(calls, path="/a", headers={"X-LANG": '"de"'})

    assert first == again == list(range(1, len(questions) + 1))
    assert same == 7


async def test_the_trace_of_a_message_asks_for_nothing_else(calling, upstream):
    """Octo adds it to each request; unless the server says that its answer depends on it."""
    answering(upstream)
    messages = [Message(traceparent=f"00-0af7651916cd43dd8448eb211c80319{n}-b7ad6b7169203331-01") for n in range(2)]
    async with calling(cache=ON) as calls:
        bodies = [(await calls.rest(message)).body for message in messages]
        answering(upstream, Vary="Traceparent")
        others = [(await calls.rest(messages[0], path="/other")).body for _ in range(2)]

    assert (bodies, others) == ([1, 1], [2, 3])


async def test_large_content_is_not_looked_up(calling, upstream):
    """Reading it twice to compare it would cost more than to ask."""
    answering(upstream)
    spool = Spool()
    spool.write(b"x" * 3_000_000)
    message = Message(content.raw(spool.finish(), "video/mp4"), raw=True)
    async with calling(cache=ON) as calls:
        assert [(await calls.rest(message, body="body")).body for _ in range(2)] == [1, 2]


async def test_an_answer_that_begins_a_session_is_for_one(calling, upstream):
    """`Set-Cookie` says that the server knows who asks."""
    answering(upstream, Set_Cookie="session=1")
    async with calling(cache=ON) as calls:
        assert [await ask(calls), await ask(calls)] == [1, 2]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_ends_the_answers_about_it(calling, upstream, method):
    """RFC 9111, 4.4: else a flow would read what it has just replaced. A failure changes nothing."""
    answering(upstream)
    async with calling(cache=ON) as calls:
        await ask(calls, path="/a")
        await ask(calls, path="/a", headers={"X-User": '"one"'})
        await ask(calls, path="/b")
        answering(upstream, status=409)
        await ask(calls, path="/a", method=method)
        answering(upstream)
        assert await ask(calls, path="/a") == 1
        await ask(calls, path="/a", method=method)

        assert await ask(calls, path="/a") == 6
        assert await ask(calls, path="/a", headers={"X-User": '"one"'}) == 7
        assert await ask(calls, path="/b") == 3


async def test_what_changes_meanwhile_ends_an_answer_that_is_on_its_way(calling, upstream, monkeypatch):
    """The old value would be kept after the new one has been written. This holds for a forgotten address, too."""
    asked, changed = asyncio.Event(), asyncio.Event()

    async def late(request):
        number = len(upstream.requests)
        if number == 1:
            asked.set()
            await changed.wait()
        return web.json_response(number)

    upstream.answer = late
    monkeypatch.setattr(caching, "MOST_CHANGES", 1)
    async with calling(cache=ON) as calls, asyncio.TaskGroup() as group:
        first = group.create_task(ask(calls, path="/a"))
        await asked.wait()
        await ask(calls, path="/a", method="PUT")
        await ask(calls, path="/b", method="PUT")
        changed.set()

        assert await first == 1
        assert [await ask(calls, path="/a"), await ask(calls, path="/a")] == [4, 4]


@pytest.mark.parametrize("failure", [503, None])
async def test_a_change_of_which_nothing_is_known_ends_the_answers_too(calling, raw, failure):
    """The server may have carried it out before its connection broke."""
    fails = None if failure is None else raw.ok(b"0").replace(b"200 OK", b"503 Busy")
    raw.answer(raw.ok(b"1"), fails, raw.ok(b"2"), keep=True)
    async with calling(baseURL=raw.url, cache=ON) as calls:
        assert await ask(calls) == 1
        try:
            await ask(calls, method="POST")
        except Transient:
            assert failure is None

        assert await ask(calls) == 2


@pytest.mark.parametrize(("ours", "theirs"), [("Authorization", "authorization"), ("authorization", "Authorization")])
async def test_a_block_that_says_who_asks_is_taken_at_its_word(calling, upstream, ours, theirs):
    """Its header replaces the connector's in any letter case, for the cache as for the server."""
    answering(upstream)
    async with calling(cache=ON, headers={ours: "Bearer zero"}) as calls:
        askers = [await ask(calls, headers={theirs: f'"Bearer {name}"'}) for name in ("one", "two", "one")]

    assert askers == [1, 2, 1]
    sent = [request.headers.getall("Authorization") for request in upstream.requests]
    assert sent == [["Bearer one"], ["Bearer two"]]


async def test_headers_of_one_name_count_together(calling, upstream):
    """One that forbids is not hidden by one that allows."""

    def answer(request):
        answer = web.json_response(len(upstream.requests))
        answer.headers.extend([("Cache-Control", "no-store"), ("Cache-Control", "max-age=10")])
        return answer

    upstream.answer = answer
    async with calling(cache=ON) as calls:
        assert [await ask(calls), await ask(calls)] == [1, 2]


@pytest.mark.parametrize("word", ["no-cache", "no-store", "max-age=1, No-Cache", "max-age=0"])
async def test_a_request_may_insist(calling, upstream, word):
    """`Cache-Control: no-cache` or `no-store` goes to the server, and its answer is not kept."""
    answering(upstream)
    async with calling(cache=ON) as calls:
        await ask(calls)
        assert await ask(calls, headers={"Cache-Control": f'"{word}"'}) == 2
        assert await ask(calls) == 1


async def test_the_one_unused_for_longest_goes_first(calling, upstream):
    """By number of entries."""
    answering(upstream)
    async with calling(cache={**ON, "maxEntries": 2}) as calls:
        for path in ("/a", "/b", "/a", "/c"):
            await ask(calls, path=path)

        assert await ask(calls, path="/a") == 1
        assert await ask(calls, path="/b") == 4


async def test_memory_is_bounded(calling, upstream, monkeypatch):
    """By size as well."""
    monkeypatch.setattr(caching, "MOST_BYTES", 5000)
    answering(upstream)
    async with calling(cache=ON) as calls:
        for path in range(10):
            await ask(calls, path=f"/{path}")

        assert len(calls.caller.cache._entries) == 4
        assert len(calls.caller.cache._keys) == 4
        assert calls.caller.cache._size < 5000


async def test_answers_that_replace_one_another_count_once(calling, upstream, monkeypatch):
    """Three concurrent requests to one address bring three answers. They take the room of one."""
    monkeypatch.setattr(caching, "MOST_BYTES", 2500)
    answering(upstream)
    async with calling(cache=ON) as calls:
        await ask(calls, path="/other")
        await asyncio.gather(*(ask(calls, path="/same") for _ in range(3)))

        assert await ask(calls, path="/other") == 1
        assert len(upstream.requests) == 4


async def test_the_answer_to_one_token_is_not_served_to_the_next(calling, upstream):
    """The connector's own credentials identify a caller, too."""
    answering(upstream)
    async with calling(cache=ON, auth={"type": "bearer", "token": "a"}) as one:
        await ask(one)
        assert await ask(one) == 1
        assert await ask(one, headers={"Authorization": '"Bearer b"'}) == 2
