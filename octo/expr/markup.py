"""How values are written into markup so that they stay text, and what is markup already and stays as it is."""

import re
from typing import Any, Final

from octo.expr.errors import INVALID_ARGUMENT, ExprError
from octo.expr.function import function
from octo.expr.json import dumps
from octo.expr.nodes import Binary, Bind, Call, Conditional, Loop, Node
from octo.expr.places import PICTURE
from octo.expr.settle import render, to_json

RAW: Final = "raw"
"""The function by which an author vouches for a value: it is written as it is."""
_SCHEMES: Final = frozenset(("http", "https", "mailto", "tel", "ftp", "sms"))
_SCHEME: Final = re.compile(r"([^/?#]*):")
_NOWHERE: Final = "about:invalid"
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_SIGN: Final = re.compile(r"[^A-Za-z0-9 _]")

# -- how values are written


@function("raw(dyn) -> string", family="template")
def raw(value: Any) -> str:
    """The value without escaping."""
    return render(value)


@function("plain(dyn) -> string", family="template")
def plain(value: Any) -> str:
    """The value as text that is no markup."""
    return render(value)


@function("htmlText(dyn) -> string", family="template")
def text(value: Any) -> str:
    """The value as text of markup, or of an attribute in quotes."""
    written = value if value.__class__ is str else render(value)
    if "&" in written:
        written = written.replace("&", "&amp;")
    if "<" in written:
        written = written.replace("<", "&lt;")
    if ">" in written:
        written = written.replace(">", "&gt;")
    if '"' in written:
        written = written.replace('"', "&quot;")
    if "'" in written:
        written = written.replace("'", "&#39;")
    return written


@function("htmlLink(dyn) -> string", family="template")
def link(value: Any) -> str:
    """The value as the beginning of an address: one that is no link to a page, such as `javascript:`, leads nowhere."""
    written = render(value)
    scheme = _SCHEME.match(written)
    is_safe = scheme is None or scheme[1].strip().lower() in _SCHEMES or PICTURE.match(written)
    safe: str = text(written if is_safe else _NOWHERE)
    return safe


@function("htmlPath(dyn) -> string", family="template")
def path(value: Any) -> str:
    """The value as what follows the first slash of an address: with another slash it would begin with a server."""
    written = render(value).lstrip("\t\n\r")
    if written[:1] in ("/", "\\"):
        written = f"%{ord(written[0]):X}{written[1:]}"
    safe: str = text(written)
    return safe


@function("htmlScript(dyn) -> string", family="template")
def script(value: Any) -> str:
    """The value as JSON inside a script. All signs in its texts are escaped: none ends a text or the script."""
    from json import loads

    written: str = dumps(to_json(value))
    return _STRING.sub(lambda found: f'"{_SIGN.sub(_escaped, loads(found[0]))}"', written)


@function("htmlTemplate(string) -> string", family="template", pure=False)
def template(name: str) -> str:
    """Another template, as a part of markup."""
    raise ExprError(INVALID_ARGUMENT, f"no template is called {name[:80]!r}")


FUNCTIONS: Final = (raw, plain, text, link, path, script, template)
"""What spans may call. Authors call `raw`; the others are called for them."""


def _escaped(sign: re.Match[str]) -> str:
    units = sign[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


# -- what is markup already


def marked(node: Node, way: str) -> Node:
    """The tree whose value is written by the function `way`, but for those parts of it that are markup already.

    Markup is what another template renders, and what the author vouches for: also as a branch, in a sum, and from a
    loop whose texts are joined. Anything else is escaped.
    """
    if way == "htmlText" and _has_markup(node):
        return _in_parts(node, way)
    if way == "htmlScript" and isinstance(node, Call) and node.target is None and node.name == "toJson":
        node = node.arguments[0]  # it is written as JSON anyway
    is_vouched = isinstance(node, Call) and node.target is None and node.name == RAW
    return node if is_vouched else Call(node.start, node.end, None, way, [node], node.start)


def _in_parts(node: Node, way: str) -> Node:
    if isinstance(node, Conditional):
        node.then, node.otherwise = marked(node.then, way), marked(node.otherwise, way)
    elif isinstance(node, Binary):
        node.left, node.right = marked(node.left, way), marked(node.right, way)
    elif isinstance(node, Bind):
        node.body = marked(node.body, way)
    elif isinstance(node, Call) and isinstance(node.target, Loop):
        node.target.body = marked(node.target.body, way)
        node.arguments = [marked(each, way) for each in node.arguments]
    elif isinstance(node, Call) and node.name == "templateResource":
        node.name = template.name
    return node


def _has_markup(node: Node | None) -> bool:
    if isinstance(node, Call):
        if node.target is None:
            return node.name in ("templateResource", RAW)
        loop = node.target
        return node.name == "join" and isinstance(loop, Loop) and loop.kind == "map" and _has_markup(loop.body)
    if isinstance(node, Conditional):
        return _has_markup(node.then) or _has_markup(node.otherwise)
    if isinstance(node, Binary):
        return node.operator == "+" and (_has_markup(node.left) or _has_markup(node.right))
    return isinstance(node, Bind) and _has_markup(node.body)
