"""One process of a deployment: `octo run`, with a line to it, its output, and an operations socket.

It is closed in, so whatever it needs of us was opened before and is lent to it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from octo.core.supervisor import VARIABLE
from octo_platform.deploy.local.cgroups import Cgroup
from octo_platform.deploy.local.groups import Usage
from octo_platform.deploy.local.line import Line
from octo_platform.deploy.local.sockets import Loan, private
from octo_platform.enclosure.enclosure import Program

HUNG = 15.0
"""Seconds without a sign of life after which an instance that has started is taken for one that hangs."""
START = 120.0
"""The same for one that starts: it imports an author's modules."""
MOST_TASKS = 1024
"""Processes and threads of an instance, and of all that it has started."""
LAST_WORDS = 1.0
"""Seconds that one that hangs has to write what its threads do, before it is killed."""
_PIECE = 64 * 1024
_FASTEST = 4 << 20
"""Bytes of output in a second. Who writes more waits, and the platform has time for everything else."""
_LONGEST = 256 * 1024
"""Bytes without a line end that are kept."""
_TAIL = 40
"""Lines that are remembered, to say why it ended."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Start(NamedTuple):
    """How to start one. admin: the path of its operations socket. wrote: takes each line, and returns it masked.

    group: what the program joins, if there is one.
    """

    name: str
    program: Program
    folder: Path
    admin: Path
    wrote: Callable[[str, bytes], str]
    group: Cgroup | None = None


class Child:
    """A process. news: set whenever something about it may have changed.

    code: its exit code, negative for a signal, None while it runs. has_started: whether its flows run. heard: the
    loop's time of the last sign of life. condemned: why it is killed, and `killed` when. tail: its last lines.
    """

    def __init__(self, start: Start, loan: Loan) -> None:
        """Start it. Raises OSError if the system does not let us."""
        self.name = start.name
        self.admin = start.admin
        self.since = datetime.now(UTC)
        self.news = asyncio.Event()
        self.code: int | None = None
        self.has_started = False
        self.condemned = ""
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._wrote = start.wrote
        self._loan = loan
        self._loop = asyncio.get_running_loop()
        self.born = self.heard = self._loop.time()
        self._stop_until: float | None = None
        self._killed_at: float | None = None
        self._rest = b""
        self._was_over = False
        self._group = start.group
        self._memory = 0
        self._line = Line(loan.lend, loan.give_back, self._beat)
        self._output, theirs = os.pipe()
        try:
            with private(start.admin) as operations:
                self._process = _spawn(start, self._line.theirs.fileno(), operations.fileno(), theirs)
        except BaseException:
            self._line.close()
            os.close(self._output)
            self.admin.unlink(missing_ok=True)
            if self._group is not None:
                self._group.end()
            raise
        finally:
            os.close(theirs)
        self._line.theirs.close()
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read)
        _limit(self._process.pid)
        self._await_end()

    @property
    def pid(self) -> int:
        return self._process.pid

    # --- its end -------------------------------------------------------------------------------------------------

    def stop(self, patience: float) -> None:
        """Let it come to an end; after `patience` seconds `look` kills it."""
        if self._stop_until is None and self.code is None:
            self._stop_until = self._loop.time() + patience
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it has started, at once."""
        if self.code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def condemn(self, why: str) -> None:
        """End it because something is wrong with it."""
        if not self.condemned:
            self.condemned = why

    def look(self, now: float, memory: int, usage: Usage, *, was_asleep: bool) -> None:
        """Look whether it hangs, or takes more than `memory` bytes or too many processes.

        usage: of all that it has started, and of itself. was_asleep: whether nobody could have heard it.
        """
        if self.code is not None:
            return
        if was_asleep:
            self.heard = now
        if self._group is not None and memory != self._memory:
            with suppress(OSError):  # we look, too
                self._group.bound("memory.max", memory)
            self._memory = memory
        if self._killed_at is not None:
            if now > self._killed_at + LAST_WORDS:
                self.kill()
        elif self._stop_until is not None and now > self._stop_until:
            self.condemn("Stuck")
            self.kill()
        elif now - self.heard > (HUNG if self.has_started else START):
            self.condemn("Hung")
            self._killed_at = now
            self._process.send_signal(signal.SIGQUIT)  # it writes what its threads do
        elif usage.tasks > MOST_TASKS:
            self.condemn("TooManyProcesses")
            self.kill()
        elif self._is_over(memory, usage):
            self.condemn("OutOfMemory")
            self.kill()

    def _is_over(self, memory: int, usage: Usage) -> bool:
        """Whether it has more memory than it may. A process that is being started has that of its parent for a moment.

        So others count once they are found twice.
        """
        own = self.resident()
        was_over, self._was_over = self._was_over, own + usage.memory > memory
        return own > memory or (was_over and self._was_over)

    def resident(self) -> int:
        """Bytes of memory that it has; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError, ValueError):
            return 0

    def _await_end(self) -> None:
        if hasattr(os, "pidfd_open"):
            self._pidfd = os.pidfd_open(self._process.pid)
            self._loop.add_reader(self._pidfd, self._ended)
        else:
            threading.Thread(target=self._wait, name="octo-child", daemon=True).start()

    def _wait(self) -> None:
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        if hasattr(os, "pidfd_open"):
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
        # Before it is reaped: until then its number belongs to nobody else. What it has started must not outlive it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._group is not None:
            if self._group.had_no_memory:
                self.condemn("OutOfMemory")
            self._group.end()
        self.code = self._process.wait()
        self._read()
        self._close_output()
        self._line.close()
        self._loan.end()
        self.admin.unlink(missing_ok=True)
        self.news.set()

    # --- what it says --------------------------------------------------------------------------------------------

    def _beat(self, has_started: bool) -> None:
        self.heard = self._loop.time()
        self.has_started = self.has_started or has_started
        self.news.set()

    def _read(self) -> None:
        """Take what it wrote; all that is there once it has ended."""
        while self._output >= 0:
            try:
                data = os.read(self._output, _PIECE)
            except BlockingIOError:
                return
            if not data:
                self._close_output()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            if len(self._rest) > _LONGEST:
                lines.append(self._rest)
                self._rest = b""
            for each in lines:
                self._write(each)
            if self.code is None:  # others have their turn
                if len(data) == _PIECE:
                    self._loop.remove_reader(self._output)
                    self._loop.call_later(_PIECE / _FASTEST, self._read_on)
                return

    def _read_on(self) -> None:
        if self._output >= 0:
            self._loop.add_reader(self._output, self._read)

    def _write(self, line: bytes) -> None:
        if line.strip():
            self.tail.append(self._wrote(self.name, line))

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1
            self._write(self._rest)
            self._rest = b""


def _spawn(start: Start, line: int, operations: int, output: int) -> subprocess.Popen[bytes]:
    lent = {VARIABLE: str(line), "OCTO_ADMIN_SOCKET": f"fd:{operations}"}
    # A session of its own: Ctrl-C reaches only the platform, and one signal reaches all that a child has started.
    return subprocess.Popen(  # noqa: S603  our own command line
        start.program.command,
        env={**start.program.environment, **lent},
        cwd=start.folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=[line, operations],
        start_new_session=True,
    )


def _limit(pid: int) -> None:
    """Leave no memory image with secrets behind, and let a system without memory end a flow before the platform."""
    with suppress(OSError, ImportError, AttributeError):
        import resource

        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("500")
