"""Search of the web: what every provider can do, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from octo.core.cassette import Replayed
from octo.core.settings import Settings
from octo.vendors.replaying import FORM

FAMILY = "web-search"
"""What connectors of providers are declared as: `@connector("tavily", family=FAMILY)`."""
LONGEST_TITLE = 300
LONGEST_URL = 2048


class Found(NamedTuple):
    """A page. score: how well it fits, from 0 to 1, if the provider says so."""

    title: str
    url: str
    text: str
    score: float | None = None

    def within(self, most: int) -> dict[str, object]:
        """As a flow sees it, with at most so many characters of the text."""
        told: dict[str, object] = {"title": self.title[:LONGEST_TITLE], "url": self.url, "text": self.text[:most]}
        return told if self.score is None else {**told, "score": self.score}


class Searcher(Protocol):
    """An opened connector of the family."""

    async def search(self, query: str, most: int) -> Sequence[Found]:
        """Return at most so many pages, the best first. Raises errors of `octo.core.errors`."""
        ...


def found(given: object, text: str) -> list[Found]:
    """Read results, maps with `title`, `url` and the text under this name. What is no page of the web is left out."""
    listed = given if isinstance(given, list) else []
    return [_found(each, text) for each in listed if isinstance(each, Mapping) and _is_page(each.get("url"))]


def _found(given: Mapping[str, object], text: str) -> Found:
    score = given.get("score")
    known = score if isinstance(score, int | float) and not isinstance(score, bool) else None
    return Found(_text(given.get("title")), str(given["url"]), _text(given.get(text)), known)


def _text(given: object) -> str:
    return given if isinstance(given, str) else ""


def _is_page(url: object) -> bool:
    return (
        isinstance(url, str)
        and url.startswith(("http://", "https://"))
        and len(url) <= LONGEST_URL
        and url.isprintable()
        and " " not in url
    )


class Result(Settings):
    """A page that a search of a test finds."""

    title: str = ""
    """Its title."""
    url: str
    """Its address."""
    text: str = ""
    """What is told of it."""
    score: float | None = None
    """How well it fits."""

    def found(self) -> Found:
        return Found(self.title, self.url, self.text, self.score)


class Stub(Replayed):
    """Every search finds the same pages, whatever it asks; or a cassette says what it finds. Nothing leaves the
    process, unless a cassette is recorded.
    """

    form = FORM

    results: tuple[Result, ...] = ()
    """The pages, the best first. With a cassette they are not used."""


class Stubbed:
    """What finds the pages of a test."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    async def search(self, query: str, most: int) -> Sequence[Found]:
        del query
        return [each.found() for each in self._stub.results[:most]]
