"""ETags: the revision of a row. A write names the one that it is based on, so no change is overwritten unseen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Header, Response

from octo_platform.problem import Problem
from octo_platform.storage.tables import now

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag that was read, or `*` for whatever there is", max_length=200),
]


IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="`*`: there must be none of this name", max_length=200)
]


class Revised(Protocol):
    """A row that counts its writes."""

    revision: int
    updated_at: datetime


def etag(revision: int, updated_at: datetime) -> str:
    """The moment tells it from one of the same name that was deleted, and has had as many revisions."""
    return f'"r{revision}-{round(updated_at.timestamp() * 1_000_000):x}"'


def of(row: Revised) -> str:
    return etag(row.revision, row.updated_at)


def tell(response: Response, row: Revised) -> None:
    """Send the ETag of a row."""
    response.headers["ETag"] = of(row)


def expect(row: Revised, if_match: str | None) -> None:
    """Refuse unless the writer has seen the row as it is. Raises `Problem`."""
    if if_match is None:
        raise Problem("if-match-needed")
    given = {each.strip().removeprefix("W/") for each in if_match.split(",")}
    if "*" not in given and of(row) not in given:
        raise Problem("changed", "Read it again, and repeat your change").with_headers({"ETag": of(row)})


def revise(row: Revised, if_match: str | None) -> None:
    """Let a writer change a row that was selected for update."""
    expect(row, if_match)
    row.revision += 1
    row.updated_at = now()
