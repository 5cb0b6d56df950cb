"""The one printer of the command line: no text from outside may control the terminal.

A key of a body, the text of a server's error or the title of a test may contain anything, for example a sequence that
clears the screen or writes to the clipboard.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Any, TextIO

import click

from octo.core.printable import calm, printable_json


def say(text: str = "", *, err: bool = False, nl: bool = True, **style: Any) -> None:
    """Print a text for people, on standard output or error. style: as `click.style` takes it."""
    click.echo(  # noqa: TID251  the one place
        calm(click.style(text, **style) if style else text), err=err, nl=nl
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sees it. A stream may be closed, or absent from the start."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def columns(stream: TextIO | None, otherwise: int) -> int:
    """How many characters fit into a line of the terminal; elsewhere what is given: programs and files have room."""
    return max(shutil.get_terminal_size((80, 0)).columns, 40) if is_terminal(stream) else otherwise


def fitting(text: str, indent: int, stream: TextIO | None) -> str:
    """The text of a line that begins after `indent` characters, on a terminal in lines under one another."""
    width = columns(stream, 0) - indent
    if width <= 0:
        return text
    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)


def give(data: bytes, *, json: bool = False) -> None:
    """Write data to standard output: byte for byte, unless that is a terminal."""
    if sys.stdout.isatty():
        lines = data.decode(errors="replace").split("\n")
        data = "\n".join(printable_json(each) if json else calm(each) for each in lines).encode()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
