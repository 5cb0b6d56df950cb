"""The settings of a `searxng` connector."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.settings import WEB, Reaches
from octo.vendors.settings import Address, Called


class Server(Called):
    url: Annotated[Address, Reaches(WEB)] = Field(examples=["http://searxng:8080"])
    """Where SearXNG is. Its `search: formats:` must have `json`."""
    language: str = Field(default="", max_length=20, examples=["en"])
    """Language of the pages; empty leaves it to the server."""
    categories: list[str] = Field(default_factory=list, max_length=20, examples=[["general", "science"]])
    """Categories to search in; empty leaves them to the server."""
