"""Events: each page hears all of them in order, or is told that it has missed some."""

from __future__ import annotations

import json

from octo.cli.editing import feed as feed_module
from octo.cli.editing.feed import Feed
from octo.testing.clock import virtual


def read(piece: bytes) -> list[tuple[str, object, str]]:
    found = []
    for text in piece.decode().split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in text.split("\n"))
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"]), lines["id"]))
    return found


async def begun(feed: Feed, last: str = ""):
    """A stream that has been asked for, so that it hears what is told next."""
    stream = feed.stream(last)
    return stream, read(await anext(stream))


async def test_a_page_hears_what_happens_from_now_on():
    feed = Feed()
    feed.tell("log", "before")
    stream, first = await begun(feed, "")

    assert [kind for kind, *_ in first] == ["resync"]  # it has seen nothing yet: it reads everything
    feed.tell("log", {"line": "a\nb"})
    feed.tell("run", 1)

    assert [each[:2] for each in read(await anext(stream))] == [("log", {"line": "a\nb"}), ("run", 1)]
    await stream.aclose()


async def test_a_page_that_comes_back_hears_what_it_has_missed():
    feed = Feed()
    stream, _ = await begun(feed)
    feed.tell("log", 1)
    [(_, _, last)] = read(await anext(stream))
    await stream.aclose()
    feed.tell("log", 2)

    again, first = await begun(feed, last)

    assert first == []
    assert [each[:2] for each in read(await anext(again))] == [("log", 2)]
    await again.aclose()


async def test_who_has_missed_too_much_begins_anew(monkeypatch):
    """Also while it reads: what is kept is bounded by number and by bytes."""
    monkeypatch.setattr(feed_module, "MOST_KEPT", 3)
    monkeypatch.setattr(feed_module, "MOST_BYTES", 1000)
    feed = Feed()
    stream, _ = await begun(feed)

    for number in range(5):
        feed.tell("log", number)
    assert [kind for kind, *_ in read(await anext(stream))] == ["resync"]
    for _ in range(3):
        feed.tell("log", "x" * 400)
    assert [kind for kind, *_ in read(await anext(stream))] == ["resync"]
    feed.tell("log", "y" * 4000)
    assert [each[1] for each in read(await anext(stream))] == ["y" * 4000]
    await stream.aclose()


async def test_the_events_of_an_earlier_server_are_none_of_this_one():
    old, feed = Feed(), Feed()
    stream, _ = await begun(old)
    old.tell("log", 1)
    [(_, _, last)] = read(await anext(stream))
    await stream.aclose()

    for wrong in (last, "x", "-", "é-1", last.partition("-")[0] + "-1e9", "9" * 5000):
        again, first = await begun(feed, wrong)
        assert [kind for kind, *_ in first] == ["resync"]
        await again.aclose()


@virtual()
async def test_a_silent_server_shows_that_it_is_there():
    """Nobody between closes the connection, and a page notices a server that has gone."""
    feed = Feed()
    stream, _ = await begun(feed)

    assert await anext(stream) == b": here\n\n"
    await stream.aclose()


async def test_the_end_of_the_server_ends_the_streams():
    feed = Feed()
    stream, _ = await begun(feed)
    feed.close()

    assert [each async for each in stream] == []
