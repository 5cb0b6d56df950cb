"""Traces as JSON Lines in a file that only its owner may read: rotated by size, and shared by processes.

Invariant: the records of a trace stand together, one after the other. Every write holds the lock of the file, so that
processes neither mix their lines nor rotate twice. A write that fails half way is undone.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Self

from octo.trace.encode import Encoded, Summary
from octo.trace.ids import chosen
from octo.trace.packed import lines, records
from octo.trace.record import Record, is_record
from octo.trace.store import no_store, unusable

MOST_BYTES = 64 * 1024 * 1024
KEEP = 3

_FIRST = re.compile(rb'\{"kind": ?"(flow|block|dropped)"')
"""What a trace file begins with, even if a process was killed while it wrote the first record."""
_HEAD = 64
_FOREIGN = "it is not a trace file of Octo"


class File:
    """See the module.

    most_bytes: the size at which `x.jsonl` is renamed to `x.jsonl.1`, that to `x.jsonl.2`, and so on.
    keep: how many renamed files are kept.
    """

    name = "file"

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, keep: int = KEEP) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._keep = keep
        self._descriptor: int | None = None

    def ready(self, *, write: bool) -> Self:
        """Return itself, if the file can be used. Raises `Permanent` if not."""
        if not write and not self._path.is_file():
            raise no_store(self._path)
        if write:
            try:
                with self._locked():
                    pass
            except OSError as error:
                raise unusable(self._path, error.strerror or error) from error
        return self

    def write(self, traces: Sequence[Encoded]) -> None:
        data = b"".join(lines(each.data) for each in traces)
        with self._locked() as descriptor:
            end = os.fstat(descriptor).st_size
            try:
                if end and os.pread(descriptor, 1, end - 1) != b"\n":
                    data = b"\n" + data  # a process was killed while it wrote the last line
                _write_all(descriptor, data)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, locked; a new one if the file is full or gone.

        Invariant: the path names the file that is locked. Another process may rotate it between opening and locking.
        """
        while True:
            descriptor = self._open()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._is_current(descriptor):
                if os.fstat(descriptor).st_size < self._most_bytes:
                    break
                self._rotate()
            self.close()
        try:
            yield descriptor
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
            self._adopt(self._descriptor)
        return self._descriptor

    def _adopt(self, descriptor: int) -> None:
        """Check that the file is a trace file, and make it readable by its owner only, also if it existed before."""
        found = os.fstat(descriptor)
        if found.st_size and not _FIRST.match(os.pread(descriptor, _HEAD, 0)):
            self.close()
            raise unusable(self._path, _FOREIGN)
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
            with suppress(PermissionError):  # the file belongs to another user, who lets us write to it
                os.fchmod(descriptor, 0o600)

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        for number in range(self._keep, 0, -1):
            with suppress(FileNotFoundError):
                self._numbered(number - 1).replace(self._numbered(number))
        if not self._keep:
            self._path.unlink()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    # --- reading -----------------------------------------------------------------------------------------------------

    def find(
        self, flow: str | None = None, outcome: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Summary]:
        """See `octo.trace.store.Store`."""
        found = [
            summary
            for summary, _ in self._listed()
            if flow in (None, summary.flow)
            and outcome in (None, summary.outcome)
            and (before is None or summary.at < before)
        ]
        return sorted(found, key=lambda each: -each.at)[:limit]

    def get(self, id: str) -> list[Record]:  # noqa: A002  see `Store`
        """See `octo.trace.store.Store`."""
        wanted = set(chosen(id, self._listed()))
        found = [trace for position, trace in enumerate(self._traces()) if position in wanted]
        return [record for trace in sorted(found, key=lambda each: _summary(each)[0].at) for record in trace]

    def _listed(self) -> Iterator[tuple[Summary, Sequence[str]]]:
        return map(_summary, self._traces())

    def _traces(self) -> Iterator[list[Record]]:
        """All traces, the oldest first."""
        paths = [self._numbered(number) for number in range(self._keep, -1, -1)]
        existing = [path for path in paths if path.is_file()]
        if not existing:
            raise no_store(self._path)
        for path in existing:
            yield from _grouped(path)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _grouped(path: Path) -> Iterator[list[Record]]:
    """The traces of one file."""
    trace: list[Record] = []
    has_flow = False
    with _opened(path) as lines:
        head = lines.peek(_HEAD)
        if head and not _FIRST.match(head):
            raise unusable(path, _FOREIGN)
        for line in lines:
            # Octo writes no packed traces to such a file, so a line that looks like one is not Octo's.
            for record in filter(is_record, records(line) if line.startswith(b"{") else ()):
                if has_flow and _begins(record):
                    yield trace
                    trace, has_flow = [], False
                trace.append(record)
                has_flow = has_flow or record.get("kind") == "flow"
    if has_flow:
        yield trace


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise unusable(path, error.strerror or error) from error


def _begins(record: Record) -> bool:
    """Whether a trace begins with this record: a flow that was called inside a trace has `from`."""
    return record.get("kind") == "dropped" or (record.get("kind") == "flow" and "from" not in record)


def _summary(trace: Sequence[Record]) -> tuple[Summary, Sequence[str]]:
    flows = [record for record in trace if record.get("kind") == "flow"]
    first = flows[0] if flows else {}
    summary = Summary(
        str(first.get("flow", "")),
        str(first.get("event", "")),
        str(first.get("trace", "")),
        str(first.get("correlation", "")),
        int(first.get("at", 0)),
        int(first.get("duration", 0)),
        str(first.get("outcome", "")),
        str(first.get("error", {}).get("code", "")),
        sum(int(record.get("count", 0)) for record in trace if record.get("kind") == "dropped"),
    )
    return summary, [str(record.get("event", "")) for record in flows[1:]]
