"""Comparing values, and saying where they differ."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from octo.core.secrets import masked
from octo.core.shown import shown
from octo.core.spool import Content
from octo.expr.values import Duration, Timestamp, digits
from octo.suite.outcome import Mismatch

_WIDEST = 72
"""A value of at most this many characters is shown whole."""
_BEFORE, _BEHIND = 24, 48
"""How many characters of two long texts are shown before and after the first that differs."""
_MOST = 20
"""At most this many differences of one value are listed."""


class Difference(NamedTuple):
    """A difference. path: its place in the value, e.g. `.items[2].price`. what: what is wrong there."""

    path: str
    what: str


def equal(want: object, got: object) -> bool:
    """Whether two values are the same, digit for digit; `42` and `42.0` are, `1` and `true` are not."""
    return next(differences(want, got), None) is None


def compared(label: str, want: object, got: object) -> list[Mismatch]:
    """Return a mismatch if the values differ: it shows small values whole, and the places where big ones differ."""
    if equal(want, got):
        return []
    wanted, found = rendered(want), rendered(got)
    if not _is_nested(want) and not _is_nested(got):
        return [Mismatch(f"{label}: {_unlike(want, got)}")]
    if max(len(wanted), len(found)) <= _WIDEST or not (_is_nested(want) and _is_nested(got)):
        return [Mismatch(f"{label}:", f"want: {_cut(wanted)}\ngot:  {_cut(found)}")]
    name = label.rpartition(".")[2]
    lines = [f"{name}{each.path}: {each.what}" for each in differences(want, got)]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return [Mismatch(f"{label}:", "\n".join((*lines[:_MOST], *more)))]


def differences(want: object, got: object, path: str = "") -> Iterator[Difference]:
    """Yield every place where the values differ, outermost first."""
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        yield from _in_mapping(want, got, path)
    elif isinstance(want, list | tuple) and isinstance(got, list | tuple):
        yield from _in_list(want, got, path)
    elif _kind(want) != _kind(got) or digits(want) != digits(got):
        yield Difference(path, _unlike(want, got))


def _in_mapping(want: Mapping[Any, object], got: Mapping[Any, object], path: str) -> Iterator[Difference]:
    want, got = _plain(want), _plain(got)
    for key, value in want.items():
        if key in got:
            yield from differences(value, got[key], path + _step(key))
        else:
            yield Difference(path + _step(key), f"want {_cut(rendered(value))}, but it is missing")
    for key, value in got.items():
        if key not in want:
            yield Difference(path + _step(key), f"not wanted, got {_cut(rendered(value))}")


def _plain(mapping: Mapping[Any, object]) -> Mapping[Any, object]:
    """The mapping, with large content as it is: a raw body would read it."""
    return dict(dict.items(mapping)) if isinstance(mapping, dict) else mapping


def as_written(want: object, got: object) -> object:
    """What came, with the text of bytes and times wherever a test wrote a text: a file says them so, as JSON does."""
    if isinstance(want, str):
        if isinstance(got, bytes | Content):
            return b64encode(bytes(got)).decode()
        return str(got) if isinstance(got, Timestamp | Duration) else got
    if isinstance(want, dict) and isinstance(got, dict):
        entries = dict.items(got)
        return {key: as_written(want[key], each) if key in want else each for key, each in entries}
    if isinstance(want, list) and isinstance(got, list | tuple) and len(want) == len(got):
        return [as_written(one, other) for one, other in zip(want, got, strict=True)]
    return got


def _step(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{rendered(key)}]"


def _in_list(want: Sequence[object], got: Sequence[object], path: str) -> Iterator[Difference]:
    if len(want) == len(got):
        yield from _in_pairs(want, got, path)
        return
    yield Difference(path, f"want {len(want)} elements, got {len(got)}")  # first, because many others may follow
    shorter = min(len(want), len(got))
    same = _alike(want, got)
    if same + _alike(want[same:][::-1], got[same:][::-1]) < shorter:
        yield from _in_pairs(want[:shorter], got[:shorter], path)
        same = shorter
    for index in range(same, same + len(want) - shorter):
        yield Difference(f"{path}[{index}]", f"want {_cut(rendered(want[index]))}, but it is missing")
    for index in range(same, same + len(got) - shorter):
        yield Difference(f"{path}[{index}]", f"not wanted, got {_cut(rendered(got[index]))}")


def _in_pairs(want: Sequence[object], got: Sequence[object], path: str) -> Iterator[Difference]:
    for index, (one, other) in enumerate(zip(want, got, strict=True)):
        yield from differences(one, other, f"{path}[{index}]")


def _alike(want: Sequence[object], got: Sequence[object]) -> int:
    """How many elements at the beginning are the same."""
    pairs = enumerate(zip(want, got, strict=False))
    return next((index for index, (one, other) in pairs if not equal(one, other)), min(len(want), len(got)))


def rendered(value: object) -> str:
    """The value on one line, as far as possible as JSON."""
    return shown(value)


def _unlike(want: object, got: object) -> str:
    wanted, found = rendered(want), rendered(got)
    if isinstance(want, str) and isinstance(got, str) and max(len(wanted), len(found)) > _WIDEST:
        want, got = masked(want), masked(got)  # first, for a part of a secret would not be recognised
        at = _first_other(want, got)
        return f"want {_around(want, at)}, got {_around(got, at)} (from character {at + 1} on)"
    if isinstance(want, bytes | Content) and isinstance(got, bytes | Content):
        return f"want {wanted}, got {found} (from byte {_first_other(bytes(want), bytes(got)) + 1} on)"
    kinds = _kind(want), _kind(got)
    looks_alike = kinds[0] != kinds[1] and wanted.strip('"') == found.strip('"')
    note = f" ({_NAMES[kinds[1]]}, not {_NAMES[kinds[0]]})" if looks_alike else ""
    return f"want {_cut(wanted)}, got {_cut(found)}{note}"


def _first_other(want: str | bytes, got: str | bytes) -> int:
    """Where the two begin to differ."""
    pairs = enumerate(zip(want, got, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(want), len(got)))


def _around(text: str, at: int) -> str:
    """The part of a long text around the character at which it begins to differ from another one."""
    start, end = max(0, at - _BEFORE), at + _BEHIND
    return f"{'...' if start else ''}{rendered(text[start:end])}{'...' if end < len(text) else ''}"


_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("null", (type(None),)),
    ("bool", (bool,)),
    ("number", (int, float)),
    ("map", (Mapping,)),
    ("list", (list, tuple)),
    ("bytes", (bytes, Content)),
    ("timestamp", (Timestamp,)),
    ("duration", (Duration,)),
)
"""The first that fits counts; all else is a string."""
_NAMES = {"null": "null", "bytes": "bytes", "string": "a string"} | {
    kind: f"a {kind}" for kind, _ in _KINDS if kind not in ("null", "bytes")
}


def _kind(value: object) -> str:
    return next((kind for kind, classes in _KINDS if isinstance(value, classes)), "string")


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and len(value) > 0


def _cut(text: str) -> str:
    text = masked(text)  # before cutting, as above
    return text if len(text) <= 1000 else f"{text[:1000]}... ({len(text)} characters)"
