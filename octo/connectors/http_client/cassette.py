"""How requests and answers stand on a cassette: in the words of a stub's `answers`."""

from __future__ import annotations

import re

from pydantic import Field

from octo.core.cassette import Format, Plain
from octo.core.settings import Settings

_TELLING = re.compile(
    "allow|cache-control|content-(disposition|language|type)|deprecation|link|location|retry-after|sunset|"
    "www-authenticate"
)
"""Headers of an answer whose change means something."""


class RecordedRequest(Settings):
    """A request. Its headers are not recorded: they do not decide which answer it gets."""

    method: str
    """Its method."""
    path: str
    """Its path below the connector's `baseURL`, or the whole path; of a request to another server the address."""
    query: dict[str, object] = Field(default_factory=dict)
    """Its parameters: a text, or a list of texts for one that is repeated."""
    body: object = None
    """Its body, if that is JSON."""
    form: dict[str, object] = Field(default_factory=dict)
    """Its body, if that is a form."""
    text: str | bytes | None = None
    """Any other body."""
    digest: str | None = None
    """In place of a large body: what it is known by."""


class RecordedReply(Settings):
    """An answer, at the end of redirects."""

    status: int
    """Its status."""
    headers: dict[str, str | list[str]] = Field(default_factory=dict)
    """Its headers, names in lower case, without those that are about one call."""
    body: object = None
    """Its body, if that is JSON."""
    text: str | bytes | None = None
    """Any other body."""
    url: str | None = None
    """The address that answered, if it was reached by redirects."""


def label(request: Plain) -> str:
    """The method and address of a request."""
    query = "&".join(f"{name}={each}" for name, value in (request.get("query") or {}).items() for each in _all(value))
    return f"{request['method']} {request['path']}{'?' if query else ''}{query}"


def _all(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def tells(path: str) -> bool:
    """Whether a change at this place of an answer means something."""
    name = path.removeprefix("headers.")
    return path != "url" if name == path else _TELLING.fullmatch(name) is not None


def doubt(reply: Plain) -> str:
    """Say so if the server has refused."""
    return f"status {reply['status']}" if reply["status"] >= 400 else ""


FORM = Format(RecordedRequest, RecordedReply, label, tells, doubt=doubt)
