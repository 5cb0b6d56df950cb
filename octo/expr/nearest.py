"""Did you mean ...? The name closest to a misspelt one."""

from collections.abc import Iterable
from itertools import islice

MAX_CANDIDATES = 2_000
MAX_LENGTH = 80
MAX_WORK = 50_000
"""At most this many pairs of characters are compared: keys of a message are candidates, too."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate a person most likely meant by `word`, or None when nothing is close."""
    if len(word) > MAX_LENGTH:
        return None
    best: str | None = None
    best_distance = max(1, (len(word) + 1) // 3) + 1
    known = list(islice(candidates, MAX_CANDIDATES))
    work = 0
    for candidate in known:
        if abs(len(candidate) - len(word)) >= best_distance:
            continue
        if candidate.lower() == word.lower():
            return candidate
        work += len(word) * len(candidate)
        if work > MAX_WORK:
            break
        distance = _distance(word.lower(), candidate.lower())
        if distance < best_distance:
            best, best_distance = candidate, distance
    if best is None and len(word) >= 3:
        return next((each for each in known if each.lower().startswith(word.lower())), None)
    return best


def _distance(left: str, right: str) -> int:
    """Edits (insert, delete, replace, swap neighbours) that turn one word into the other."""
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return previous[-1]
