"""The settings of paging: how the next page is found, what is done with each, and where it ends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from octo.connectors.http_client.paths import complain
from octo.core.expressions import Expr
from octo.core.settings import Advanced, Settings
from octo.core.sockets import Steps
from octo.core.state import State

MOST_ITEMS = 10_000
_WAYS = ("link", "next", "cursor", "page", "offset")


class Follow(Settings):
    """How to find the next page, which is one of `link`, `next`, `cursor`, `page` and `offset`.

    Expressions see each page as `body`, and the variables of its answer.
    """

    link: str | None = Field(default=None, min_length=1)
    """The relation that names the next page in the header `Link`: `next`, as RFC 8288 has it. `follow: link` is short
    for that."""
    next: Expr[object] | None = None
    """The address of the next page, whole or relative, e.g. `body.links.next`. Null, empty or absent: this is the last
    page."""
    cursor: Expr[object] | None = None
    """What the next request sends as the query parameter `param`, e.g. `body.next_cursor`. Null, empty or absent: this
    is the last page."""
    param: str = Field(default="cursor", min_length=1)
    """The query parameter of `cursor`."""
    as_: str | None = Field(default=None, alias="as", min_length=1)
    """Variable that the request's expressions read instead of a query parameter, for a cursor or number that belongs
    into its `body`, `path` or `headers`; null before the first cursor. It is gone afterwards."""
    page: str | None = Field(default=None, min_length=1)
    """The query parameter with the number of the page. The first page without items is the last."""
    offset: str | None = Field(default=None, min_length=1)
    """The query parameter with the number of items before the page. The first page without items is the last."""
    first: int | None = Field(default=None, ge=0)
    """The first number of `page` (default 1) or `offset` (default 0)."""
    size: int | None = Field(default=None, ge=1)
    """How many items a full page has: with `page` and `offset`, one with fewer is the last."""
    until: Expr[bool] | None = None
    """Whether this page is the last, e.g. `!body.has_more`, besides what else says so."""
    items: Expr[object] | None = None
    """The list of items of a page, e.g. `body.data`. Default: the body of the answer."""
    each: Steps | None = None
    """A chain to run for each page, with the list of its items as the body: only one page is in memory. The variables
    it sets are there for the next page and afterwards; then the body is `{"pages": ..., "items": ...}`, how many there
    were. Without a chain the items of all pages become the body."""
    max_pages: int = Field(default=1000, ge=1)
    """At most this many pages."""
    max_items: int | None = Field(default=None, ge=1)
    """At most this many items. Default: 10000; with `each` any number."""
    on_limit: Annotated[Literal["error", "stop"], Advanced] = "error"
    """What to do when there are more pages or items: `error`, or `stop` and be content with the first."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"link": "next" if value == "link" else value}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Follow:
        ways = [name for name in _WAYS if getattr(self, name) is not None]
        if len(ways) != 1:
            found = " and ".join(f"`{name}`" for name in ways) or "none"
            raise complain(f"one of `link`, `next`, `cursor`, `page` and `offset` finds the next page; found {found}")
        if "param" in self.model_fields_set and self.cursor is None:
            raise complain("`param` belongs to `cursor`; `page` and `offset` name their own parameter")
        counted = self.page is not None or self.offset is not None
        if self.as_ is not None and self.cursor is None and not counted:
            raise complain("`as` belongs to `cursor`, `page` and `offset`: the others are whole addresses")
        for name in ("first", "size"):
            if getattr(self, name) is not None and not counted:
                raise complain(f"`{name}` belongs to `page` and `offset`")
        return self

    @property
    def start(self) -> int:
        """The number that the first request sends."""
        return self.first if self.first is not None else int(self.page is not None)

    @property
    def counter(self) -> str | None:
        """The query parameter that counts, if one does."""
        return self.page or self.offset

    @property
    def most_items(self) -> int | None:
        return MOST_ITEMS if self.max_items is None and self.each is None else self.max_items

    def after(self, page: State, before: State) -> State:
        """What is known of a message after all pages. page: before each, with its answer as body."""
        for each in (self.next, self.cursor, self.until, self.items):
            page.of(each)
        if self.each is None:
            return before.with_body()
        return before.repeated(lambda state: state.with_body().chain(self.each)).with_body()
