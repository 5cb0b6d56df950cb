"""What `octo check` says of flow files: problems, and what deploying them needs. It runs as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octo_platform.flows.archive import Files
from octo_platform.problem import Problem

MOST_AT_ONCE = 2
PATIENCE = 60.0
"""Seconds."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV")
_LARGEST = 32 << 20


class Inspector:
    """See the module. Its processes see no variable of the platform but those that starting them needs."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def facts(self, files: Files) -> dict[str, Any]:
        """What the files contain and need, with `ok`, `problems` and `warnings`. Places name the files alone."""
        return await self._ask(files, "check", "--facts")

    async def _ask(self, files: Files, *arguments: str) -> dict[str, Any]:
        async with self._turns:
            with tempfile.TemporaryDirectory(prefix="octo-check-") as folder:
                await asyncio.to_thread(_write, Path(folder), files)
                found: dict[str, Any] = await _run(Path(folder), *arguments, ".")
                return found


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that a Python process needs, and none besides."""
    return {name: given[name] for name in _KEPT if name in given}


def _write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


async def _run(folder: Path, *arguments: str) -> Any:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "octo", *arguments),
        cwd=folder,
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError:
        raise Problem("busy", "checking the flow files took too long") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return json.loads(output)
    except ValueError:
        raise Problem("internal", "the flow files could not be checked") from None
