"""The only JSON codec. Nothing is rounded; a whole double loses its point on the way out, except where kinds matter."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from math import isinf
from typing import Any

import orjson

from octo.expr.addresses import CIDR, IP
from octo.expr.errors import BUDGET, NOT_JSON, ExprError
from octo.expr.limits import MAX_ELEMENTS
from octo.expr.values import Duration, Exact, Optional, Timestamp, a as article, kind_of


class NotJson(ValueError):
    """The text is not JSON; the message says what is wrong without quoting it."""


# -- in


def read(data: bytes | str) -> Any:
    """Return the value of a JSON text. Integers are exact; a decimal that no double holds is kept as written (`Exact`).

    Raises `NotJson` for what some parsers accept although it is not JSON: NaN, Infinity, text that is not UTF-8, half
    surrogate pairs. Nesting may be at most 1024 deep, integers may have at most 4300 digits.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if "infinity" not in error.msg:  # a number that is too large for a double is still a number
            raise NotJson(f"not valid JSON: {error}") from None
        return _exactly(data)
    text = data if isinstance(data, bytes) else data.encode()
    return _exactly(text) if _is_suspect(text) and not all(map(_is_held, _long_numbers(text))) else value


def check_keys(text: str) -> None:
    """Raise `NotJson` if an object of the JSON text has the same key twice. Text that is not JSON is left to `read`."""
    try:
        json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_once, parse_int=len, parse_float=len)
    except NotJson:
        raise
    except RecursionError:
        raise NotJson("nested too deeply to look for keys that are there twice") from None
    except ValueError:
        return


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise NotJson("an object has the same key twice")


def _mask(byte: int) -> int:
    return ord(" 0"[chr(byte) in "0123456789."] if chr(byte) not in "eE-" else chr(byte).lower())


_MASK = bytes(map(_mask, range(256)))
"""A table that maps digits and points to zeros, and every byte that is no part of a number to a blank."""
_tiny = re.compile(rb"[eE]-[0-9]{3,}(?=[\s,\]}]|$)").search


def _is_suspect(data: bytes) -> bool:
    """Whether the text may have a number that 64 bits do not hold: one with 16 digits and points, or a large exponent.

    This must be fast, because almost no body has such a number. A table is much faster than a regular expression.
    """
    masked = data.translate(_MASK)
    return b"0000000000000000" in masked or (b"e-000" in masked and _tiny(data) is not None)


_ONLY_NUMBERS = bytes(each if chr(each) in "0123456789.eE+-" else 32 for each in range(256))


def _long_numbers(data: bytes) -> Iterator[bytes]:
    """Return every number that is at least as long as `1e-400`, and parts of texts that look like one."""
    return (each for each in data.translate(_ONLY_NUMBERS).split() if len(each) > 5)


def _is_held(number: bytes) -> bool:
    """Whether 64 bits hold the number; True if the bytes are not a number."""
    if number.lstrip(b"-").isdigit():
        return len(number) < 19 or (len(number) < 21 and -(2**63) <= int(number) < 2**64)
    try:
        return is_double(number.decode())
    except ValueError:
        return True


def is_double(literal: str) -> bool:
    """Whether a double holds this decimal: it prints as the same number."""
    value = float(literal)
    if repr(value) == literal:
        return True
    if isinf(value):
        return False
    mantissa = re.split("[eE]", literal)[0]
    return Decimal(repr(value)) == Decimal(literal) if value else not re.search("[1-9]", mantissa)


def decimal(literal: str) -> float:
    """Return the number that this JSON text stands for: a double, or `Exact` if no double holds it."""
    return float(literal) if is_double(literal) else Exact(literal)


def _exactly(data: bytes | str) -> Any:
    """Return what `read` returns, with numbers of any size. Slower than orjson."""
    try:
        value = json.loads(data, parse_float=decimal, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise NotJson("not usable JSON: nested too deeply") from None
    except UnicodeError:
        raise NotJson("not valid JSON: a text holds half a character") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"not valid JSON: {error}") from None
    except NotJson:
        raise
    except ValueError:
        raise NotJson("not usable JSON: a number has too many digits") from None
    return value


def _no_constant(word: str) -> Any:
    raise NotJson(f"not valid JSON: {word} is not a number")


# -- out


def write(value: Any, *, indent: bool = False) -> bytes:
    """Return the value as JSON, compact or indented by two spaces.

    Bytes become base64, times and addresses their text, an optional its value or null, an exact number its digits,
    a key that is not text the text of it. A whole double is written as `2`: JSON knows one kind of number.
    """
    try:
        data = orjson.dumps(value, _plainer, orjson.OPT_INDENT_2 if indent else None)
    except TypeError:
        data = write_kinds(value, indent=indent)
    return _without_points(data)


