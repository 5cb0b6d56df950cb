"""The input of a verb: a body, variables and other values, from options, files and standard input."""

from __future__ import annotations

import re
import stat
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import click

from octo.cli.terminal import say
from octo.core import codec, content
from octo.core.charsets import NotText, encode
from octo.core.message import Message


class Given(NamedTuple):
    """The options that make up the message."""

    data: str | None
    content_type: str | None
    variables: str | None

    @property
    def vars(self) -> dict[str, object]:
        return read_object(self.variables, "--vars")

    def message(self) -> Message:
        if self.content_type is None or _is_json(self.content_type):
            return Message(read_body(self.data, self.content_type or ""), self.vars)
        raw, origin = _raw(self.data)
        if not raw:
            return Message(None, self.vars)
        if origin == "--data":  # the shell's text: encode it as the content type says
            raw = _written(raw.decode(), self.content_type)
        return Message(content.raw(raw, self.content_type), self.vars, raw=True)


def _written(text: str, content_type: str) -> bytes:
    try:
        return encode(text, content_type)
    except NotText as error:
        raise click.UsageError(f"--data: {error}") from None


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind):
        raise click.BadParameter(
            f"{content_type!r} is not a media type; write e.g. text/csv", param_hint="--content-type"
        )
    return kind == "application/json" or kind.endswith("+json")


def read_body(data: str | None, content_type: str = "") -> object:
    """The body from `--data` or standard input, or None."""
    return _json(*_raw(data), content_type)


def _raw(data: str | None) -> tuple[bytes, str]:
    """The bytes from `--data` or standard input and their origin; empty if there are none.

    An empty `--data` counts as not given: scripts pass on a variable that may be unset.
    """
    if not data:
        mode = stat.S_IFMT(_stdin_mode())
        if mode not in (stat.S_IFREG, stat.S_IFIFO):
            return b"", ""
        data = "-"
    if data == "-":
        return _stdin(), "standard input"
    return read_option(data, "--data")


def read_option(text: str, option: str) -> tuple[bytes, str]:
    """The bytes in an option, or in the file that it names with `@`; and their origin, for messages."""
    return (_file(Path(text[1:])), text[1:]) if text.startswith("@") else (text.encode(), option)


def _stdin_mode() -> int:
    import os

    try:
        return os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return 0


def _stdin() -> bytes:
    notice = threading.Timer(
        2.0,
        lambda: say("reading the body from standard input (use --data to give it, or </dev/null for none)", err=True),
    )
    notice.daemon = True
    notice.start()
    try:
        return sys.stdin.buffer.read()
    finally:
        notice.cancel()


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None


def _json(raw: bytes, origin: str, content_type: str = "") -> object:
    try:
        return codec.body(raw, content_type)
    except codec.NotJson as error:
        example = f'. Write e.g. {origin} \'{{"name": "Ada"}}\'' if origin in ("--data", "--vars") else ""
        raise click.UsageError(f"{origin} is {error}{example}") from None


def read_object(text: str | None, option: str) -> dict[str, object]:
    """The JSON object in an option; an absent option means an empty object."""
    return read_mapping(text.encode(), option) if text else {}


def read_mapping(raw: bytes, origin: str) -> dict[str, object]:
    """The JSON object in these bytes."""
    value = _json(raw, origin)
    if not isinstance(value, dict):
        raise click.UsageError(f"{origin} must be a JSON object")
    return value
