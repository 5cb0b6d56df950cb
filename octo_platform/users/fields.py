"""What people are called, and what lets them in: the fields of requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from octo_platform.auth.passwords import LONGEST, SHORTEST
from octo_platform.faults import meaning
from octo_platform.web.shapes import VISIBLE, Hidden

GivenRole = Literal["admin", "operator", "developer", "viewer"]
"""The roles of people. That of deployments is not theirs."""

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        max_length=320,
        pattern=meaning(r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", "it is an address such as ada@example.com"),
    ),
    AfterValidator(str.lower),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=VISIBLE)]
Password = Annotated[Hidden, Field(min_length=SHORTEST, max_length=LONGEST)]
"""One that is chosen."""

Given = Annotated[Hidden, Field(min_length=1, max_length=LONGEST)]
"""One that is tried."""
