"""YAML text to a tree of nodes that know their place.

The parser is PyYAML's (libyaml). This module gives its events their meaning: the words of YAML 1.2, limits that keep a
hostile file cheap, and problems in the author's words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn

import yaml

from octo.config import codes
from octo.config.offsets import line_offset, offset_in_file
from octo.config.report import Report
from octo.config.syntax import explain
from octo.core.errors import Position
from octo.expr.scalars import Scalar, binary, resolve, tagged

MOST_BYTES = 8 * 1024 * 1024
MOST_NODES = 200_000
MOST_REPEATED = 100_000
DEEPEST = 100

_LOADER: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader
_TAG = "tag:yaml.org,2002:"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("[\n\x85\u2028\u2029]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True, eq=False)
class Node:
    """A scalar, a mapping or a list. An alias is the same object as the node it points to.

    keys: the line and column of each key of a mapping.
    text, style: a scalar as written.
    span: its index range in the file's text. White space at the end of the range does not belong to the node.
    size, height: how many nodes there are in it once aliases are expanded, and how deep they nest.
    """

    value: Scalar | dict[str, Node] | list[Node]
    line: int
    column: int
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    text: str = ""
    style: str = ""
    span: tuple[int, int] = (0, 0)
    size: int = 1
    height: int = 0


@dataclass(eq=False, repr=False)
class File:
    """A YAML file that could be read."""

    name: str
    text: str
    root: Node

    def at(self, node: Node) -> Position:
        return Position(self.name, node.line, node.column)

    def end(self, node: Node) -> Position:
        """The position after the last character of a node."""
        start, end = node.span
        while end > start and self.text[end - 1].isspace():
            end -= 1
        line = bisect_right(self._lines, end)
        return Position(self.name, line, end - self._lines[line - 1] + 1)

    @cached_property
    def _lines(self) -> list[int]:
        """The index at which each line begins. The parser also ends lines at characters other than a newline."""
        return [0, *(found.end() for found in _BREAK.finditer(self.text))]

    def inside(self, node: Node, line: int, column: int) -> Position:
        """The position in the file of a line and column of a scalar's value."""
        if not isinstance(node.value, str):
            return self.at(node)
        wanted = line_offset(node.value, line, column)
        index = offset_in_file(self.text, *node.span, node.style, node.value, wanted)
        before = self.text[:index]
        return Position(self.name, before.count("\n") + 1, index - before.rfind("\n"))


class Refused(Exception):
    """Raised where the file cannot be read any further; the report has the reason."""


def read(data: bytes, name: str, report: Report, *, with_bytes: bool = False) -> File | None:
    """The tree of a file's first document, or None with the reason in the report.

    with_bytes: whether a value may be bytes (`!!binary iVBORw0KGgo=`), as in tests. No setting is.
    """
    try:
        text = decode(data, name, report)
        return File(name, text, Composer(text, name, report, with_bytes=with_bytes).document())
    except Refused:
        return None


# --- bytes to text -----------------------------------------------------------------------------------------------


def decode(data: bytes, name: str, report: Report) -> str:
    if len(data) > MOST_BYTES:
        message = f"the file is larger than {MOST_BYTES // 1024 // 1024} MiB"
        report.error(codes.TOO_LARGE, Position(name), message, "split it into several files of one folder")
        raise Refused
    if data.startswith(_UTF16):
        report.error(codes.UNREADABLE, Position(name), "the file is encoded as UTF-16", "save it as UTF-8")
        raise Refused
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = _position(name, data[: error.start].decode("utf-8-sig", "replace"))
        hint = "save the file as UTF-8; if it is not text at all, it is the wrong file"
        report.error(codes.UNREADABLE, at, "the file is not UTF-8 text", hint)
        raise Refused from None
    # libyaml starts a new line at a lone carriage return, and so does every editor.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if bad := _UNPRINTABLE.search(text):
        at = _position(name, text[: bad.start()])
        hint = "remove it; if the file is binary, it is the wrong file"
        report.error(codes.UNREADABLE, at, f"YAML does not allow the character U+{ord(bad[0]):04X}", hint)
        raise Refused
    return text


