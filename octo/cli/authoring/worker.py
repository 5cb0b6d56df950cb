"""A question to the engine in a process of its own, which has so much time and may say so much.

Modules of the project are imported there only: they may end it, change the process or never return, and the next
question sees what they say by then.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import orjson

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused

MOST_SAID = 4 << 20
"""Bytes of an answer, at most."""
MOST_COMPLAINED = 64 << 10
"""Bytes of standard error that are kept."""
START = 20.0
"""Seconds beyond those of the question itself, for a machine that is busy."""
_AT_A_TIME = 2


class Worker:
    """Asks questions about a project. At most two at a time: each is a process that computes."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self._room = asyncio.Semaphore(_AT_A_TIME)

    async def ask(self, verb: str, seconds: float, /, **given: object) -> dict[str, object]:
        """The answer. Raises `Refused`, also if there is none in time."""
        question = orjson.dumps({"verb": verb, "given": given, "most": seconds + START})
        async with self._room:
            code, said, complaint = await self._run(question, seconds + START, seconds)
        answer = _answer(said)
        if answer is None:
            last = complaint.decode(errors="replace").strip()[-2_000:]
            raise Refused(codes.BROKE, f"the process that did {verb!r} ended without an answer", exit=code, said=last)
        if "refused" in answer:
            raise _refusal(answer["refused"])
        return answer

    async def _run(self, question: bytes, seconds: float, told: float) -> tuple[int | None, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "octo.cli.authoring.work"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._root,
            env=self._environ,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                tasks.create_task(_tell(process, question))
                said = tasks.create_task(_heard(process.stdout, MOST_SAID))
                complaint = tasks.create_task(_heard(process.stderr, MOST_COMPLAINED))
                await process.wait()
                _end(process)
        except TimeoutError:
            raise Refused(codes.LATE, f"it did not end within {told:g} s", "ask for less, or raise `timeout`") from None
        finally:
            _end(process)
            await process.wait()
        return process.returncode, said.result(), complaint.result()


def _end(process: asyncio.subprocess.Process) -> None:
    """End it, and what it has started: that would keep its output open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _tell(process: asyncio.subprocess.Process, question: bytes) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(question)
        await process.stdin.drain()
        process.stdin.close()


async def _heard(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """The last bytes that came. What is more is read all the same, as its writer would wait for ever."""
    assert stream is not None
    heard = b""
    while piece := await stream.read(1 << 16):
        heard = (heard + piece)[-most:]
    return heard


def _answer(said: bytes) -> dict[str, object] | None:
    with suppress(ValueError):
        found = orjson.loads(said)
        if isinstance(found, dict):
            return found
    return None


def _refusal(told: object) -> Refused:
    assert isinstance(told, dict)
    facts = {str(name): each for name, each in told.items() if name not in ("code", "message", "hint")}
    return Refused(str(told["code"]), str(told["message"]), str(told.get("hint", "")), **facts)
