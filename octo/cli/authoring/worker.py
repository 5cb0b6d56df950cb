"""Questions to the engine, each in a process of its own, which has so much time and may say so much.

Modules of the project are imported there only: they may end it, change the process or never return, and the next
question sees what they say by then. The processes are forks of one that has imported Octo already (`work.py`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from octo.cli.authoring import codes
from octo.cli.authoring.refusal import Refused
from octo.core import codec

PUBLIC = frozenset({"doc", "example", "explain", "search"})
"""Verbs whose answers are those of the package: nothing of the project is in them."""
_MODULE = "octo.cli.authoring.work"
MOST_SAID = 16 << 20
"""Bytes of an answer, at most."""
START = 20.0
"""Seconds beyond those of the question itself, for a machine that is busy."""
_AT_A_TIME = 2


class Worker:
    """Asks questions about a project. At most two at a time: each is a process that computes. Use `open`.

    module: the process that forks; see `octo.cli.authoring.work.serve`.
    """

    def __init__(self, root: Path, environ: Mapping[str, str], module: str = _MODULE) -> None:
        self._module = module
        self._root = root
        self._environ = environ
        self._room = asyncio.Semaphore(_AT_A_TIME)
        self._start()

    @classmethod
    @contextmanager
    def open(cls, root: Path, environ: Mapping[str, str], module: str = _MODULE) -> Iterator[Self]:
        """A context that leaves no process behind."""
        found = cls(root, environ, module)
        try:
            yield found
        finally:
            found._stop()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603  this program
                [sys.executable, "-m", self._module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=self._root,
                env=dict(self._environ),
                start_new_session=True,
            )

    def _stop(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()

    async def ask(self, verb: str, seconds: float, /, **given: object) -> dict[str, object]:
        """The answer. Raises `Refused`, also if there is none in time."""
        return await self.hear(verb, seconds, lambda _: None, **given)

    async def hear(
        self, verb: str, seconds: float, told: Callable[[Any], None], /, **given: object
    ) -> dict[str, object]:
        """The answer. told: called with each line that is told before. Raises as `ask`."""
        question = codec.write({"verb": verb, "given": given, "most": seconds + 2 * START})
        async with self._room:
            said = await self._said(question, seconds, told)
        answer = _answer(said)
        if answer is None:
            hint = "a module of the project may have ended it"
            raise Refused(codes.BROKE, f"the process that did {verb!r} ended without an answer", hint)
        if "refused" in answer:
            raise _refusal(answer["refused"])
        return answer

    async def _said(self, question: bytes, seconds: float, told: Callable[[Any], None]) -> bytes:
        reader, writer = await asyncio.open_connection(sock=self._forked())
        pid = b""
        try:
            async with asyncio.timeout(seconds + START):
                writer.write(question)
                writer.write_eof()
                pid = await reader.readline()
                return await _heard(reader, told)
        except TimeoutError:
            hint = "ask for less, or raise `timeout`"
            raise Refused(codes.LATE, f"it did not end within {seconds:g} s", hint) from None
        except OSError:
            return b""
        finally:
            if not reader.at_eof() and pid:  # so it lives, and so may what it has started
                with suppress(ProcessLookupError):
                    os.killpg(int(pid), signal.SIGKILL)
            writer.close()

    def _forked(self) -> socket.socket:
        """A connection to a new process. If the one that forks is gone, another takes its place."""
        mine, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"?"], [theirs.fileno()])
            except OSError:
                self._stop()
                self._start()
                socket.send_fds(self._control, [b"?"], [theirs.fileno()])
        return mine


async def _heard(reader: asyncio.StreamReader, told: Callable[[Any], None]) -> bytes:
    """The last line, b"" if it is too long; those before are told."""
    rest = bytearray()
    while piece := await reader.read(1 << 16):
        rest += piece
        while (end := rest.find(b"\n")) >= 0:
            line = bytes(rest[:end])
            del rest[: end + 1]
            told(codec.read(line))
        if len(rest) > MOST_SAID:
            return b""
    return bytes(rest)


def _answer(said: bytes) -> dict[str, object] | None:
    with suppress(ValueError):
        found = codec.read(said)
        if isinstance(found, dict):
            return found
    return None


def _refusal(told: object) -> Refused:
    assert isinstance(told, dict)
    facts = {str(name): each for name, each in told.items() if name not in ("code", "message", "hint")}
    return Refused(str(told["code"]), str(told["message"]), str(told.get("hint", "")), **facts)
