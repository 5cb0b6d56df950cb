"""Traces of cases: what every block did to every message, one file per case, for `--traces-dir`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from octo.engine.observe import Observer
from octo.suite.case import Case


def prepare(folder: Path, cases: Iterable[Case]) -> None:
    """Make the folders that the traces of these cases go into; raises OSError if they cannot be written to."""
    for each in {_of(folder, case) for case in cases}:
        each.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=each).close()


def _of(folder: Path, case: Case) -> Path:
    return folder / case.file.stem


@contextmanager
def recording(folder: Path, case: Case) -> Iterator[Observer]:
    """An observer that writes what it sees to `folder/TEST-FILE/CASE.jsonl`, anew each time."""
    from octo.trace.opening import open_store
    from octo.trace.recorder import Recorder
    from octo.trace.writer import Writer

    name = re.sub(r"[^\w.-]+", "-", case.name)[:100]
    path = _of(folder, case) / f"{name}-{case.at.line}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with Writer([open_store(f"file:{path}", write=True)]) as writer:
        yield Recorder(writer.put)
