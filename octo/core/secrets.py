"""Secrets: texts that are never printed, and the masks that keep them out of logs, traces and reports."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

MASKED = "«secret»"
_SHORTEST_SECRET = 6
_SHORTEST_LINE = 12
"""Characters of a line that is masked by itself: shorter ones, such as `{` or `default`, are words of any text."""
_LINE_ENDS = re.compile(r"[\r\n]|\\[rn]")
"""Line ends, and those of a key inside of JSON."""
_PASSWORD = re.compile(r"://[^/?#\s:@]*:([^/?#\s@]+)@")
_FOUND = "\ufdd0"
"""Stands for a secret while others are looked for. Unicode promises that it is no character of any text."""
_secrets: dict[str, tuple[str, re.Pattern[str]]] = {}
"""The pattern of each form of each secret, and a piece of text that is in whatever it matches; the longest first, as a
secret may be the beginning of another. Replaced as a whole, never changed: configurations are read in a thread, while
others write lines."""
_names: dict[str, str] = {}
"""What secrets are called, by the pattern; those without a name are not in it."""
_NAMED = re.compile("\ufdd0([\U000f0000-\U000ffffd])")


class Store(Protocol):
    """A place of secrets that is read at once, as configurations are before anything runs.

    place: how errors call it.
    """

    @property
    def place(self) -> str: ...

    def check(self) -> None:
        """Raise `OctoError` if the place is not there."""
        ...

    def find(self, name: str) -> str | None:
        """The secret as it is now, not masked yet; None if there is none. Raises `OctoError`."""
        ...

    def listed(self) -> Iterable[tuple[str, str]]:
        """The names of all secrets in their order, each with what else may be said of it. Raises `OctoError`."""
        ...

    def files(self, name: str) -> Iterable[Path]:
        """The files that decide what the secret is, whether they exist or not."""
        ...


def mask(secret: str, name: str = "") -> None:
    """Replace this text by `«secret»` in every line from now on, also where it is encoded or quoted, however often.

    name: of the variable that has it; see `named`.

    So are its lines of at least 12 characters, as an error may tell one line of a key, and the password of an address.
    Texts of fewer than 6 characters are left alone: masking `root` or `1234` would make logs unreadable and reveal
    the secret.
    """
    global _secrets  # noqa: PLW0603  a fact about the process
    # Each pattern is compiled once: compiling takes far longer than searching, and a reload masks everything again.
    forms = [(piece, pattern) for part in _parts(secret) for piece, pattern in _forms(part)]
    found = {pattern: (piece, re.compile(pattern)) for piece, pattern in forms if pattern not in _secrets}
    if name:
        _names.update((pattern, name) for _, pattern in forms if pattern not in _names)
    if found:
        _secrets = dict(sorted({**_secrets, **found}.items(), key=_length, reverse=True))


def masked(text: str) -> str:
    """The text without registered secrets."""
    found = False
    for piece, pattern in _secrets.values():
        # A plain search costs a fraction of the pattern, and hardly any text contains a secret.
        if piece in text:
            text = pattern.sub(_FOUND, text)
            found = True
    return text.replace(_FOUND, MASKED) if found else text


def named(text: str) -> str:
    """The text with `«secret:NAME»` in place of registered secrets, so that one is told from another."""
    names = [""]
    for key, (piece, pattern) in _secrets.items():
        if piece in text:
            names.append(_names.get(key, ""))
            # A name is put in last: a shorter secret may be a part of it.
            text = pattern.sub(f"{_FOUND}{chr(0xF0000 + len(names) - 1)}", text)
    return _NAMED.sub(lambda found: secret_called(names[ord(found[1]) - 0xF0000]), text) if len(names) > 1 else text


MARK = re.compile("«secret(?::[^»]*)?»")
"""What stands in place of a secret, with its name or without."""


def secret_called(name: str) -> str:
    """What is written in place of the secret of this name; "" if it has none."""
    return f"«secret:{name}»" if name else MASKED


def _length(entry: tuple[str, object]) -> tuple[int, str]:
    return len(entry[0]), entry[0]


def _parts(secret: str) -> Iterator[str]:
    """The secret, and what of it is a secret by itself."""
    if len(secret) >= _SHORTEST_SECRET:
        yield secret
    lines = [line.strip() for line in _LINE_ENDS.split(secret)]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
    for found in _PASSWORD.finditer(secret):
        password = unquote(found[1])
        if len(password) >= _SHORTEST_SECRET:
            yield password


def _forms(secret: str) -> Iterator[tuple[str, str]]:
    """Pieces of text, each with a pattern of what it may be a piece of."""
    # Letters and digits are the same in every form, except in base64.
    yield _longest_word(secret), "".join(_written(*run) for run in _runs(secret))
    for text in _in_base64(secret):
        # The variant for URLs has other signs, and what holds it may escape the usual ones.
        pattern = "".join(each if each.isalnum() else r"(?:\\{0,7}[-+/_]|(?i:%(?:25)*2[bf]))" for each in text)
        yield _longest_word(text), pattern
    # Databases and programs write bytes as hexadecimal digits.
    digits = secret.encode(errors="replace").hex()
    yield digits, digits
    yield digits.upper(), digits.upper()


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
    written = rf"(?:\\{{0,7}}(?:{'|'.join(plain)})|\\{{1,8}}(?:{code})){{{times}}}"
    # SQL, YAML and CSV write quotes twice. The whole run has one form, for the same reason.
    return f"(?:{written}|{character}{{{2 * times}}})" if character in "\"'" else written


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
    if not character.isascii():
        yield "(?i:" + r"\\{1,8}".join(f"x{byte:02x}" for byte in character.encode(errors="replace")) + ")"
