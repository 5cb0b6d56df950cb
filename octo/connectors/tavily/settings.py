"""The settings of a `tavily` connector and its blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from octo.core.expressions import Expr
from octo.core.settings import WEB, Advanced, Effect, Reaches
from octo.core.state import State
from octo.vendors.answered import Answered
from octo.vendors.settings import Address, Called, Key

Depth = Literal["basic", "advanced"]
Format = Literal["markdown", "text"]


class Account(Called):
    api_key: Key
    """The key, e.g. `tvly-...`."""
    base_url: Annotated[Address, Advanced, Reaches(WEB)] = Field(default="https://api.tavily.com", alias="baseURL")
    """Where the API is."""


class _Call(Answered):
    @property
    def effect(self) -> Effect:
        """It reads; each call costs credits."""
        return "safe"


class Search(_Call):
    query: Expr[str] = Field(examples=["body.question"])
    """What to search for."""
    search_depth: Depth = "basic"
    """`advanced` finds more that is relevant, takes longer and costs more."""
    topic: Literal["general", "news", "finance"] = "general"
    """Where to search."""
    max_results: Annotated[int, Field(ge=1, le=20)] = 5
    """How many pages to find, at most."""
    time_range: Literal["day", "week", "month", "year"] | None = None
    """Only pages that are at most this old."""
    include_answer: bool = False
    """Whether Tavily writes an answer, under `answer`."""
    include_raw_content: bool = False
    """Whether the results have the whole text of their pages, under `raw_content`."""
    include_domains: list[str] = Field(default_factory=list, max_length=300, examples=[["python.org"]])
    """Only pages of these domains."""
    exclude_domains: list[str] = Field(default_factory=list, max_length=150)
    """No pages of these domains."""

    def shape_after(self, before: State) -> State:
        before.of(self.query)
        return self.after(before)


class Extract(_Call):
    urls: Expr[object] = Field(examples=["body.urls"])
    """The pages to read: one address, or a list of at most 20."""
    extract_depth: Depth = "basic"
    """`advanced` reads tables and embedded content, too, and takes longer."""
    format: Format = "markdown"
    """What the text of a page is."""

    def shape_after(self, before: State) -> State:
        before.of(self.urls)
        return self.after(before)


class _Walk(_Call):
    url: Expr[str] = Field(examples=['"https://docs.python.org"'])
    """Where to begin."""
    instructions: Expr[str] | None = None
    """What to look for, in plain language. Costs more."""
    max_depth: Annotated[int, Field(ge=1, le=5)] = 1
    """How many links away from the beginning a page may be."""
    max_breadth: Annotated[int, Field(ge=1, le=500)] = 20
    """How many links of a page to follow, at most."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    """How many links to follow altogether, at most. Many take longer than the usual `timeout` of the connector."""
    select_paths: list[str] = Field(default_factory=list, max_length=100, examples=[["/docs/.*"]])
    """Only pages whose path matches one of these regular expressions."""
    exclude_paths: list[str] = Field(default_factory=list, max_length=100)
    """No pages whose path matches one of these."""
    allow_external: bool = False
    """Whether to follow links to other domains."""

    def shape_after(self, before: State) -> State:
        before.of(self.url)
        before.of(self.instructions)
        return self.after(before)


class Crawl(_Walk):
    extract_depth: Depth = "basic"
    """`advanced` reads tables and embedded content, too, and takes longer."""
    format: Format = "markdown"
    """What the text of a page is."""


class Map(_Walk):
    """The links of a site."""
