"""From text to tokens: one regular expression, and what literals mean."""

import re

from octo.expr import guesses
from octo.expr.errors import BAD_LITERAL, SYNTAX, ExprError
from octo.expr.values import INT_MAX, UINT_MAX

_TOKEN = re.compile(
    r"""
    (?P<space>(?:[ \t\r\n\f]+|//[^\n]*)+)
  | (?P<string>[bB]?[rR](?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\r\n]*"|'[^'\r\n]*')
      |(?:[bB]?)(?:\"{3}(?:[^\\]|\\[\s\S])*?\"{3}|'{3}(?:[^\\]|\\[\s\S])*?'{3}
      |"(?!\"\")(?:[^"\\\r\n]|\\[^\r\n])*"|""|'(?!'')(?:[^'\\\r\n]|\\[^\r\n])*'|''))
  | (?P<double>(?:[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?))
  | (?P<int>(?:0x[0-9a-fA-F]+|[0-9]+)[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<operator>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)

_ESCAPE = (
    r"\\(?:(?P<plain>[abfnrtv\\?\"'`])|[xX](?P<byte>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<bad>[\s\S]?))"
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Token:
    """A piece of the text. For operators and keywords `kind` is the text itself; `value` is what a literal means."""

    __slots__ = ("end", "kind", "start", "value")

    def __init__(self, kind: str, value: object, start: int, end: int) -> None:
        self.kind = kind
        self.value = value
        self.start = start
        self.end = end


def tokens(text: str) -> list[Token]:
    """All tokens of `text`, followed by one of kind "end"."""
    found: list[Token] = []
    position, match = 0, _TOKEN.match
    while position < len(text):
        hit = match(text, position)
        if hit is None:
            raise _unreadable(text, position)
        kind, end = str(hit.lastgroup), hit.end()
        if kind != "space":
            found.append(_token(kind, hit.group(), text, position, end))
        position = end
    found.append(Token("end", "", len(text), len(text)))
    return found


def _token(kind: str, word: str, text: str, start: int, end: int) -> Token:
    if kind == "operator":
        return Token(word, word, start, end)
    if kind == "name":
        return Token("in" if word == "in" else "name", word, start, end)
    if kind == "quoted":
        return Token("quoted", word[1:-1], start, end)
    if kind == "string":
        return _string(word, text, start, end)
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        raise ExprError(BAD_LITERAL, f"{text[start : end + 1]!r} is not a number").locate(text, start)
    if kind == "double":
        return Token("double", float(word), start, end)
    return _integer(word, text, start, end)


def _integer(word: str, text: str, start: int, end: int) -> Token:
    unsigned = word[-1] in "uU"
    digits = word[:-1] if unsigned else word
    # One more than the largest int is allowed here: the parser accepts it after a minus sign.
    limit = UINT_MAX if unsigned else INT_MAX + 1
    value = int(digits, 16) if digits[:2] == "0x" else int(digits) if len(digits) < 64 else limit + 1
    if value > limit:
        kind = "a uint" if unsigned else "an int"
        raise ExprError(BAD_LITERAL, f"the number {word[:40]} does not fit into {kind} of 64 bits").locate(text, start)
    return Token("uint" if unsigned else "int", value, start, end)


def _string(word: str, text: str, start: int, end: int) -> Token:
    quote = min(index for index in (word.find('"'), word.find("'")) if index >= 0)
    prefix = word[:quote].lower()
    width = 3 if word[quote : quote + 3] in {'"""', "'''"} else 1
    content = word[quote + width : -width]
    is_bytes = "b" in prefix
    if "r" in prefix or "\\" not in content:
        return _text(is_bytes, content, text, start, end)
    pieces: list[str | bytes] = []
    last = 0
    for escape in re.finditer(_ESCAPE, content):
        at = start + quote + width + escape.start()
        pieces += [content[last : escape.start()], _unescape(escape, is_bytes, text, at)]
        last = escape.end()
    pieces.append(content[last:])
    if not is_bytes:
        return Token("string", "".join(map(str, pieces)), start, end)
    return Token("bytes", b"".join(_encode(piece, text, start) for piece in pieces), start, end)


def _text(is_bytes: bool, content: str, text: str, start: int, end: int) -> Token:
    if is_bytes:
        return Token("bytes", _encode(content, text, start), start, end)
    return Token("string", content, start, end)


def _encode(piece: str | bytes, text: str, at: int) -> bytes:
    if isinstance(piece, bytes):
        return piece
    try:
        return piece.encode()
    except UnicodeEncodeError:
        raise ExprError(BAD_LITERAL, "a bytes literal holds half of a surrogate pair").locate(text, at) from None


def _unescape(escape: re.Match[str], is_bytes: bool, text: str, at: int) -> str | bytes:
    kind, digits = str(escape.lastgroup), escape.group(escape.lastgroup or 0)
    if kind == "plain":
        return _PLAIN.get(digits, digits)
    if kind == "bad" or (is_bytes and kind in {"short", "long"}):
        raise ExprError(
            BAD_LITERAL,
            f"unknown escape {escape.group()!r} in a {'bytes' if is_bytes else 'string'} literal",
            hint="Write \\\\ for a backslash, or use a raw string: r'...'",
        ).locate(text, at)
    code = int(digits, 8 if kind == "octal" else 16)
    if is_bytes:
        return bytes([code])
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise ExprError(BAD_LITERAL, f"{escape.group()!r} is not a character").locate(text, at)
    return chr(code)


def _unreadable(text: str, position: int) -> ExprError:
    character = text[position]
    if character in "\"'":
        message, hint = "the string that starts here has no end", f"Close it with {character}"
    elif character == "`":
        message, hint = "the quoted field name that starts here has no end", "Close it with `"
    elif character in "=&|":
        wanted = {"=": "==", "&": "&&", "|": "||"}[character]
        guess = guesses.of_syntax(text, position)
        message, hint = f"{character!r} is not an operator", guess or f"Did you mean {wanted!r}?"
    else:
        message = f"the character {character!r} has no place in an expression"
        hint = guesses.of_syntax(text, position)
    return ExprError(SYNTAX, message, hint=hint).locate(text, position)
