"""The path of a request: a text, a text with placeholders (`/users/{vars.id}`), or an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from octo.connectors.http_client import codes
from octo.core.errors import Permanent
from octo.core.expressions import Expr, build_of, compile_expr
from octo.core.message import Message
from octo.expr import ExprError, Scope, render

T = TypeVar("T")
Piece = str | Expr[object]

LONGEST = 1 << 16
"""Characters of a value. No server takes longer addresses."""
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://|[/\\]{2}")
_BRACES = re.compile(r"\{[^{}]*\}")
_READS = re.compile(r"[.(\[]")
_LITERAL = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_ENDS_IN_VALUE = re.compile(r"/[\"']\s*\+[^\"'+]+$")
_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SEPARATOR = re.compile(r"[/\\]")
_FOREIGN = re.compile(
    r"(?<![^/]):(?P<colon>[A-Za-z_]\w*)(?=[/?]|$)"
    r"|\{\{\s*(?P<double>[^{}]*?)\s*\}\}"
    r"|[$#%@](?:\{\s*(?P<curly>[^{}]*?)\s*\}|\[\s*(?P<square>[^\[\]]*?)\s*\]|\(\s*(?P<round>[^()]*?)\s*\))"
    r"|(?<![^/])<(?:\w+:)?(?P<angle>\w+)>"
    r"|(?<![^/=&])%(?P<printf>[sd])(?=[/?&]|$)"
)
"""Placeholders of other systems. Octo would send each literally."""
_QUOTED = re.compile(r"[$#]?\{\{?\s*(?P<value>(?:vars|body|env)[.\[][^{}]*?)\s*\}\}?")
"""A placeholder inside a text of an expression."""


class Path(tuple[Piece, ...]):  # noqa: SLOT001  it has attributes of its own
    """The pieces of a path: texts, and the expressions between them; called with the message if it has any.

    fixed: the path, if no expression is in it. is_expression: whether the one piece is an expression of the whole path.
    """

    fixed: str | None = ""
    is_expression: bool = False

    def __deepcopy__(self, memo: object) -> Path:
        return self

    def __call__(self, message: Message) -> str:
        """Return the path below the base, escaped as far as it must be. Raises `Permanent`: it would be another one."""
        if self.fixed is not None:
            return self.fixed
        return self._whole(message) if self.is_expression else self._filled(message)

    def _whole(self, message: Message) -> str:
        expression = self[0]
        assert isinstance(expression, Expr)
        path = whole(expression(message), may_ask="?" in "".join(_LITERAL.findall(expression.text)))
        if path.endswith("/") and _ENDS_IN_VALUE.search(expression.text):
            raise unusable("the path would end with an empty segment", "`/users/` is another address than `/users/7`")
        return path

    def _filled(self, message: Message) -> str:
        path = ""
        for piece in self:
            path += _kept(piece) if isinstance(piece, str) else _escaped(piece, message, is_segment="?" not in path)
        if leads_out(path):
            raise unusable("a placeholder would make a segment of `.` or `..`, which leads to another address")
        return path

    @classmethod
    def of(cls, text: str, scope: Scope) -> Path:
        """Return what an author wrote. Raises an error of pydantic that says what to write instead."""
        text = text.rstrip("\n")  # of a block of YAML
        if _ADDRESS.match(text):
            raise complain("a path is below the connector's `baseURL`; for another server use another connector")
        expression = _expression(text, scope)
        path = cls((expression,)) if expression is not None else cls(_pieces(text, scope))
        path.is_expression = expression is not None
        path.fixed = None if any(isinstance(each, Expr) for each in path) else "".join(map(str, path))
        return path

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def validate(text: str | Path, info: core_schema.ValidationInfo) -> Path:
            return text if isinstance(text, Path) else cls.of(text, build_of(info).scope())

        written = core_schema.union_schema([core_schema.is_instance_schema(cls), core_schema.str_schema()])
        return core_schema.with_info_after_validator_function(
            validate,
            written,
            metadata={"pydantic_js_functions": [lambda _schema, _handler: {"type": "string"}]},
        )


def whole(value: object, *, may_ask: bool = True) -> str:
    """Return a path that an expression made. `%2F` and the like stay as they are.

    may_ask: whether a `?` begins a query; else it is a character of the path. Raises `Permanent`: it is no path, or
    would lead out of the base.
    """
    path = _text(value, "the path")
    if _ADDRESS.match(path):
        raise unusable("the path is an address of its own", "a path is below the connector's `baseURL`")
    path = path.replace("#", "%23") if may_ask else path.replace("#", "%23").replace("?", "%3F")
    if leads_out(path):
        raise unusable("the path has a segment `.` or `..`, which would lead to another address")
    if "//" in path.partition("?")[0]:
        raise unusable("the path has an empty segment", "a value in it may be empty")
    return path


def leads_out(path: str) -> bool:
    """Whether a server may understand a segment of the path as `.` or `..`, be it escaped once or more often."""
    path = path.partition("?")[0]
    for _ in range(4):
        if any(each.partition(";")[0] in (".", "..") for each in _SEPARATOR.split(path)):  # `..;a` is `..` to some
            return True
        further = unquote(path)
        if further == path:
            break
        path = further
    return False


def unusable(what: str, hint: str = "") -> Permanent:
    return Permanent(f"{what}; {hint}" if hint else what, code=codes.BAD_PATH)


def _escaped(expression: Expr[object], message: Message, *, is_segment: bool) -> str:
    """Return the value of a placeholder as a part of one segment, or of a query."""
    what = f"`{{{expression.text.strip()}}}` of the path"
    text = _text(expression(message), what)
    if is_segment and not text:
        raise unusable(f"{what} is empty", "the request would go to another address")
    return quote(text, safe="")


def _kept(text: str) -> str:
    """Return an author's text, escaped where it must be."""
    return quote(_STRAY.sub("%25", text), safe="/?%:@!$&'()*+,;=-._~")


