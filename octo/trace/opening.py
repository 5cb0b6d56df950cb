"""Opens a store by its name, which says its kind and its path.

`memory:` is gone with its process. `file:PATH.jsonl` is easy to read with other tools. `sqlite:PATH.db` is best at
finding traces and at deleting old ones. Several processes may write to the same file of either kind.
"""

from __future__ import annotations

from pathlib import Path

from octo.core.errors import Permanent
from octo.trace import codes
from octo.trace.store import Store


def open_store(url: str, *, write: bool = False) -> Store:
    """The store that `memory:`, `file:PATH`, `sqlite:PATH` or a path with a known ending, such as .jsonl or .db, names.

    write: create it if it does not exist, and check that it can be written. Raises `Permanent` if it cannot be used.
    """
    kind, path = _parts(url)
    if kind == "memory":
        if not write:
            raise Permanent(
                "memory: keeps traces in the process that runs; ask its operations port for GET /traces",
                code=codes.NO_STORE,
            )
        from octo.trace.memory import Memory

        return Memory()
    if kind == "file":
        from octo.trace.file import File

        return File(path).ready(write=write)
    from octo.trace.sqlite import Sqlite

    return Sqlite(path).ready(write=write)


_ENDINGS = {".jsonl": "file", ".ndjson": "file", ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite"}


def _parts(url: str) -> tuple[str, Path]:
    kind, colon, path = url.partition(":")
    if url == "memory:":
        return "memory", Path()
    if colon and kind in ("file", "sqlite") and path:
        return kind, Path(path)
    known = _ENDINGS.get(Path(url).suffix)
    if known is None or (colon and kind == "memory"):
        raise Permanent(
            f"{url!r} is not a trace store; write memory:, file:traces.jsonl or sqlite:traces.db", code=codes.STORE
        )
    return known, Path(url)
