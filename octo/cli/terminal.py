"""The one printer of the command line: no text from outside may control the terminal.

A key of a body, the text of a server's error or the title of a test may contain anything, for example a sequence that
clears the screen or writes to the clipboard.
"""

from __future__ import annotations

import sys
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


def give(data: bytes, *, json: bool = False) -> None:
    """Write data to standard output: byte for byte, unless that is a terminal."""
    if sys.stdout.isatty():
        lines = data.decode(errors="replace").split("\n")
        data = "\n".join(printable_json(each) if json else calm(each) for each in lines).encode()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
