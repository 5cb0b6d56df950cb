"""Secrets: texts that are never printed, and the masks that keep them out of logs, traces and reports."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import groupby

MASKED = "«secret»"
_SHORTEST_SECRET = 6
_secrets: dict[str, set[str]] = {}
"""The patterns of all secrets, by a piece of text that is in whatever they match. Replaced as a whole, never changed:
configurations are read in a thread, while others write lines."""
_pattern: re.Pattern[str] | None = None


def mask(secret: str) -> None:
    """Replace this text by `«secret»` in every line from now on, also where it is encoded or quoted, however often.

    Texts of fewer than 6 characters are left alone: masking `root` or `1234` would make logs unreadable and reveal
    the secret.
    """
    global _pattern, _secrets  # noqa: PLW0603  a fact about the process
    if len(secret) < _SHORTEST_SECRET:
        return
    found = {piece: patterns.copy() for piece, patterns in _secrets.items()}
    for piece, pattern in _forms(secret):
        found.setdefault(piece, set()).add(pattern)
    _secrets = found
    # The longest first: a secret may be the beginning of another.
    _pattern = re.compile("|".join(sorted(set().union(*found.values()), key=_length, reverse=True)))


def masked(text: str) -> str:
    """The text without registered secrets."""
    # A plain search for each piece costs a fraction of the pattern, and hardly any text contains a secret.
    if _pattern is None or not any(piece in text for piece in _secrets):
        return text
    return _pattern.sub(MASKED, text)


def _length(pattern: str) -> tuple[int, str]:
    return len(pattern), pattern


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    """Pieces of text, each with a pattern of what it may be a piece of."""
    # Letters and digits are the same in every form, except in base64.
    yield _longest_word(secret), "".join(_written(*run) for run in _runs(secret))
    for text in _in_base64(secret):
        # The variant for URLs has other signs, and what holds it may escape the usual ones.
        pattern = "".join(each if each.isalnum() else r"(?:\\{0,7}[-+/_]|(?i:%(?:25)*2[bf]))" for each in text)
        yield _longest_word(text), pattern


def _longest_word(text: str) -> str:
    words: list[str] = re.findall("[A-Za-z0-9]*", text)
    return max(words, key=len)


def _in_base64(secret: str) -> Iterator[str]:
    """What is the same in the base64 of every text with this secret in it, such as `user:password` of HTTP Basic."""
    data = secret.encode(errors="replace")
    for before in range(3):
        text = b64encode(b"\0" * before + data).decode()
        # A character has 6 bits: the first and the last one may have bits of the neighbours.
        yield text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]


def _runs(text: str) -> Iterator[tuple[str, int]]:
    """Each character, and how often it comes in a row."""
    for character, group in groupby(text):
        yield character, sum(1 for _ in group)


def _written(character: str, times: int) -> str:
    """A pattern for a character, several times in a row: as it is, and as JSON, Python, URLs and others write it.

    What was escaped may be escaped again, so any form may have backslashes before it. Their number is bounded, and
    a run of backslashes is one repetition: a pattern that could match them in many ways would take exponential time.
    """
    if character.isascii() and character.isalnum():
        return character * times
    if character == "\\":
        return rf"(?:\\{{{times},{8 * times}}}|(?i:{_in_url(character)}){{{times}}})"
    plain = [re.escape(character), f"(?i:{_in_url(character)}|{_in_markup(character)})", *_ELSEWHERE.get(character, ())]
    code = "|".join(_in_code(character))
    return rf"(?:\\{{0,7}}(?:{'|'.join(plain)})|\\{{1,8}}(?:{code})){{{times}}}"


_ELSEWHERE = {" ": (r"\+",), "'": ("""'"'"'""", r"'\\''")}
"""What forms and shells write."""


def _in_url(character: str) -> str:
    return "".join(rf"(?:%|\\{{1,8}}u0025)(?:25)*{byte:02x}" for byte in character.encode(errors="replace"))


def _in_markup(character: str) -> str:
    name = {"&": "amp|", "<": "lt|", ">": "gt|", '"': "quot|", "'": "apos|"}.get(character, "")
    return f"&(?:amp;)*(?:{name}#0*{ord(character)}|#x0*{ord(character):x});"


def _in_code(character: str) -> Iterator[str]:
    """Escapes of JSON and Python, without the backslash before them."""
    yield from {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}.get(character, "")
    units = character.encode("utf-16-be", errors="surrogatepass")
    pair = r"\\{1,8}".join(f"u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    wide = f"|U{ord(character):08x}" + (f"|x{ord(character):02x}" if ord(character) < 256 else "")
    yield f"(?i:{pair}{wide})"
