"""Files that an author is still writing: a file is read as far as possible, and what is open there is closed."""

from __future__ import annotations

from typing import Any

import yaml

from octo.config.report import Report
from octo.config.yaml import Composer, File, Node, Refused, decode


def read_partly(data: bytes, name: str, report: Report) -> File | None:
    """The tree of a file's first document, up to where it can no longer be read; the report has the reason.

    None if the file is no text.
    """
    try:
        text = decode(data, name, report)
    except Refused:
        return None
    return File(name, text, _Unfinished(text, name, report).document())


class _End(yaml.SequenceEndEvent, yaml.MappingEndEvent):
    """The end of everything that is still open."""


class _Unfinished(Composer):
    last: Any = None
    end: _End | None = None

    def event(self) -> Any:
        if self.end is None:
            try:
                self.last = super().event()
            except Refused:
                self.stop()
        return self.end or self.last

    def node(self, event: Any, depth: int) -> Node:
        if event is not self.end:
            try:
                return super().node(event, depth)
            except Refused:
                self.stop()
        mark = self.last.end_mark
        return Node(None, mark.line + 1, mark.column + 1, span=(mark.index, mark.index))

    def stop(self) -> None:
        self.end = self.end or _End(self.last.end_mark, self.last.end_mark)
