"""The strings extension of CEL. Positions count characters."""

from typing import Any

from octo.expr.cost import FREE
from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, OUT_OF_BOUNDS, ExprError, number
from octo.expr.function import function
from octo.expr.limits import check_elements, check_size
from octo.expr.values import a as article, kind_of

# Unicode White_Space, which is less than str.strip() removes.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code + 32: code for code in _LOWER}
_QUOTED = {ord(character): f"\\{letter}" for character, letter in zip('\a\b\f\n\r\t\v\\"', 'abfnrtv\\"', strict=True)}


def _within(text: str, index: int) -> int:
    if not 0 <= index <= len(text):
        raise ExprError(OUT_OF_BOUNDS, f"index {number(index)} is out of bounds: the string has {len(text)} characters")
    return index


@function("string.charAt(int) -> string", family="strings", examples=['"hello".charAt(1) == "e"'], cost=FREE)
def char_at(text: str, index: int) -> str:
    """The character at a position; "" at the position after the last character."""
    return text[_within(text, index) : index + 1]


@function(
    "string.indexOf(string) -> int",
    "string.indexOf(string, int) -> int",
    family="strings",
    examples=['"hello".indexOf("l") == 2', '"hello".indexOf("l", 3) == 3', '"hello".indexOf("x") == -1'],
)
def index_of(text: str, part: str, start: int = 0) -> int:
    """The first position of a part, at or after the given position; -1 when it is absent."""
    return text.find(part, _within(text, start))


@function(
    "string.lastIndexOf(string) -> int",
    "string.lastIndexOf(string, int) -> int",
    family="strings",
    examples=['"hello".lastIndexOf("l") == 3', '"hello".lastIndexOf("l", 2) == 2'],
)
def last_index_of(text: str, part: str, start: int | None = None) -> int:
    """The last position of a part, at or before the given position; -1 when it is absent."""
    if start is None:
        return text.rfind(part)
    return text.rfind(part, 0, _within(text, start) + len(part))


@function("string.lowerAscii() -> string", family="strings", examples=['"TacoCÆt".lowerAscii() == "tacocÆt"'])
def lower_ascii(text: str) -> str:
    """The string with the letters A to Z in lower case."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


@function("string.upperAscii() -> string", family="strings", examples=['"tacocæt".upperAscii() == "TACOCæT"'])
def upper_ascii(text: str) -> str:
    """The string with the letters a to z in upper case."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


@function(
    "string.replace(string, string) -> string",
    "string.replace(string, string, int) -> string",
    family="strings",
    examples=['"a-b-c".replace("-", "+") == "a+b+c"', '"a-b-c".replace("-", "+", 1) == "a+b-c"'],
)
def replace(text: str, old: str, new: str, limit: int = -1) -> str:
    """The string with a part replaced, everywhere or at most the given number of times."""
    limit = max(limit, -1)
    if len(new) > len(old):
        found = len(text) + 1 if not old else text.count(old)
        count = found if limit < 0 else min(found, limit)
        check_size(len(text) + count * (len(new) - len(old)))
    return text.replace(old, new, limit)


@function(
    "string.split(string) -> list(string)",
    "string.split(string, int) -> list(string)",
    family="strings",
    examples=['"a,b,c".split(",") == ["a", "b", "c"]', '"a,b,c".split(",", 2) == ["a", "b,c"]'],
)
def split(text: str, separator: str, limit: int = -1) -> list[str]:
    """The pieces between separators, at most the given number; the separator "" splits into characters."""
    if limit == 0:
        return []
    if not separator:
        check_elements(len(text))
        if 0 < limit < len(text):
            return [*text[: limit - 1], text[limit - 1 :]]
        return list(text)
    check_elements(text.count(separator))
    return text.split(separator, limit - 1 if limit > 0 else -1)


@function(
    "string.substring(int) -> string",
    "string.substring(int, int) -> string",
    family="strings",
    examples=['"hello".substring(3) == "lo"', '"hello".substring(1, 3) == "el"'],
)
def substring(text: str, start: int, end: int | None = None) -> str:
    """The characters from a position to the end, or up to a second position, which is not included."""
    end = len(text) if end is None else _within(text, end)
    if start > end and start <= len(text):
        raise ExprError(INVALID_ARGUMENT, f"substring ends at {number(end)}, before its start at {number(start)}")
    return text[_within(text, start) : end]


@function("string.trim() -> string", family="strings", examples=['"  hi\\n".trim() == "hi"'])
def trim(text: str) -> str:
    """The string without white space at its ends."""
    return text.strip(_SPACE)


@function(
    "list(string).join() -> string",
    "list(string).join(string) -> string",
    family="strings",
    examples=['["a", "b"].join("-") == "a-b"', '["a", "b"].join() == "ab"'],
)
def join(items: list[Any], separator: str = "") -> str:
    """The strings of a list joined into one, with a separator between them."""
    for item in items:
        if not isinstance(item, str):
            raise ExprError(
                NO_SUCH_OVERLOAD,
                f"join needs a list of strings, found {article(kind_of(item))} in it",
                hint="Convert with list.map(item, string(item)).join()",
            )
    check_size(sum(map(len, items)) + len(separator) * len(items))
    return separator.join(items)


@function("string.reverse() -> string", family="strings", examples=['"abc".reverse() == "cba"'])
def reverse(text: str) -> str:
    """The characters in reverse order."""
    return text[::-1]


@function("strings.quote(string) -> string", family="strings", examples=["strings.quote('a\"b') == '\"a\\\\\"b\"'"])
def quote(text: str) -> str:
    """The string as a CEL literal, with quotes and escapes."""
    return f'"{text.translate(_QUOTED)}"'
