"""The server of the editor: a port of this machine alone, from its start to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from octo.cli.editing.app import MOST_BODY, App
from octo.cli.editing.calls import CALLS
from octo.cli.editing.editor import Editor, Opened
from octo.cli.editing.entrance import Entrance
from octo.operations.server import serving

BUILT = Path(__file__).parent / "built"
"""The page, as `scripts/editor.sh build` makes it."""


def is_built() -> bool:
    return (BUILT / "index.html").is_file()


async def serve(
    opened: Opened,
    listener: socket.socket,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    used: Callable[[str], None],
) -> None:
    """Serve until `stop`. ready: called with the first link. used: called with a new one after each use."""
    entrance = Entrance(listener.getsockname()[1], used)
    async with (
        Editor.open(opened, entrance) as editor,
        serving(App(editor, entrance, CALLS, BUILT), listener, most_body=MOST_BODY),
    ):
        ready(entrance.link())
        await stop.wait()
