"""Services in a SQLite file: they need no server, survive `kill -9`, and serve all processes of one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.sharing import Shared

if TYPE_CHECKING:
    from octo.services.container import Opener
    from octo.services.embedded.store import Store

PROVIDED = ("key-value", "leases", "queues", "topics")


def openers(url: str) -> Mapping[str, Opener]:
    """The openers of the services in the file that a `sqlite:` URL names; all use one store."""
    path = url.removeprefix("sqlite:")
    if path.startswith("//"):
        path = path.removeprefix("//")
        if not path.startswith("/"):
            raise _refused("write `sqlite:///PATH` for an absolute path, `sqlite:PATH` for another")
    if not path.strip("/"):
        raise _refused("`sqlite:` needs the path of a file, e.g. `sqlite:octo-store/octo.db`")
    return in_file(Path(path))


def _refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)


def in_file(path: Path) -> Mapping[str, Opener]:
    """The openers of the services in this file."""

    def opened() -> AbstractAsyncContextManager[Store]:
        from octo.services.embedded import store  # a start without services does not pay for SQLite

        return store.opened(path)

    return Shared(opened, _providers).openers(PROVIDED)


def _providers() -> Mapping[str, Callable[[Store], object]]:
    from octo.services.embedded import key_value, leases, queues, topics

    return {
        "key-value": key_value.Entries,
        "leases": leases.Holders,
        "queues": queues.Lines,
        "topics": topics.Logs,
    }
