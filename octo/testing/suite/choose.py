"""`-k`: choosing cases by words in `file::case`, joined by `and`, `or`, `not` and parentheses, as in pytest.

Words that follow one another are one text to look for; a text that holds such a keyword stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Choice = Callable[[str], bool]

_TOKEN = re.compile(r"""\s*(?:([()])|"([^"]*)"|'([^']*)'|([^\s()"']+))""")
_KEYWORDS = ("and", "or", "not", "(", ")")


def pattern(text: str) -> Choice:
    """Whether a case's `file::case` is chosen; case does not matter. Raises ValueError with what is not understood."""
    parser = _Parser(_tokens(text))
    choice = parser.either()
    if parser.tokens:
        raise ValueError(f"`{parser.tokens[0][1]}` is one too many")
    return choice


Token = tuple[bool, str]
"""Whether it is a keyword, and its text."""


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError("a quote is never closed")
        position = match.end()
        word = match[1] or match[4]
        if word in _KEYWORDS:
            found.append((True, word))
            continue
        plain = word or match[2] or match[3] or ""
        if found and not found[-1][0] and word is not None:
            plain = f"{found.pop()[1]} {plain}"
        found.append((False, plain))
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens

    def take(self, keyword: str) -> bool:
        if self.tokens and self.tokens[0] == (True, keyword):
            del self.tokens[0]
            return True
        return False

    def either(self) -> Choice:
        choices = [self.both()]
        while self.take("or"):
            choices.append(self.both())
        return lambda name: any(choice(name) for choice in choices)

    def both(self) -> Choice:
        choices = [self.negated()]
        while self.take("and"):
            choices.append(self.negated())
        return lambda name: all(choice(name) for choice in choices)

    def negated(self) -> Choice:
        if self.take("not"):
            choice = self.negated()
            return lambda name: not choice(name)
        if self.take("("):
            inner = self.either()
            if not self.take(")"):
                raise ValueError("a parenthesis is never closed")
            return inner
        if not self.tokens:
            raise ValueError("a word is missing at the end")
        is_keyword, word = self.tokens.pop(0)
        if is_keyword:
            raise ValueError(f"a word is missing before `{word}`")
        return lambda name: word.lower() in name.lower()