def _position(name: str, before: str) -> Position:
    return Position(name, before.count("\n") + 1, len(before) - before.rfind("\n"))


# --- events to nodes ---------------------------------------------------------------------------------------------


class Composer:
    def __init__(self, text: str, name: str, report: Report, *, with_bytes: bool = False) -> None:
        self.text = text
        self.name = name
        self.report = report
        self.with_bytes = with_bytes
        self.parser = _LOADER(text)
        self.anchors: dict[str, Node | None] = {}
        self.nodes = 0
        self.repeated = 0

    def document(self) -> Node:
        self.event()  # the stream starts
        if isinstance(self.event(), yaml.StreamEndEvent):
            return Node(None, 1, 1)
        root = self.node(self.event(), 0)
        self.event()  # the document ends
        following = self.event()
        if isinstance(following, yaml.DocumentStartEvent):
            hint = "put it into a file of its own; a folder of files is one configuration"
            message = "a second document begins here; only the first document of a file is read"
            self.report.warn(codes.MORE_DOCUMENTS, self.at(following.start_mark), message, hint)
        return root

    def event(self) -> Any:
        try:
            return self.parser.get_event()
        except yaml.MarkedYAMLError as error:
            self.report.error(*explain(error, self.text, self.name))
        except (yaml.YAMLError, ValueError):
            hint = "compare its quotes, brackets and indentation with a file that works"
            self.report.error(codes.SYNTAX, Position(self.name), "the file is not valid YAML", hint)
        raise Refused

    def refuse(self, code: str, mark: Any, message: str, hint: str = "") -> NoReturn:
        self.report.error(code, self.at(mark), message, hint)
        raise Refused

    def at(self, mark: Any) -> Position:
        return Position(self.name, mark.line + 1, mark.column + 1)

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, depth)
        self.count(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = None  # invariant: open until the node is complete, so no node holds itself
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(event, depth)
        else:
            node = self.mapping(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def count(self, event: Any, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            hint = "split the configuration into several files of one folder"
            self.refuse(codes.TOO_LARGE, event.start_mark, f"the file has more than {MOST_NODES:,} values", hint)
        if depth > DEEPEST:
            self.refuse_depth(event)

    def refuse_depth(self, event: Any) -> NoReturn:
        hint = "move the inner part into a flow of its own and call it with `flow-ref`"
        self.refuse(codes.TOO_LARGE, event.start_mark, f"the values nest deeper than {DEEPEST} levels", hint)

    def alias(self, event: Any, depth: int) -> Node:
        name = event.anchor
        if name not in self.anchors:
            hint = f"mark the value to repeat with `&{name}`, above this line; a text that begins with `*` needs quotes"
            self.refuse(codes.ALIAS, event.start_mark, f"the alias `*{name}` points to nothing", hint)
        node = self.anchors[name]
        if node is None:
            hint = "an alias can only repeat a value that is complete"
            self.refuse(codes.ALIAS, event.start_mark, f"the alias `*{name}` is inside the value it repeats", hint)
        self.repeated += node.size
        if self.repeated > MOST_REPEATED:
            message = f"the aliases of this file repeat more than {MOST_REPEATED:,} values"
            self.refuse(codes.ALIAS, event.start_mark, message, "repeat less, or use `processors:` and `flow-ref`")
        if depth + node.height > DEEPEST:
            self.refuse_depth(event)
        return node

    def scalar(self, event: Any) -> Node:
        start, end = event.start_mark, event.end_mark
        style = event.style or ""
        node = Node(None, start.line + 1, start.column + 1, text=event.value, style=style)
        node.span = (start.index, end.index)
        tag = event.tag
        if tag is None or tag == "!":
            node.value = resolve(event.value) if not style and tag is None else event.value
            return node
        try:
            is_binary = self.with_bytes and tag == f"{_TAG}binary"
            node.value = binary(event.value) if is_binary else tagged(tag.removeprefix(_TAG), event.value)
        except ValueError:
            shown = tag.replace(_TAG, "!!")
            hint = "remove the tag, or quote the text if it begins with `!`"
            self.refuse(codes.SYNTAX, start, f"the tag `{shown}` does not fit this value", hint)
        return node

    def sequence(self, event: Any, depth: int) -> Node:
        self.refuse_tag(event, "seq")
        children: list[Node] = []
        start = event.start_mark
        node = Node(children, start.line + 1, start.column + 1)
        last = event
        while not isinstance(each := self.event(), yaml.SequenceEndEvent):
            last = each
            children.append(self.node(each, depth + 1))
        node.span = (start.index, _end(event, each, last, children))
        _measure(node, children)
        return node

    def mapping(self, event: Any, depth: int) -> Node:
        self.refuse_tag(event, "map")
        children: dict[str, Node] = {}
        start = event.start_mark
        node = Node(children, start.line + 1, start.column + 1)
        merged: list[Node] = []
        last, child = event, node
        while not isinstance(key := self.event(), yaml.MappingEndEvent):
            name, is_merge = self.key(key)
            last = self.event()
            child = self.node(last, depth + 1)
            mark = key.start_mark
            place = (mark.line + 1, mark.column + 1)
            if is_merge:
                merged += self.sources(child, key)
            elif name in children:
                line, column = node.keys[name]
                message = f"the key `{name}` is written twice in one mapping"
                hint = f"the first one is at {line}:{column}"
                self.report.error(codes.DUPLICATE_KEY, Position(self.name, *place), message, hint)
            else:
                children[name], node.keys[name] = child, place
        for each in merged:
            self.merge(node, each, event)
        node.span = (start.index, _end(event, key, last, [child]))
        _measure(node, children.values())
        return node

    def refuse_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _TAG + kind):
            shown = event.tag.replace(_TAG, "!!")
            self.refuse(codes.SYNTAX, event.start_mark, f"the tag `{shown}` has no meaning here", "remove it")

    def key(self, event: Any) -> tuple[str, bool]:
        """The text of a key, and whether it is the merge key."""
        if isinstance(event, yaml.AliasEvent):
            node = self.alias(event, 0)
            if not isinstance(node.value, dict | list):
                return node.text, False
        if not isinstance(event, yaml.ScalarEvent):
            hint = "a text that begins with `{` or `[` needs quotes"
            self.refuse(codes.SYNTAX, event.start_mark, "a key must be a text, not a mapping or a list", hint)
        self.count(event, 0)
        if event.anchor:
            self.anchors[event.anchor] = self.scalar(event)
        return event.value, event.value == "<<" and not event.style and event.tag in (None, _TAG + "merge")

    def sources(self, node: Node, key: Any) -> list[Node]:
        found = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(each.value, dict) for each in found):
            hint = "write `<<: *name` with a mapping marked `&name` above"
            self.refuse(codes.ALIAS, key.start_mark, "`<<` takes a mapping, or a list of mappings", hint)
        return found

    def merge(self, node: Node, source: Node, event: Any) -> None:
        """Add the keys that the mapping does not have itself. The values are counted as repeated."""
        assert isinstance(node.value, dict)
        assert isinstance(source.value, dict)
        self.repeated += len(source.value)
        if self.repeated > MOST_REPEATED:
            message = f"the merge keys of this file repeat more than {MOST_REPEATED:,} values"
            self.refuse(codes.ALIAS, event.start_mark, message, "repeat less")
        for name, child in source.value.items():
            if name not in node.value:
                node.value[name], node.keys[name] = child, source.keys[name]


def _end(start: Any, end: Any, last: Any, children: list[Node]) -> int:
    """The index at which a collection ends, given its first, its last and its last child's event.

    A collection without brackets ends where its last value ends: the parser reports the end only at the next line that
    is indented less.
    """
    mark: Any = end.end_mark if start.flow_style else last.end_mark
    is_marked = start.flow_style or last is start or isinstance(last, yaml.AliasEvent)
    return int(mark.index) if is_marked else children[-1].span[1]


def _measure(node: Node, children: Iterable[Node]) -> None:
    size, height = 1, 0
    for child in children:
        size += child.size
        height = max(height, child.height)
    node.size, node.height = size, height + 1
