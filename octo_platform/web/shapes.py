"""What bodies of requests and answers have in common: names in camelCase, and no member that is not known."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
"""Small letters, digits and `-`, at most 40: it becomes part of host names."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Shape(BaseModel):
    """See the module."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")
