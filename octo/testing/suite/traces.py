"""Traces of cases: what every block did to every message, one file per case, for `--traces-dir`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octo.engine.observe import Observer
from octo.testing.suite.case import Case


@contextmanager
def recording(folder: Path, case: Case) -> Iterator[Observer]:
    """An observer that writes what it sees to `folder/TEST-FILE/CASE.jsonl`, anew each time."""
    from octo.trace.recorder import Recorder
    from octo.trace.store import open_store
    from octo.trace.writer import Writer

    name = re.sub(r"[^\w.-]+", "-", case.name)[:100]
    path = folder / case.file.stem / f"{name}-{case.at.line}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with Writer([open_store(f"file:{path}", write=True)]) as writer:
        yield Recorder(writer.put)
