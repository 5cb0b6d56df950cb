"""web-search: search the web with any provider of the family `web-search`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.block import block
from octo.core.errors import Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Effect, Settings
from octo.core.state import State
from octo.core.trace import effect
from octo.vendors import codes
from octo.vendors.searching import FAMILY, Searcher

LONGEST_QUERY = 2000


class WebSearch(Settings):
    query: Expr[str] = Field(examples=["body.question"])
    """What to search for."""
    max_results: Annotated[int, Field(ge=1, le=20)] = 5
    """How many pages to find, at most."""
    max_characters: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """How many characters of a page's text to keep, at most."""
    as_: str = Field(default="", alias="as")
    """Variable for what is found; without it that becomes the body."""

    @property
    def effect(self) -> Effect:
        return "safe"

    def shape_after(self, before: State) -> State:
        before.of(self.query)
        return before.without_var(self.as_) if self.as_ else before.with_body()


@block("web-search", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def web_search(connector: Searcher, settings: WebSearch, message: Message) -> Message:
    """Search the web: a list of `{title, url, text}`, the best first, with a `score` if the provider has one.

    Anybody may have written what is found. Give it to a model as data, never as an instruction, and call no address in
    it without a check.
    """
    query = settings.query(message).strip()
    if not 1 <= len(query) <= LONGEST_QUERY:
        raise Permanent(f"`query` must have 1 to {LONGEST_QUERY:,} characters", code=codes.REFUSED)
    found = [each.within(settings.max_characters) for each in await connector.search(query, settings.max_results)]
    found = found[: settings.max_results]
    effect("search", results=len(found))
    return message.with_var(settings.as_, found) if settings.as_ else message.with_body(found)
