"""`octo edit`: see, change, run and debug the flows of a folder in the browser."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.terminal import say
from octo.core.errors import OctoError

if TYPE_CHECKING:
    from octo.cli.editing.editor import Opened

HERE = "127.0.0.1"


@click.command(
    "edit",
    cls=Verb,
    epilog="""\b
Examples:
  octo edit                 the flows of this folder
  octo edit flow.yaml       one flow file
  octo edit --no-browser    print the link only""",
)
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path, exists=True))
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="Port of the page.")
@click.option("--no-browser", is_flag=True, help="Open no browser: print the link only.")
def command(path: Path, port: int, *, no_browser: bool) -> None:
    """Open the editor on the flows of the folder PATH, or on one flow file.

    Files stay plain files, and only this machine is served: the link that is printed works once, and a new one follows
    for each browser. Ctrl-C ends the editor and what runs in it.
    """
    from octo.cli.editing import codes
    from octo.cli.editing.editor import Opened
    from octo.cli.editing.serving import is_built
    from octo.cli.project import refuse

    if not hasattr(os, "fork"):
        raise click.UsageError("octo edit needs a system that forks processes: Linux or macOS")
    if not is_built():
        cure = "`make edit` builds it and opens samples; scripts/editor.sh build only builds it"
        refuse(OctoError(f"the editor is not built; in a checkout of Octo, {cure}", code=codes.UNBUILT))
        raise SystemExit(exits.USAGE)
    asyncio.run(_serve(Opened.of(path), _listening(port), opens=not no_browser))


def _listening(port: int) -> socket.socket:
    from octo.operations.address import Address, bind

    try:
        return bind(Address(HERE, port))
    except OSError as error:
        raise click.UsageError(f"--port {port}: {os.strerror(error.errno or 0)}") from None


async def _serve(opened: Opened, listener: socket.socket, *, opens: bool) -> None:
    from octo.cli.editing.serving import serve
    from octo.cli.stopping import GRACE, Stopping

    stop = asyncio.Event()
    Stopping(stop, 4 * GRACE).listen()

    def ready(link: str) -> None:
        say(f"  octo edit: {link}\n  Ctrl-C stops.")
        if opens:
            # A browser in the terminal would be waited for at the end.
            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    await serve(opened, listener, stop, ready, lambda link: say(f"  for another browser: {link}"))
