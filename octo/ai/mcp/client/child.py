"""A server that is a program on this machine: its start, its end, and messages over stdin and stdout.

Unlike the SDK's own transport it bounds a message, keeps what the program writes to stderr out of the terminal, and
says that the program has ended, and why.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from octo.ai.mcp.client import codes
from octo.ai.mcp.client.settings import Server
from octo.core.errors import Permanent, system_reason
from octo.core.log import fields
from octo.core.printable import printable

log = logging.getLogger("octo.mcp")

INHERITED = ("HOME", "LANG", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER")
"""Variables that every program gets. Nobody keeps secrets in them."""
GRACE = 2.0
"""Seconds that the program has to end by itself, and then again after SIGTERM."""
MOST_LINE = 500
"""Characters of a line of stderr that are logged."""

Streams = tuple[MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]]


@asynccontextmanager
async def started(settings: Server, most: int, ended: Callable[[str], None]) -> AsyncIterator[Streams]:
    """Start the program and yield the streams of messages from and to it; leaving ends it.

    most: bytes of a message. ended: is called with the reason when the program has ended by itself.
    """
    process = await _process(settings, most)
    inward, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    sent, outward = anyio.create_memory_object_stream[SessionMessage](0)
    child = _Child(process, settings.place, ended)
    async with asyncio.TaskGroup() as tasks:
        work = [
            tasks.create_task(child.read(inward)),
            tasks.create_task(child.write(outward)),
            tasks.create_task(child.listen()),
        ]
        try:
            yield received, sent
        finally:
            child.is_leaving = True
            received.close()
            sent.close()
            try:
                await _end(process)
            finally:
                _kill(process)
                for each in work:
                    each.cancel()
                for stream in (inward, outward):
                    stream.close()


async def _process(settings: Server, most: int) -> Process:
    try:
        try:
            return await _spawned(settings, most, alone=True)
        except PermissionError as error:
            if error.errno != errno.EPERM:  # the program itself may not be run
                raise
            return await _spawned(settings, most, alone=False)
    except (OSError, ValueError) as error:
        assert settings.command is not None
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, FileNotFoundError) and " " in settings.command:
            reason += "; arguments belong under `args`"
        raise Permanent(f"{settings.place} cannot be started: {reason}", code=codes.NO_COMMAND) from error


async def _spawned(settings: Server, most: int, *, alone: bool) -> Process:
    """alone: in a session of its own, so that its own children end with it. Where the platform has closed us in, nobody
    may have one, and they end with us.
    """
    assert settings.command is not None
    names = {*INHERITED, *settings.inherit}
    return await asyncio.create_subprocess_exec(
        settings.command,
        *settings.args,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={name: value for name in names if (value := os.environ.get(name)) is not None} | settings.env,
        cwd=settings.cwd,
        limit=most,
        start_new_session=alone,
    )


class _Child:
    """The program that runs. last: what it wrote to stderr last."""

    def __init__(self, process: Process, place: str, ended: Callable[[str], None]) -> None:
        self.is_leaving = False
        self.last = ""
        self._process = process
        self._place = place
        self._ended = ended

    async def read(self, inward: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """Pass on what the program says, until it says no more."""
        assert self._process.stdout is not None
        reason = ""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while not reason:
                try:
                    line = await self._process.stdout.readuntil(b"\n")
                except asyncio.IncompleteReadError:
                    break
                except asyncio.LimitOverrunError:
                    reason = "it sent a message that is too long"
                    break
                try:
                    message = SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
                except ValueError:
                    # Many programs print to stdout what belongs to stderr.
                    log.warning("no message of MCP", extra=fields(server=self._place, line=_shown(line)))
                    continue
                await inward.send(message)
        if not self.is_leaving:
            self._ended(reason or await self._reason())
        inward.close()

    async def write(self, outward: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Pass on what the session says."""
        stdin = self._process.stdin
        assert stdin is not None
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for each in outward:
                stdin.write(each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await stdin.drain()
        stdin.close()

    async def listen(self) -> None:
        """Log what the program writes to stderr."""
        stderr = self._process.stderr
        assert stderr is not None
        while True:
            try:
                line = await stderr.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                line = error.partial
                if not line:
                    return
            except asyncio.LimitOverrunError as error:
                line = await stderr.read(error.consumed or 1)
            if text := _shown(line):
                self.last = text
                log.info("server writes", extra=fields(server=self._place, line=text))

    async def _reason(self) -> str:
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):  # it may have closed stdout and go on
                code = await self._process.wait()
                await asyncio.sleep(0)  # for the last line of stderr
                told = f": {self.last}" if self.last else ""
                return f"its process ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}{told}"
        return "it has closed stdout"


async def _end(process: Process) -> None:
    """Close stdin, and wait; then ask it to end, and wait again."""
    assert process.stdin is not None
    process.stdin.close()
    for insist in (None, signal.SIGTERM):
        if insist is not None:
            _signal(process, insist)
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
                return


def _kill(process: Process) -> None:
    """End what is left of the program and of the programs that it started."""
    _signal(process, signal.SIGKILL)
    # What has the other ends of the pipes may live on, and asyncio has no public way to close ours.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            process.send_signal(number)  # it leads no group, or has ended


def _shown(line: bytes) -> str:
    return printable(line[: 4 * MOST_LINE].decode(errors="replace").strip()[:MOST_LINE])
