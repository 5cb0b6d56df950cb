"""Vectors of texts without a model: near for texts with the same words, the same on every machine."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from hashlib import blake2b

_WORD = re.compile(r"\w+")


def hashed(text: str, dimensions: int) -> tuple[float, ...]:
    """Return a vector of length 1. Words count, and less so their pieces, so that `refund` is near `refunds`."""
    vector = [0.0] * dimensions
    for feature, weight in _features(text):
        number = int.from_bytes(blake2b(feature.encode(errors="replace"), digest_size=8).digest())
        # The sign lets features that share a place cancel each other, instead of making all texts alike.
        vector[(number >> 1) % dimensions] += weight if number & 1 else -weight
    length = math.sqrt(math.fsum(each * each for each in vector))
    if not length:
        return (1.0, *vector[1:])
    return tuple(each / length for each in vector)


def _features(text: str) -> Iterator[tuple[str, float]]:
    for word in _WORD.findall(text.casefold()):
        yield word, 1.0
        padded = f"^{word}$"
        yield from ((padded[at : at + 3], 0.3) for at in range(len(padded) - 2))
