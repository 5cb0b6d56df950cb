"""A template: a text with `{{ CEL }}` spans."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from octo.expr.errors import SYNTAX, TOO_COMPLEX, ExprError
from octo.expr.markup import RAW
from octo.expr.nodes import Call
from octo.expr.parser import parse
from octo.expr.places import Scanner

MOST_TEXT: Final = 1024 * 1024
"""Characters of a template, at most."""
_TOKEN: Final = re.compile(
    r'''[rR]?"""(?:\\.|[^\\])*?"""|[rR]?\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*|[{}]''',
    re.DOTALL,
)
_MARKUP: Final = frozenset(("html", "htm", "xhtml", "xml", "svg", "rss", "atom"))
_UNKNOWN: Final = frozenset(("tmpl", "tpl", "template", "gotmpl", "mustache", "hbs", "j2", ""))


class Span(NamedTuple):
    """An expression in a template, where it begins there, and the function that writes its value."""

    text: str
    start: int
    way: str


class Template:
    """The text of a template, and its spans.

    name: the path of its file, for errors. escape: "html" or "none" if its author says so, "" to tell by its name: that
    of a markup file is escaped, as is any other text that begins with `<`, unless its name says what it is.
    Raises ExprError, with a place in the text, for a span that is no expression or stands where no value is safe.
    """

    def __init__(self, name: str, text: str, escape: str = "") -> None:
        self.name = name
        self.text = text
        self.escape = escape
        self.is_markup = escape == "html" or (not escape and _is_markup(name, text))
        self.is_open = not escape and not self.is_markup and _kind(name) in _UNKNOWN
        """Whether it is markup where it becomes a part of markup."""
        self._parts: dict[bool, list[str | Span]] = {}
        self.parts(self.is_markup)

    def parts(self, as_markup: bool) -> list[str | Span]:
        """The fixed texts and the spans, in order."""
        if as_markup not in self._parts:
            self._parts[as_markup] = list(_ways(self.text, as_markup))
        return self._parts[as_markup]

    def place(self, error: ExprError, span: Span) -> ExprError:
        """The error of a span at its place in the template."""
        lines = span.text.split("\n")[: error.line - 1]
        return error.locate(self.text, span.start + sum(len(line) + 1 for line in lines) + error.column - 1)


def _kind(name: str) -> str:
    file = name.rpartition("/")[2].lower()
    kinds = [each for each in file.split(".")[1:] if each not in _UNKNOWN]
    return kinds[-1] if kinds else ""


def _is_markup(name: str, text: str) -> bool:
    kind = _kind(name)
    return kind in _MARKUP or (not kind and text.lstrip().startswith("<"))


# -- from text to spans


def _ways(text: str, as_markup: bool) -> Iterator[str | Span]:
    scanner = Scanner()
    for part in _split(text):
        if isinstance(part, str):
            if as_markup:
                scanner.read(part)
            yield part
        else:
            yield part._replace(way=_way(scanner, part, text)) if as_markup else part
    try:
        scanner.end()
    except ExprError as error:
        raise error.locate(text, max(0, len(text) - 1)) from None


def _way(scanner: Scanner, span: Span, text: str) -> str:
    try:
        return scanner.way()
    except ExprError as error:
        if _is_vouched(span.text):
            return RAW
        raise error.locate(text, span.start) from None


def _is_vouched(text: str) -> bool:
    tree = parse(text)
    return isinstance(tree, Call) and tree.target is None and tree.name == RAW


def _split(text: str) -> Iterator[str | Span]:
    if len(text) > MOST_TEXT:
        raise ExprError(TOO_COMPLEX, f"a template has at most {MOST_TEXT:,} characters", text=text[:1])
    at = 0
    while (opened := text.find("{{", at)) >= 0:
        if opened > at:
            yield text[at:opened]
        closed = _end(text, opened + 2)
        inside = text[opened + 2 : closed]
        start = opened + 2 + len(inside) - len(inside.lstrip())
        span = Span(inside.strip(), start, "plain")
        try:
            parse(span.text)
        except ExprError as error:
            lines = span.text.split("\n")[: error.line - 1]
            raise error.locate(text, start + sum(len(line) + 1 for line in lines) + error.column - 1) from None
        yield span
        at = closed + 2
    if at < len(text):
        yield text[at:]


def _end(text: str, at: int) -> int:
    """Where the span ends whose text begins at `at`: at the first `}}` that belongs to no map and no text in it."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            if depth == 0:
                if text.startswith("}}", token.start()):
                    return token.start()
                break
            depth -= 1
    hint = 'Close it with `}}`; two braces that begin no span are written {{ "{{" }}'
    raise ExprError(SYNTAX, "the span `{{` is not closed", hint=hint).locate(text, at - 2)