def write_kinds(value: Any, *, indent: bool = False) -> bytes:
    """Return what `write` returns, but a whole double as `2.0`, so that `read` gives back a double."""
    try:
        return orjson.dumps(value, _plainer, orjson.OPT_INDENT_2 if indent else None)
    except TypeError:  # integers beyond 64 bits, keys that are not text, half surrogate pairs, nesting beyond 254
        text = b"".join(_pieces(value))
    return _indented(text) if indent else text


_points = re.compile(rb"\.0(?:[,}\]\n]|\Z)").finditer
"""Finds what looks like the end of a number `2.0`; a text may look so, too. Begins with a plain byte: that is fast."""
_FEW = 16
_SPARSE = 64


def _without_points(data: bytes) -> bytes:
    """Return the JSON with every number `2.0` as `2`.

    What looks so is a number if the quotes before it are even in number: only that many bytes are looked at, and most
    bodies have few such numbers. Where they are dense, all texts are told from all numbers at once.
    """
    pieces: list[bytes] = []
    start = counted = quotes = 0
    masked = b""
    for found, point in enumerate(_points(data), 1):
        at = point.start()
        masked = masked or _masked(data)
        if found > _FEW and at < found * _SPARSE:
            return _without_dense_points(data)
        quotes += masked.count(b'"', counted, at)
        counted = at
        if not quotes & 1:
            pieces.append(data[start:at])
            start = at + 2
    if not pieces:
        return data
    pieces.append(data[start:])
    return b"".join(pieces)


def _masked(data: bytes) -> bytes:
    """Return bytes of the same length in which each quote begins or ends a text."""
    return data.replace(b"\\\\", b"\0\0").replace(b'\\"', b"\0\0") if b"\\" in data else data


def _without_dense_points(data: bytes) -> bytes:
    """Return the same by splitting at the quotes. The escapes that are in the way become bytes that JSON lacks."""
    escapes = b"\\" in data
    if escapes:
        data = data.replace(b"\\\\", b"\0").replace(b'\\"', b"\1")
    parts = data.split(b'"')
    plain = b'"'.join(parts[::2]) + b"\n"
    for end in (b",", b"}", b"]", b"\n"):
        plain = plain.replace(b".0" + end, end)
    parts[::2] = plain[:-1].split(b'"')
    data = b'"'.join(parts)
    return data.replace(b"\1", b'\\"').replace(b"\0", b"\\\\") if escapes else data


def _indented(text: bytes) -> bytes:
    value = json.loads(text, parse_int=orjson.Fragment, parse_float=orjson.Fragment)
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:  # half surrogate pairs, nesting beyond 254
        return text


def dumps(value: Any) -> str:
    """Return what `write` returns, as a text."""
    return write(value).decode()


def _plainer(value: Any) -> Any:
    """Return the JSON form of a value whose type JSON lacks. Raises `ExprError` if there is none."""
    if isinstance(value, Exact):
        return orjson.Fragment(value.literal)
    if isinstance(value, bytes) or hasattr(value, "__bytes__"):
        return b64encode(bytes(value)).decode()
    if isinstance(value, Optional):
        return value.value if value.present else None
    if isinstance(value, (Timestamp, Duration, IP, CIDR)):
        return str(value)
    raise ExprError(NOT_JSON, f"{article(kind_of(value))} has no JSON form")


class _Mark(bytes):
    """JSON text that is already written."""


def _pieces(value: Any) -> Iterator[bytes]:
    """Return the JSON text of any value in pieces. Works without recursion, so at any depth."""
    left = [value]
    for _ in range(MAX_ELEMENTS):
        if not left:
            return
        value = left.pop()
        if isinstance(value, dict):
            yield b"{"
            left.append(_Mark(b"}"))
            for position, (key, item) in reversed(list(enumerate(value.items()))):
                left += item, _Mark(b"%s%s:" % (b"," if position else b"", _scalar(key_text(key))))
        elif isinstance(value, (list, tuple)):
            yield b"["
            left.append(_Mark(b"]"))
            for position, item in reversed(list(enumerate(value))):
                left += (item, _Mark(b",")) if position else (item,)
        elif isinstance(value, Optional):
            left.append(_plainer(value))
        else:
            yield value if isinstance(value, _Mark) else _scalar(value)
    raise ExprError(BUDGET, f"the value has more than {MAX_ELEMENTS:,} elements as JSON")


def key_text(key: Any) -> str:
    """Return the text of a map key in JSON."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(int(key)) if isinstance(key, int) else str(key)


def _scalar(value: Any) -> bytes:
    try:
        return orjson.dumps(value, _plainer)
    except TypeError as error:
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, str):
            return json.dumps(value).encode()
        raise (error.__cause__ if isinstance(error.__cause__, ExprError) else _without_form(value)) from None


def _integer(value: int) -> bytes:
    try:
        return b"%d" % value
    except ValueError:
        raise ExprError(NOT_JSON, "a number has too many digits for JSON") from None


def _without_form(value: Any) -> ExprError:
    return ExprError(NOT_JSON, f"{article(kind_of(value))} has no JSON form")
