"""Where the values of a markup template stand.

What is safe in one place is not in another: `"` ends an attribute, `;` a statement of a script. So each place has its
own way of escaping (`octo.expr.markup`), and places without a safe one are refused.
"""

import re
from typing import Final

from octo.expr.errors import UNSAFE, ExprError

_LINKS: Final = frozenset(
    ("href", "src", "action", "formaction", "xlink:href", "poster", "data", "background", "cite", "manifest", "ping")
)
_BAD_PREFIX: Final = re.compile(r"\s*(javascript|vbscript|data)\s*:", re.IGNORECASE)
_TEXTUAL: Final = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
_TAG: Final = re.compile(r"[^\s/>]*")
_BARE: Final = re.compile(r"[^\s>]*")
_MARKS: Final = ("'", '"', "`")
_QUOTES: Final = {'"': "double", "'": "single", ">": "inside"}


class Scanner:
    """Reads the fixed text of a template piece by piece, and knows what stands between the pieces.

    Invariant: it reads as browsers do (WHATWG HTML, 13.2.5), as far as that decides what a value can break out of.
    """

    def __init__(self) -> None:
        self.state = "text"
        self.tag = ""
        self.attribute = ""
        self.before = ""
        self.is_end = False
        self.last = ""

    def read(self, piece: str) -> None:
        """Go on behind a piece of fixed text."""
        at, self.last = 0, piece[-1:]
        while at < len(piece):
            at = getattr(self, f"_{self.state}")(piece, at)

    def way(self) -> str:
        """The function that writes a value here. Raises ExprError where no function makes it safe."""
        state = self.state
        if state == "unsure":
            self.state = "open"  # what is vouched for here is the name
            raise self._unsafe("in the name of a tag")
        if state in ("open", "inside", "name", "named"):
            raise self._unsafe("between the attributes of a tag")
        if state in ("equals", "bare"):
            self.state = "bare"
            raise self._unsafe("as an attribute without quotes", "put quotes around the value")
        if state == "raw" and self.tag == "style":
            raise self._unsafe("in a style sheet", "choose one of several classes instead")
        if state == "raw" and self.tag == "script":
            if self.last in _MARKS:
                raise self._unsafe(
                    "between quotes in a script", "leave the quotes out: it is written as JSON, with its own"
                )
            return "htmlScript"
        return self._in_attribute() if state in ("double", "single") else "htmlText"

    def _in_attribute(self) -> str:
        if self.attribute.startswith("on") or self.attribute in ("style", "srcdoc"):
            raise self._unsafe(
                f"in the attribute `{self.attribute}`", "put it into `data-...` and read that in a script"
            )
        if self.attribute not in _LINKS:
            return "htmlText"
        if _BAD_PREFIX.match(self.before):
            raise self._unsafe("in an address that is a script")
        return "htmlText" if re.search(r"[:/?#]", self.before) else "htmlLink"

    def _unsafe(self, where: str, hint: str = "put it into a text or an attribute with quotes") -> ExprError:
        return ExprError(
            UNSAFE, f"a value cannot be written safely {where}", hint=f"{hint}, or vouch for it with raw(...)"
        )

    # -- one method per state: each reads from `at` and returns where the next one goes on

    def _text(self, piece: str, at: int) -> int:
        found = piece.find("<", at)
        if found < 0:
            return len(piece)
        rest = piece[found:]
        if rest.startswith("<!--"):
            self.state = "comment"
            return found + 4
        self.tag, self.is_end = "", False
        self.state = "unsure"
        return found + 1

    def _unsure(self, piece: str, at: int) -> int:
        """Behind a `<`: it begins a tag, a declaration, or is text."""
        if piece[at] == "/" and not self.is_end:
            self.is_end = True
            return at + 1
        if piece[at].isascii() and piece[at].isalpha():
            self.state = "open"
        else:
            self.state = "declaration" if piece[at] in "!?/" else "text"
        return at

    def _open(self, piece: str, at: int) -> int:
        found = _TAG.match(piece, at)
        assert found is not None
        self.tag += found[0].lower()
        if found.end() < len(piece):
            self.state = "inside"
        return found.end()

    def _inside(self, piece: str, at: int) -> int:
        sign = piece[at]
        if sign == ">":
            self.state = "raw" if self.tag in _TEXTUAL and not self.is_end else "text"
        elif not (sign.isspace() or sign == "/"):
            self.state, self.attribute = "name", sign.lower()
        return at + 1

    def _name(self, piece: str, at: int) -> int:
        sign = piece[at]
        if sign == "=":
            self.state, self.before = "equals", ""
        elif sign in "/>":
            self.state = "inside"
            return at
        elif sign.isspace():
            self.state = "named"
        else:
            self.attribute += sign.lower()
        return at + 1

    def _named(self, piece: str, at: int) -> int:
        """Behind the name of an attribute and a space."""
        if piece[at] == "=":
            self.state, self.before = "equals", ""
            return at + 1
        if not piece[at].isspace():
            self.state = "inside"
            return at
        return at + 1

    def _equals(self, piece: str, at: int) -> int:
        sign = piece[at]
        if sign.isspace():
            return at + 1
        self.state = _QUOTES.get(sign, "bare")
        return at + (sign in "\"'")

    def _double(self, piece: str, at: int) -> int:
        return self._until(piece, at, '"')

    def _single(self, piece: str, at: int) -> int:
        return self._until(piece, at, "'")

    def _until(self, piece: str, at: int, quote: str) -> int:
        found = piece.find(quote, at)
        end = len(piece) if found < 0 else found
        self.before += piece[at:end]
        if found >= 0:
            self.state = "inside"
            end += 1
        return end

    def _bare(self, piece: str, at: int) -> int:
        found = _BARE.match(piece, at)
        assert found is not None
        if found.end() < len(piece):
            self.state = "inside"
        return found.end()

    def _comment(self, piece: str, at: int) -> int:
        return self._past(piece, at, "-->")

    def _declaration(self, piece: str, at: int) -> int:
        return self._past(piece, at, ">")

    def _past(self, piece: str, at: int, end: str) -> int:
        found = piece.find(end, at)
        if found < 0:
            return len(piece)
        self.state = "text"
        return found + len(end)

    def _raw(self, piece: str, at: int) -> int:
        found = re.compile(rf"</{self.tag}(?=[\s/>])", re.IGNORECASE).search(piece, at)
        if found is None:
            return len(piece)
        self.state, self.is_end = "inside", True
        return found.end()
