"""XML as maps: `@name` is an attribute, `#text` is text beside other content, a repeated element is a list.

There are no document types and so no entities of one's own: a document that has one is refused.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from octo.expr.cost import Cost
from octo.expr.errors import CONVERSION, INVALID_ARGUMENT, ExprError, quoted
from octo.expr.function import function
from octo.expr.functions.encoders import content, to_bytes
from octo.expr.limits import check_size
from octo.expr.options import Option, options, texts
from octo.expr.settle import render, settle
from octo.expr.values import a as article, kind_of

DEEPEST: Final = 200
"""At most this many elements are inside of one another."""
_TAG: Final = 12
_ATTRIBUTE: Final = 10
_ATTRIBUTE_MARK, _TEXT = "@", "#text"
_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_PART = f"[{_START}][{_START}.0-9\xb7\u0300-\u036f\u203f-\u2040-]*"
_NAME = f"{_PART}(?::{_PART})?"
_FORBIDDEN = "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_compiled = cache(re.compile)
"""These patterns take 10 ms to compile: only a flow that writes XML waits for that."""

_READ = {"lists": Option(("list",), []), "prefixes": Option(("bool",), True)}
_WRITE = {"declaration": Option(("bool",), False), "indent": Option(("bool",), False)}


def _tags(text: object, given: object = None) -> int:
    """What the parser does for each tag and attribute, besides looking at the text."""
    del given
    text = text.get("rawData") if isinstance(text, dict) else text
    if isinstance(text, str):
        return _TAG * text.count("<") + _ATTRIBUTE * text.count("=")
    return _TAG * text.count(b"<") + _ATTRIBUTE * text.count(b"=") if isinstance(text, bytes) else 0


# -- in


@function(
    "fromXml(string) -> map(string, json)",
    "fromXml(bytes) -> map(string, json)",
    "fromXml(map) -> map(string, json)",
    "fromXml(string, map) -> map(string, json)",
    "fromXml(bytes, map) -> map(string, json)",
    "fromXml(map, map) -> map(string, json)",
    family="octo",
    examples=[
        """fromXml('<a id="7"><b>x</b><b>y</b></a>') == {"a": {"@id": "7", "b": ["x", "y"]}}""",
        """fromXml("<a><b>x</b></a>", {"lists": ["b"]}).a.b == ["x"]""",
        """fromXml("<s:a xmlns:s='urn:s'><s:b/></s:a>", {"prefixes": false}) == {"a": {"b": ""}}""",
    ],
    cost=Cost(base=64, reads=5, more=_tags),
)
def from_xml(document: str | bytes | dict[str, Any], given: dict[str, Any] | None = None) -> dict[str, Any]:
    """The document as a map: attributes as @name, repeated elements as a list, text as it is, beside others as #text.

    It is a text, bytes or a raw body.
    Options: lists (names of elements that are lists even if there is one), prefixes (false leaves them out).
    """
    from pyexpat import ParserCreate

    chosen = options("fromXml", given or {}, _READ)
    reader = _Reader(frozenset(texts("fromXml", "lists", chosen["lists"])), chosen["prefixes"])
    text = content("fromXml", document)
    # The encoding that a text declares is that of the bytes it was once read from.
    parser = ParserCreate("utf-8" if isinstance(text, str) else None)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse_types
    _run(parser, to_bytes(text))
    return reader.document


def _run(parser: Any, data: bytes) -> None:
    from pyexpat import ErrorString, ExpatError

    try:
        parser.Parse(data, True)
    except ExpatError as error:
        where = f"line {error.lineno}, column {error.offset + 1}"
        raise ExprError(CONVERSION, f"not XML: {ErrorString(error.code)} ({where})") from None
    except (LookupError, ValueError):
        raise ExprError(CONVERSION, "not XML: its encoding is not known") from None


def _refuse_types(*_: object) -> None:
    raise ExprError(CONVERSION, "XML with a document type (<!DOCTYPE ...>) is not read", hint="Remove it")


class _Reader:
    """Builds the map while the parser goes through the document."""

    def __init__(self, lists: frozenset[str], prefixes: bool) -> None:
        self.lists = lists
        self.prefixes = prefixes
        self.document: dict[str, Any] = {}
        self.open: list[tuple[dict[str, Any], list[str]]] = [(self.document, [])]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        del name
        if len(self.open) > DEEPEST:
            raise ExprError(CONVERSION, f"XML with more than {DEEPEST} elements inside of one another is not read")
        fields: dict[str, Any] = {}
        for key, value in attributes.items():
            if not self.prefixes and (key == "xmlns" or key.startswith("xmlns:")):
                continue
            attribute = _ATTRIBUTE_MARK + self.named(key)
            if attribute in fields:
                raise ExprError(CONVERSION, f"without prefixes, an element has the attribute {quoted(attribute)} twice")
            fields[attribute] = value
        self.open.append((fields, []))

    def text(self, text: str) -> None:
        self.open[-1][1].append(text)

    def end(self, name: str) -> None:
        fields, pieces = self.open.pop()
        text = "".join(pieces)
        if not fields:
            self.add(self.named(name), text)
            return
        # Between elements, white space alone is indentation.
        if text and not (text.isspace() and any(not key.startswith(_ATTRIBUTE_MARK) for key in fields)):
            fields[_TEXT] = text
        self.add(self.named(name), fields)

    def add(self, name: str, value: Any) -> None:
        fields = self.open[-1][0]
        known = fields.get(name)
        if known is None:
            fields[name] = [value] if name in self.lists else value
        elif isinstance(known, list):
            known.append(value)
        else:
            fields[name] = [known, value]

    def named(self, name: str) -> str:
        return name if self.prefixes else name.rpartition(":")[2]


# -- out


@function(
    "toXml(map) -> string",
    "toXml(map, map) -> string",
    family="octo",
    examples=[
        """toXml({"a": {"@id": 7, "b": ["x", "<y>"]}}) == '<a id="7"><b>x</b><b>&lt;y&gt;</b></a>'""",
        """toXml({"a": null}, {"declaration": true}) == '<?xml version="1.0" encoding="UTF-8"?>\\n<a/>'""",
    ],
    cost=Cost(base=64, reads=4),
)
def to_xml(document: dict[Any, Any], given: dict[str, Any] | None = None) -> str:
    """The map as an XML document: what fromXml reads, with everything escaped. Its one key is the root element.

    A null is an empty element, an attribute that is null is left out. Options: declaration, indent (both false).
    """
    chosen = options("toXml", given or {}, _WRITE)
    value = settle(document)
    root = [name for name in value if not name.startswith((_ATTRIBUTE_MARK, "#"))]
    if len(value) != 1 or not root or isinstance(value[root[0]], list):
        raise ExprError(
            INVALID_ARGUMENT, "an XML document has exactly one root element", hint='Write toXml({"root": ...})'
        )
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n'] if chosen["declaration"] else []
    _write(pieces, root[0], value[root[0]], "\n" if chosen["indent"] else "", 1)
    check_size(sum(map(len, pieces)))
    return "".join(pieces)


def _write(pieces: list[str], name: str, value: Any, margin: str, level: int) -> None:
    """Add the pieces of one element. margin: what stands before each element of its level, or nothing."""
    if level > DEEPEST:
        raise ExprError(INVALID_ARGUMENT, f"XML is written with at most {DEEPEST} elements inside of one another")
    if isinstance(value, list):
        raise ExprError(INVALID_ARGUMENT, f"the element {quoted(name)} holds a list directly inside of a list")
    fields = value if isinstance(value, dict) else {_TEXT: value}
    text = _escaped(name, fields.get(_TEXT), _IN_TEXT)
    inner = f"{margin}  " if margin and not text else ""
    pieces += f"<{_checked(name)}{''.join(_attributes(name, fields))}>", text
    count = len(pieces)
    for child, each in fields.items():
        if not child.startswith((_ATTRIBUTE_MARK, "#")):
            for one in each if isinstance(each, list) else [each]:
                pieces.append(inner)
                _write(pieces, child, one, inner, level + 1)
    if len(pieces) > count:
        pieces += margin if inner else "", f"</{name}>"
    elif text:
        pieces.append(f"</{name}>")
    else:
        pieces[-2:] = [f"{pieces[-2][:-1]}/>"]


def _attributes(name: str, fields: dict[str, Any]) -> Iterator[str]:
    for key, value in fields.items():
        if key.startswith("#") and key != _TEXT:
            raise ExprError(INVALID_ARGUMENT, f"{quoted(key)} is no name of an element", hint=f"Text is {_TEXT!r}")
        if key.startswith(_ATTRIBUTE_MARK) and value is not None:
            yield f' {_checked(key[1:])}="{_escaped(name, value, _IN_ATTRIBUTES)}"'


_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTES = {**_IN_TEXT, '"': "&quot;", "\n": "&#10;", "\t": "&#9;"}


def _escaped(name: str, value: Any, escapes: dict[str, str]) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        what = article(kind_of(value))
        raise ExprError(INVALID_ARGUMENT, f"an attribute or {_TEXT} of the element {quoted(name)} is {what}")
    text = value if isinstance(value, str) else render(value)
    if _compiled(_FORBIDDEN).search(text):
        raise ExprError(INVALID_ARGUMENT, f"the element {quoted(name)} has a character that XML cannot hold")
    for character, escape in escapes.items():
        if character in text:
            text = text.replace(character, escape)
    return text


def _checked(name: str) -> str:
    if not _compiled(_NAME).fullmatch(name):
        raise ExprError(INVALID_ARGUMENT, f"{quoted(name)} is no name of an XML element or attribute")
    return name