def _text(value: object, what: str) -> str:
    if value is None:
        raise unusable(
            f"{what} is null", "set it before the request, or choose another one with `has(...) ? ... : ...`"
        )
    if isinstance(value, list | dict | bytes):
        raise unusable(f"{what} is no text", "write a text, a number or a bool")
    text = render(value)
    if len(text) > LONGEST:
        raise unusable(f"{what} has {len(text)} characters, more than {LONGEST}")
    if any("\ud800" <= each <= "\udfff" for each in text):
        raise unusable(f"{what} has half a character")
    if any(each < " " or each == "\x7f" for each in text):
        raise unusable(f"{what} has a line break or another control character")
    return text


# --- what an author wrote ----------------------------------------------------------------------------------------


def _expression(text: str, scope: Scope) -> Expr[object] | None:
    """Return the text as an expression, if it is meant as one: no path has quotes, and few read `vars`.

    What begins with a slash is a path.
    """
    outside = _BRACES.sub("", text)
    if not text or text[0] in "/?{":
        return None
    if '"' in outside or text[0] == "'":
        return joined(compile_expr(text, object, scope))
    if "/" in outside or not _READS.search(text):
        return None
    try:
        found = compile_expr(text, object, scope)
    except PydanticCustomError:
        return None
    return found if found.program.names else None


def joined(expression: Expr[T]) -> Expr[T]:
    """Return the expression. Raises an error of pydantic for `"Bearer {vars.token}"`, which would be sent like that."""
    for text in _LITERAL.findall(expression.text):
        if found := _QUOTED.search(text):
            value = found["value"]
            raise complain(f'`{found[0]}` in quotes would be sent as it is; join them: `"..." + string({value})`')
    return expression


def _pieces(text: str, scope: Scope) -> Iterator[Piece]:
    for found in _FOREIGN.finditer(text):
        if found.lastgroup not in ("colon", "angle") or "?" not in text[: found.start()]:
            raise _literal(found)
    plain = "".join("x" if is_placeholder else piece for piece, _, is_placeholder in _split(text))
    if leads_out(plain):
        raise complain("`..` would lead out of the connector's `baseURL`")
    for piece, start, is_placeholder in _split(text):
        yield _placeholder(piece, text[:start], scope) if is_placeholder else piece


def _split(text: str) -> Iterator[tuple[str, int, bool]]:
    """Yield each text and each placeholder without its braces, where it begins, and whether it is a placeholder."""
    at = 0
    while at < len(text):
        begin = text.find("{", at)
        piece = text[at:] if begin < 0 else text[at:begin]
        if "}" in piece:
            raise complain("a `}` without its `{`; for a brace as such write `%7D`")
        if piece:
            yield piece, at, False
        if begin < 0:
            return
        end = _end(text, begin)
        yield text[begin + 1 : end], begin + 1, True
        at = end + 1


def _end(text: str, begin: int) -> int:
    """Return where the brace that opens at `begin` is closed; braces in texts of the expression do not count."""
    depth = 0
    at = begin
    while at < len(text):
        if text[at] in "\"'":
            found = _LITERAL.match(text, at)
            at = found.end() if found else at + 1
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
        at += 1
    raise complain("a `{` without its `}`; for a brace as such write `%7B`")


def _placeholder(inside: str, before: str, scope: Scope) -> Expr[object]:
    # Blanks stand for what is before it, so that errors know its line and column in the file.
    blanks = re.sub(r"[^\n]", " ", before)
    try:
        return compile_expr(blanks + inside, object, scope)
    except PydanticCustomError as error:
        cause = (error.context or {}).get("error")
        if isinstance(cause, ExprError):
            raise _explained(cause, inside) from error
        raise


def _explained(cause: ExprError, inside: str) -> PydanticCustomError:
    message = f"`{{{inside}}}`: {cause.message}" if inside.strip() else "`{}` is empty"
    hint = f"a placeholder holds an expression: write {_fix(inside)}"
    error = ExprError(cause.code, message, hint=hint, line=cause.line, column=cause.column)
    return PydanticCustomError("expression", "{reason}", {"reason": message, "error": error})


def _fix(inside: str) -> str:
    name = re.search(r"[A-Za-z_][\w.]*", inside)
    if name is None:
        return "e.g. `{vars.id}`"
    found = name[0].rstrip(".")
    if found.startswith(("vars.", "body.", "env.")):
        return f"`{{{found}}}`"
    return f"`{{vars.{found}}}` for a variable (what the source takes from its path is one), or `{{body.{found}}}`"


def _literal(found: re.Match[str]) -> PydanticCustomError:
    inside = next((each for each in found.groups() if each is not None), "")
    if found["printf"]:
        inside = "id"
    escaped = "; for a colon as such write `%3A`" if found["colon"] else ""
    return complain(f"`{found[0]}` would be sent as it is; write {_fix(inside)}{escaped}")


def complain(text: str) -> PydanticCustomError:
    """Return the error for a setting, which the file's position is added to."""
    return PydanticCustomError("http", "{text}", {"text": text})
