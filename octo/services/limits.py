"""What every provider accepts, so that what works with one works with all. Every provider checks its arguments here."""

from __future__ import annotations

import re
from decimal import Decimal

from octo.core.errors import Permanent
from octo.expr.values import Duration, Timestamp
from octo.services import codes

LONGEST_NAME = 512
"""Bytes of a key or name in UTF-8."""
LARGEST_VALUE = 1 << 20
"""Bytes of a value, about as many as its JSON has."""
LARGEST_PAGE = 1000
"""Names of one listing, messages of one receive."""
DEEPEST = 1000
"""How deep lists and mappings nest."""
LEAST_COUNT, MOST_COUNT = -(1 << 63), (1 << 63) - 1
"""What a counter may become."""

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def beyond(text: str) -> Permanent:
    """The error of an argument that no provider accepts."""
    return Permanent(text, code=codes.LIMIT)


def namespace(name: str) -> str:
    """The namespace, if it is valid."""
    if not _NAMESPACE.fullmatch(name):
        raise beyond(
            f"{name[:80]!r} is no namespace: write 1 to 64 of a-z, 0-9, `-` and `_`, and begin with a letter or digit"
        )
    return name


def name(text: str, what: str) -> str:
    """The key, or the name of a `what`, if it is valid."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise beyond(f"a {what} must be Unicode text; this one has half a surrogate pair") from None
    if not 0 < length <= LONGEST_NAME:
        raise beyond(f"a {what} has 1 to {LONGEST_NAME} bytes in UTF-8, this one has {length:,}")
    if "\0" in text:
        raise beyond(f"a {what} must not contain NUL")
    return text


def prefix(text: str) -> str:
    """The beginning of a key or name, which may be empty."""
    return name(text, "prefix") if text else text


def most(count: int) -> int:
    """How many names or messages to return at once."""
    if not 1 <= count <= LARGEST_PAGE:
        raise beyond(f"`most` must be 1 to {LARGEST_PAGE:,}, and is {count!r}")
    return count


def cursor(text: str) -> int:
    """The number that a browsing of messages goes on after."""
    if text and not (text.isdecimal() and text.isascii() and len(text) < 20):
        raise beyond(f"{text[:80]!r} is not what an earlier browsing gave as `after`")
    return int(text or -1)


def path(text: str) -> str:
    """The name of a resource, if it is valid: a path that cannot leave its folder."""
    name(text, "resource name")
    if any(part in ("", ".", "..") for part in text.split("/")) or "\\" in text:
        raise beyond(f"{text[:80]!r} is no resource name: write a relative path with `/`, without `.` and `..`")
    return text


def seconds(value: float, what: str) -> float:
    """A length of time: more than 0, and finite."""
    if not 0 < value < float("inf"):
        raise beyond(f"`{what}` must be more than 0 seconds and not infinite, and is {value!r}")
    return value


def delay(value: float, what: str) -> float:
    """A length of time that may be 0."""
    return value if value == 0 else seconds(value, what)


def order(key: str, delay: float) -> str:
    """The ordering key of a message, which may be empty."""
    if key and delay:
        raise beyond("a message with an ordering key has no `delay`: it would hold up those behind it")
    return name(key, "ordering key") if key else key


def sending(queue: str, value: object, delay_: float, key: str, order_: str) -> None:
    """What `Queues.send` is given."""
    name(queue, "queue name")
    size(value)
    delay(delay_, "delay")
    order(order_, delay_)
    if key:
        name(key, "key")


def unordered(key: str, where: str) -> None:
    """Refuse an ordering key, for a provider of queues that keeps no order. where: what keeps none, for people."""
    if key:
        raise Permanent(f"{where} keeps no order per key: send without an ordering key", code=codes.UNORDERED)


def size(value: object) -> int:
    """About how many bytes a value takes. Raises `Permanent` if it is no value, or takes more than it may."""
    total, left = 0, [(value, 0)]
    while left:
        each, depth = left.pop()
        total += _own_size(each)
        if total > LARGEST_VALUE:
            raise beyond(f"the value takes more than {LARGEST_VALUE:,} bytes")
        if depth > DEEPEST:
            raise beyond(f"the value nests more than {DEEPEST:,} deep")
        if isinstance(each, dict):
            if not all(isinstance(key, str) for key in each):
                raise beyond("a mapping has a key that is no text")
            left += [(inner, depth + 1) for pair in each.items() for inner in pair]
        elif isinstance(each, list):
            left += [(inner, depth + 1) for inner in each]
    return total


def _own_size(value: object) -> int:
    """Bytes of a value without what it contains."""
    if isinstance(value, str):
        try:
            return len(value.encode()) + 2
        except UnicodeEncodeError:
            raise beyond("a text has half a surrogate pair") from None
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, int):
        return 1 + value.bit_length() // 3
    if isinstance(value, list | dict):
        return 2 + len(value)  # so the items of a list that is too long are never visited
    if value is None or isinstance(value, float | Decimal | Timestamp | Duration):
        return 16
    raise beyond(f"{type(value).__name__} is no value: it is what a body may be, JSON and bytes")
