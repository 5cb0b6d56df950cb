"""A log that somebody follows goes on where it broke off: no line is missing, and none comes twice unmarked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from octo_platform.deploy.target import LogLine
from octo_platform.deployments.log_stream import Marked, followed

BEGAN = datetime(2026, 12, 1, tzinfo=UTC)


class Book:
    """A log. coming: what is written between two looks at it."""

    def __init__(self, *texts: str) -> None:
        self.lines: list[LogLine] = []
        self.coming: list[str] = []
        for each in texts:
            self.write(each)

    def write(self, text: str) -> None:
        self.lines.append(LogLine(BEGAN + timedelta(seconds=len(self.lines)), "orders-0", text))

    async def logs(self, deployment, *, lines, follow):
        for each in self.lines[-lines:] if lines else ():
            yield each
        while self.coming:
            self.write(self.coming.pop(0))
            if follow:
                yield self.lines[-1]


async def told(book, lines=200, last="") -> list[Marked]:
    return [each async for each in followed(book, "d", lines, last)]


def texts(marked: list[Marked]) -> list[str]:
    return [each.line.text for each in marked if each.line]


async def test_it_goes_on_behind_the_line_that_was_seen_last():
    book = Book("a", "b", "c")
    first = await told(book)
    book.write("d")
    book.coming = ["e"]
    again = await told(book, last=first[1].id)
    assert texts(again) == ["c", "d", "e"]
    assert again[1].id == first[2].id, "a line has the id that it had"


async def test_lines_of_the_same_text_and_moment_are_told_apart():
    book = Book()
    book.lines = [LogLine(BEGAN, "orders-0", "again")] * 4
    first = await told(book)
    assert len({each.id for each in first}) == 4
    assert texts(await told(book, last=first[2].id)) == ["again"]


async def test_what_is_not_found_any_more_is_said():
    book = Book("a", "b")
    assert texts(await told(book, last="gone-0")) == ["lines may be left out here", "a", "b"]
    assert (await told(book, last="gone-0"))[0].id == ""


async def test_a_line_of_another_instance_that_came_late_is_not_lost():
    """Read again, lines stand in the order of their times; so some come again, with the ids that they had."""
    book = Book("long ago", "by the other", "late", "last")
    one, other, late, last = book.lines
    book.lines = [one, other._replace(instance="orders-1"), last]
    book.lines[0] = one._replace(at=BEGAN - timedelta(minutes=1), instance="orders-1")
    first = await told(book)
    book.lines.insert(2, late._replace(instance="orders-1"))
    again = await told(book, last=first[-1].id)
    assert texts(again) == ["by the other", "late"]
    assert again[1].id == first[1].id


async def test_who_wants_only_what_comes_is_told_where_that_begins():
    book = Book("a", "b")
    first = await told(book, lines=0)
    assert (texts(first), first[0].line) == ([], None)
    book.write("c")
    assert texts(await told(book, last=first[0].id)) == ["c"]
    assert texts(await told(Book(), lines=0)) == []


async def test_a_line_that_is_written_between_the_two_looks_is_not_lost():
    book = Book("a")
    last = (await told(book))[0].id
    looks = 0
    read = book.logs

    async def logs(deployment, *, lines, follow):
        nonlocal looks
        async for each in read(deployment, lines=lines, follow=follow):
            yield each
        looks += 1
        if looks == 1:
            book.write("between")

    book.logs = logs
    assert texts(await told(book, last=last)) == ["between"]
