"""`-k`: choosing cases by words in `file::case`, joined by `and`, `or`, `not` and parentheses, as in pytest.

Words that follow one another are searched for as one text. A text that contains one of the keywords must be quoted;
inside it, the same quote is written twice. With `=` before the quotes the text is the whole name of a case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Choice = Callable[[str], bool]

_TOKEN = re.compile(r"""\s*(?:([()])|(=?)(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)')|([^\s()"']+))""")
_KEYWORDS = ("and", "or", "not", "(", ")")


def exactly(name: str) -> str:
    """The pattern that chooses the case of this name, and no other case of its file."""
    return '="{}"'.format(name.replace('"', '""'))


def pattern(text: str) -> Choice:
    """Return the function that says whether a `file::case` is chosen. Letter case matters in whole names only.

    Raises ValueError if the text cannot be parsed, and says why.
    """
    parser = _Parser(_tokens(text))
    choice = parser.either()
    if parser.tokens:
        raise ValueError(f"`{parser.tokens[0].text}` is not expected there")
    return choice


class Token(NamedTuple):
    """A keyword, a text to look for, or the whole name of a case."""

    kind: Literal["keyword", "part", "whole"]
    text: str

    def fits(self, id: str) -> bool:  # noqa: A002  the name that the rest of the runner uses
        if self.kind == "whole":
            return id.partition("::")[2] == self.text
        return self.text.lower() in id.lower()


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError("a quote is not closed")
        position = match.end()
        word = match[1] or match[5]
        if word in _KEYWORDS:
            found.append(Token("keyword", word))
        elif word is None:
            quoted = match[3].replace('""', '"') if match[3] is not None else match[4].replace("''", "'")
            found.append(Token("whole" if match[2] else "part", quoted))
        elif found and found[-1].kind == "part":
            found.append(Token("part", f"{found.pop().text} {word}"))
        else:
            found.append(Token("part", word))
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens

    def take(self, keyword: str) -> bool:
        if self.tokens and self.tokens[0] == Token("keyword", keyword):
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
                raise ValueError("a parenthesis is not closed")
            return inner
        if not self.tokens:
            raise ValueError("a word is missing at the end")
        token = self.tokens.pop(0)
        if token.kind == "keyword":
            raise ValueError(f"a word is missing before `{token.text}`")
        return token.fits
