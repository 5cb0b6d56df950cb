"""What bodies of requests and answers have in common: names in camelCase, and no member that is not known."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from octo_platform.faults import meaning

Name = Annotated[
    str,
    StringConstraints(
        pattern=meaning(
            r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$", "it has small letters, digits, and `-` between them, at most 40"
        )
    ),
]
"""Small letters, digits and `-`, at most 40: it becomes part of host names."""

_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
VISIBLE = meaning(rf"^[^{_UNSEEN}]*$", "it is one line of text that can be seen")
"""No line ends, nothing that steers a terminal, and nothing that lets a name look like another one."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=VISIBLE)]


def is_text(value: str) -> bool:
    """Whether it can be written down: JSON also has halves of characters, which no encoding has."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: SecretStr) -> SecretStr:
    if not is_text(value.get_secret_value()):
        raise ValueError("it has half a character, which no encoding has")
    return value


Hidden = Annotated[SecretStr, AfterValidator(_text)]
"""A text that is shown nowhere."""


MOST_MEMBERS = 1_000
"""Of an object in a body."""


class Shape(BaseModel):
    """See the module."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: object) -> object:
        """Before any member is looked at: each that is wrong is told, and that takes seconds where there are many."""
        for each in (value, *(value.values() if isinstance(value, dict) and len(value) <= MOST_MEMBERS else ())):
            if isinstance(each, dict) and len(each) > MOST_MEMBERS:
                raise ValueError(f"it has at most {MOST_MEMBERS:,} members")
        return value
