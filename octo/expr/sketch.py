"""Values for people: one short line that looks like JSON."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from octo.expr.values import Optional, Uint

ROOM: Final = 60


def _same(text: str) -> str:
    return text


def sketch(value: Any, room: int = ROOM, conceal: Callable[[str], str] = _same) -> str:
    """The value in at most `room` characters; `conceal` replaces texts that must not be shown.

    However large the value is, only the part that is shown is read.
    """
    text = ""
    for piece in _pieces(value, room, conceal):
        text += piece
        if len(text) > room:
            return f"{text[: room - 1]}…"
    return text


def _pieces(value: Any, room: int, conceal: Callable[[str], str]) -> Iterator[str]:
    if isinstance(value, str):
        yield _quoted(conceal(value)[: room + 1])
    elif isinstance(value, dict):
        yield from _between("{", _entries(value, room, conceal), "}")
    elif isinstance(value, list):
        yield from _between("[", (_pieces(each, room, conceal) for each in islice(value, room)), "]")
    elif isinstance(value, Optional):
        inside = _pieces(value.value, room, conceal) if value.present else iter(())
        yield from ("optional.of(" if value.present else "optional.none(", *inside, ")")
    else:
        yield _scalar(value, room, conceal)


def _entries(value: dict[Any, Any], room: int, conceal: Callable[[str], str]) -> Iterator[Iterator[str]]:
    for key, each in islice(value.items(), room):
        yield iter((*_pieces(key, room, conceal), ": ", *islice(_pieces(each, room, conceal), room)))


def _between(start: str, parts: Iterator[Iterator[str]] | Any, end: str) -> Iterator[str]:
    yield start
    for number, part in enumerate(parts):
        yield ", " if number else ""
        yield from part
    yield end


def _scalar(value: Any, room: int, conceal: Callable[[str], str]) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        digits = str(int(value)) if value.bit_length() < 1000 else f"a number of {value.bit_length()} bits"
        return f"{digits}u" if isinstance(value, Uint) else digits
    if isinstance(value, bytes):
        return f"b{_quoted(conceal(value.decode(errors='backslashreplace'))[: room + 1])}"
    return str(value)


def _quoted(text: str) -> str:
    from json import dumps

    return dumps(text, ensure_ascii=False)
