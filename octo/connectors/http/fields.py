"""What the settings are made of: names of headers, cookies and methods, lines, paths of pages, folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from octo.core.expressions import build_of, inside
from octo.expr import nearest

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = ("content-length", "transfer-encoding", "connection", "content-type")
"""Headers that only the connector may write: another value would break the framing or contradict the body."""


def complain(text: str) -> PydanticCustomError:
    return PydanticCustomError("http", "{text}", {"text": text})


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise complain(f"{name!r} is not a header name")
    return name


def _cookie(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise complain(f"{name!r} is not a cookie name")
    return name


def _settable(name: str) -> str:
    if name.lower() in _OURS:
        raise complain(f"the header {name} is written by the connector itself")
    return _header(name)


def _value(value: str) -> str:
    if CONTROL.search(value):
        raise complain("a header value is one line without control characters")
    return value


def _method(name: str) -> str:
    if name.upper() not in METHODS:
        near = nearest(name.upper(), METHODS)
        raise complain(f"{name!r} is not a method{f'; did you mean {near}?' if near else ''}")
    return name.upper()


HeaderName = Annotated[str, AfterValidator(_header)]
OptionalHeader = Annotated[str, AfterValidator(lambda name: _header(name) if name else name)]
SettableHeader = Annotated[str, AfterValidator(_settable)]
HeaderValue = Annotated[str, AfterValidator(_value)]


def _folder(folder: str, info: ValidationInfo) -> Path:
    try:
        found = inside(folder, info)
    except ValueError as error:
        raise complain(str(error)) from None
    root = build_of(info).root
    if root is not None and found == root.resolve():
        raise complain(
            "this is the folder of the configuration: flow files and what else is there would be served; put "
            "the files into a folder of their own, e.g. `public`"
        )
    return found


Folder = Annotated[Path, BeforeValidator(_folder)]
CookieName = Annotated[str, AfterValidator(_cookie)]
Method = Annotated[str, AfterValidator(_method)]


def _page(value: object) -> object:
    if isinstance(value, bool):
        raise complain("this is the path of a page, e.g. `/openapi.json` or `/docs`; without it there is none")
    return value


PagePath = Annotated[str, BeforeValidator(_page), Field(pattern=r"^(/[!-z|~]*)?$")]
"""A path without parameters, or ""."""
Line = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")]
"""A text of one line, e.g. the name of an event."""
