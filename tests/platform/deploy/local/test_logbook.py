"""The log of a deployment: bounded, masked, read from its end, and followed without gaps."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest

from octo_platform.deploy.local import logbook
from octo_platform.deploy.local.logbook import Logbook


@pytest.fixture
def book(tmp_path):
    made = Logbook(tmp_path, largest=2000)
    yield made
    made.close()


async def texts(book, count, *, follow=False):
    return [each.text async for each in book.read(count, follow=follow)]


async def test_the_last_lines_are_read_oldest_first(book, tmp_path):
    for number in range(5):
        book.write(f"i{number % 2}", f"line {number}".encode())

    assert await texts(book, 3) == ["line 2", "line 3", "line 4"]
    assert await texts(book, 0) == []
    assert await texts(Logbook(tmp_path), 100) == [f"line {number}" for number in range(5)]
    assert await texts(Logbook(tmp_path / "none"), 100) == []


async def test_the_size_has_a_limit(book, tmp_path):
    for number in range(1000):
        book.write("one", f"line {number}".encode())

    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 4000
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "log.1"]
    read = await texts(book, 10_000)
    assert read == [f"line {number}" for number in range(1000 - len(read), 1000)]
    assert len(read) > 50


async def test_a_long_file_is_read_by_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(logbook, "_BLOCK", 16)
    book = Logbook(tmp_path)
    lines = [f"line {number} {'x' * number}" for number in range(60)]
    for each in lines:
        book.write("one", each.encode())

    assert await texts(book, 1000) == lines
    book.close()


async def test_times_are_those_of_the_lines(book):
    """If they have one; else when they came."""
    before = datetime.now(UTC).replace(microsecond=0)
    for each in (b'{"time":"2026-11-30T12:00:00.123+01:00","msg":"x"}', b'{"time":"soon"}', b"plain\ttext"):
        book.write("one", each)
    said, wrong, plain = [each async for each in book.read(3, follow=False)]

    assert said.at == datetime(2026, 11, 30, 11, 0, 0, 123_000, tzinfo=UTC)
    assert before <= wrong.at <= plain.at
    assert plain.text == "plain text"


async def test_secrets_are_masked_and_long_lines_are_cut(book):
    book.mask(["geheimnis", "kurz", "geheimnis-lang\n"])

    assert book.write("one", b"a geheimnis-lang b geheimnis c kurz") == "a «secret» b «secret» c kurz"
    assert len(book.write("one", b"x" * 100_000)) == logbook.LONGEST
    assert book.write("one", b"\xff") == "\ufffd"


async def test_followers_miss_nothing_and_end_with_the_book(book):
    book.write("one", b"before")
    async with aclosing(book.read(10, follow=True)) as lines:
        assert (await anext(lines)).text == "before"
        book.write("one", b"while")
        assert (await anext(lines)).text == "while"
        waiting = asyncio.ensure_future(anext(lines, None))  # noqa: TID251
        await asyncio.sleep(0)
        book.close()
        assert await waiting is None


async def test_a_slow_follower_hears_how_much_was_left_out(book, monkeypatch):
    monkeypatch.setattr(logbook, "_BEHIND", 2)
    async with aclosing(book.read(0, follow=True)) as lines:
        waiting = asyncio.ensure_future(anext(lines))  # noqa: TID251
        await asyncio.sleep(0)
        for number in range(5):
            book.write("one", f"{number}".encode())
        assert [(await waiting).text, *[(await anext(lines)).text for _ in range(2)]] == [
            "0",
            "1",
            "3 lines are left out",
        ]


async def test_a_disk_that_is_full_stops_nothing(book, tmp_path):
    """Followers hear the line all the same."""
    (tmp_path / "log").mkdir()
    async with aclosing(book.read(0, follow=True)) as lines:
        waiting = asyncio.ensure_future(anext(lines))  # noqa: TID251
        await asyncio.sleep(0)
        book.write("one", b"lost")
        assert (await waiting).text == "lost"


async def test_a_secret_of_several_lines_is_masked_line_by_line_and_in_json(book):
    book.mask(["-----BEGIN KEY-----\nfirst-line\nsecond-line\n", 'quo"te\\é'])
    told = [
        book.write("a", text.encode())
        for text in ("print first-line", '{"m": "second-line"}', '{"m": "quo\\"te\\\\é"}')
    ]
    told.append(book.write("a", rb'{"m": "quo\"te\\\u00e9"}'))
    assert told == ["print «secret»", '{"m": "«secret»"}', '{"m": "«secret»"}', '{"m": "«secret»"}']
    assert book.write("a", b"-----BEGIN CERTIFICATE-----") == "-----BEGIN CERTIFICATE-----"
