"""The settings of a `brave` connector."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octo.core.settings import WEB, Advanced, Reaches
from octo.vendors.settings import Address, Called, Key


class Account(Called):
    api_key: Key
    """The key of the subscription."""
    base_url: Annotated[Address, Advanced, Reaches(WEB)] = Field(
        default="https://api.search.brave.com/res/v1", alias="baseURL"
    )
    """Where the API is."""
