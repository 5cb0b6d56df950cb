"""`--traces-dir`: one file per case with the trace of every message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from octo.engine.observe import Observer
from octo.suite.case import Case


def prepare(folder: Path, cases: Iterable[Case]) -> None:
    """Make the folders for the traces of these cases. Raises OSError if a folder cannot be written to."""
    for each in {_of(folder, case) for case in cases}:
        each.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=each).close()


def _of(folder: Path, case: Case) -> Path:
    return folder / case.file.stem


@contextmanager
def recording(folder: Path, case: Case) -> Iterator[Observer]:
    """Provide an observer that writes traces to `folder/TEST-FILE/CASE-LINE.jsonl` and replaces an older file."""
    from octo.trace.opening import open_store
    from octo.trace.recorder import Recorder
    from octo.trace.writer import Writer

    name = re.sub(r"[^\w.-]+", "-", case.name)[:100]
    path = _of(folder, case) / f"{name}-{case.at.line}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with Writer([open_store(f"file:{path}", write=True)]) as writer:
        yield Recorder(writer.put)
