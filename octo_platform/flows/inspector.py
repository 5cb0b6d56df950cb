"""What `octo check` says of flow files: problems, and what deploying them needs.

It runs as a process of its own, which runs nothing of what is in the files. It reads them and nothing else, reaches no
network, and has limits for time, memory and output.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from octo_platform.enclosure.enclosure import Enclosure, program
from octo_platform.flows.archive import Files
from octo_platform.problem import Problem

MOST_AT_ONCE = 2
MOST_WAITING = 32
PATIENCE = 60.0
"""Seconds."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV")
_LARGEST = 32 << 20
"""Bytes of what it says, and of any file that it writes."""
_MEMORY = 2 << 30


class Inspector:
    """See the module. Its processes see no variable of the platform but those that starting them needs.

    hides: paths that they cannot read wherever Python is; None if they are not closed in at all.
    """

    def __init__(self, hides: Sequence[str] | None = ()) -> None:
        self._hides = hides
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def facts(self, files: Files) -> dict[str, Any]:
        """What the files contain and need, with `ok`, `problems` and `warnings`. Places name the files alone."""
        return await self._ask(files, "check", "--facts")

    async def _ask(self, files: Files, *arguments: str) -> dict[str, Any]:
        if self._waiting >= MOST_WAITING:
            raise Problem("busy", "many flow files wait to be checked").with_headers({"Retry-After": "10"})
        self._waiting += 1
        try:
            async with self._turns:
                with tempfile.TemporaryDirectory(prefix="octo-check-") as folder:
                    await asyncio.to_thread(_write, Path(folder), files)
                    enclosure = None
                    if self._hides is not None:
                        enclosure = Enclosure(reads=(folder,), hides=(tempfile.gettempdir(), *self._hides))
                    found: dict[str, Any] = await _run(Path(folder), enclosure, *arguments, ".")
                    return found
        finally:
            self._waiting -= 1


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that a Python process needs, and none besides."""
    kept = {name: given[name] for name in _KEPT if name in given}
    # It stands in the folder of the files, from which a path that is relative would import.
    paths = [str(Path(each).absolute()) for each in kept.pop("PYTHONPATH", "").split(os.pathsep) if each]
    return kept | ({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})


def _write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


async def _run(folder: Path, enclosure: Enclosure | None, *arguments: str) -> Any:
    started = program("octo", arguments, environment(), enclosure)
    process = await asyncio.create_subprocess_exec(
        *started.command,
        cwd=folder,
        env=started.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # nobody reads it
        start_new_session=True,
    )
    try:
        _limit(process.pid)
        async with asyncio.timeout(PATIENCE):
            output = await _output(process)
            await process.wait()
    except TimeoutError:
        raise Problem("busy", "checking the flow files took too long") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    try:
        return json.loads(output)
    except ValueError:
        raise Problem("internal", "the flow files could not be checked") from None


async def _output(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    output = b""
    while piece := await process.stdout.read(1 << 16):
        output += piece
        if len(output) > _LARGEST:
            raise Problem("too-large", "there is too much to say of these flow files")
    return output


def _limit(pid: int) -> None:
    """Whatever the files make of it, it takes no more than this, and leaves no memory image behind."""
    with suppress(OSError, ImportError, AttributeError):
        import resource

        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_LARGEST, _LARGEST))
        resource.prlimit(pid, resource.RLIMIT_CPU, (int(PATIENCE) + 1, int(PATIENCE) + 1))
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
