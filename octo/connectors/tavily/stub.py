"""The stub of Tavily in a test: its answers."""

from __future__ import annotations

from collections.abc import Mapping

from octo.vendors import searching


class Stub(searching.Stub):
    """Every search finds the same pages, and the other blocks get these answers; or a cassette says what Tavily
    answers. Nothing leaves the process, unless a cassette is recorded.
    """

    extract: dict[str, object] | None = None
    """The answer of `tavily-extract`. Default: no results."""
    crawl: dict[str, object] | None = None
    """The answer of `tavily-crawl`. Default: no results."""
    map: dict[str, object] | None = None
    """The answer of `tavily-map`. Default: no results."""


class Answers:
    """Answers in the form of Tavily."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    async def ask(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        if path == "/search":
            most = body.get("max_results")
            pages = [each.found() for each in self._stub.results][: most if isinstance(most, int) else None]
            results = [{"title": p.title, "url": p.url, "content": p.text, "score": p.score} for p in pages]
            return {"query": body.get("query"), "results": results}
        return {"/extract": self._stub.extract, "/crawl": self._stub.crawl, "/map": self._stub.map}[path] or {
            "results": []
        }
