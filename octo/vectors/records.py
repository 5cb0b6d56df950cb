"""Records out of what a flow has: maps that come from `chunk`, from a database, or from outside."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from hashlib import sha256

from octo.core.errors import Permanent
from octo.vectors import codes
from octo.vectors.store import Match, Record

MOST = 10_000
"""Records of one call."""
LONGEST_ID = 512
LONGEST_NAMESPACE = 256
LONGEST_VECTOR = 16_000
_OWN = ("id", "vector", "text", "metadata")


def records(given: object, vectors: object = None) -> list[Record]:
    """Read records. vectors: theirs, in the same order, if they do not have them. Raises `Permanent`."""
    listed = [given] if isinstance(given, Mapping) else given
    if not isinstance(listed, list):
        raise bad("a list of records is needed, or one record")
    if len(listed) > MOST:
        raise bad(f"{len(listed)} records are more than the {MOST:,} of one call")
    if vectors is None:
        return [_record(each, None, number) for number, each in enumerate(listed)]
    beside = _beside(vectors, len(listed))
    return [_record(each, beside[number], number) for number, each in enumerate(listed)]


def _beside(vectors: object, count: int) -> list[object]:
    """The vectors of `count` records. One record may have its vector as it is."""
    if not isinstance(vectors, list):
        raise bad("`vectors` must be a list of vectors")
    found = [vectors] if count == 1 and vectors and not isinstance(vectors[0], list) else vectors
    if len(found) != count:
        raise bad(f"there are {count} records and {len(found)} vectors")
    return found


def _record(given: object, beside: object, number: int) -> Record:
    if not isinstance(given, Mapping):
        raise bad(f"record {number} is no map")
    text = given.get("text")
    if text is not None and not isinstance(text, str):
        raise bad(f"the `text` of record {number} is no text")
    if text and not _is_whole(text):
        raise bad(f"the `text` of record {number} has half a character")
    nested = given.get("metadata")
    if nested is not None and not isinstance(nested, Mapping):
        raise bad(f"the `metadata` of record {number} is no map")
    told = {**(nested or {}), **{key: value for key, value in given.items() if key not in _OWN}}
    made = vector(given.get("vector") if beside is None else beside, f"the vector of record {number}")
    metadata = {key: plain for key, value in told.items() if (plain := _plain(key, value, number)) is not None}
    return Record(_id(given.get("id"), text or "", number), made, text or "", metadata)


def _id(given: object, text: str, number: int) -> str:
    if given is None:
        if not text:
            raise bad(f"record {number} has neither an `id` nor a `text` to make one of")
        return sha256(text.encode()).hexdigest()[:32]
    return identity(given, f"record {number}")


def identity(given: object, what: str) -> str:
    """Read an id. Raises `Permanent`."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool) and given == given // 1
    found = f"{given:.0f}" if is_number else given
    if not isinstance(found, str) or not found or len(found) > LONGEST_ID or not found.isprintable():
        raise bad(f"the `id` of {what} must be a printable text of 1 to {LONGEST_ID} characters")
    return found


def ids(given: object) -> list[str]:
    """Read one id or several. Raises `Permanent`."""
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MOST:
        raise bad(f"{len(listed)} ids are more than the {MOST:,} of one call")
    return [identity(each, f"id {number}") for number, each in enumerate(listed)]


def namespace(given: object) -> str:
    """Read the name of a namespace; "" is the default one. Raises `Permanent`."""
    if not isinstance(given, str) or len(given) > LONGEST_NAMESPACE or not given.isprintable():
        raise bad(f"a namespace is a printable text of at most {LONGEST_NAMESPACE} characters")
    return given


def vector(given: object, what: str = "the vector") -> list[float]:
    """Read a vector: numbers, of which one is not zero. Raises `Permanent`."""
    if not isinstance(given, list) or not 1 <= len(given) <= LONGEST_VECTOR:
        raise bad(f"{what} must be a list of 1 to {LONGEST_VECTOR:,} numbers")
    try:
        packed = array("f", given)
    except (TypeError, OverflowError):
        raise bad(f"{what} has something that is no number") from None
    if not math.isfinite(sum(packed)) or not any(packed):
        raise bad(f"{what} has a number that is not finite, or is all zeros")
    return given


def checked(given: Sequence[float], dimension: int, what: str) -> None:
    """Raise `Permanent` if a vector has another length than those of the store."""
    if len(given) != dimension:
        raise Permanent(f"{what} has {len(given)} numbers, the store has vectors of {dimension}", code=codes.DIMENSION)


def _plain(key: object, value: object, number: int) -> object:
    """The value of a metadata field as every store can keep it; None if it is null, which none can."""
    if not isinstance(key, str) or not key or len(key) > LONGEST_ID or key.startswith("$"):
        raise bad(f"record {number} has metadata with a key that is no name")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise bad(f"the number {key!r} of record {number} is not finite")
        return value if type(value) in (int, float) else float(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise bad(f"metadata are texts, numbers, booleans and lists of texts: see {key!r} of record {number}")


def _is_whole(text: str) -> bool:
    """Whether the text is valid Unicode, as all stores need it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_body(found: Match | Record) -> dict[str, object]:
    """As a flow sees it."""
    told: dict[str, object] = {"id": found.id, "text": found.text, "metadata": dict(found.metadata)}
    return told | ({"score": found.score} if isinstance(found, Match) else {"vector": list(found.vector)})


def bad(reason: str) -> Permanent:
    return Permanent(reason, code=codes.RECORD)
