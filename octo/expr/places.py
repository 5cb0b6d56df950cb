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
_TELLING: Final = 256
"""Characters of a name or an address that are looked at: all that matter are at its beginning."""
_VALUE: Final = "\ufdd0"
"""Stands for a value in the text of an attribute. Unicode promises that it is no character of any text."""
_BAD_PREFIX: Final = re.compile(r"\s*(javascript|vbscript|data)\s*:", re.IGNORECASE)
PICTURE: Final = re.compile("data:image/(png|jpeg|gif|webp|avif|bmp|x-icon);base64,", re.IGNORECASE)
"""The beginning of an address that is a picture, and nothing that runs: SVG may hold scripts."""
_SCHEME: Final = re.compile("[^:/?#]*:")
_SERVED: Final = re.compile(
    rf"(https?:)?//[^/?#\\{_VALUE}]+[/?#]|[^:/?#\\{_VALUE}]+[/?#]|/(?![/\\])|[?#]", re.IGNORECASE
)
"""The beginning of an address whose server is fixed."""
_LOADING: Final = ("script", "base")
"""Tags whose address says which scripts run."""
_ANIMATING: Final = ("animate", "set")
_ANIMATED: Final = ("values", "to", "from", "by")
_TEXTUAL: Final = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
_FOREIGN: Final = ("svg", "math")
_BLANK: Final = "".join(map(chr, range(33)))
_LEFT_OUT: Final = dict.fromkeys(map(ord, "\t\n\r"))
_SPACE: Final = "\t\n\f\r "
_TAG: Final = re.compile(f"[^{_SPACE}/>]*")
_NAME: Final = re.compile(f"[^{_SPACE}/>=]*")
_BARE: Final = re.compile(f"[^{_SPACE}>]*")
_COMMENT: Final = re.compile("<!--(-?>)?")
"""Where a comment begins. Browsers take `<!-->` for the whole comment."""
_COMMENT_END: Final = re.compile("--!?>")
_IN_SCRIPT: Final = re.compile(f"<!--(-*>)?|-->|<(/?)script(?=[{_SPACE}/>])", re.IGNORECASE)
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
        self.foreign = 0
        self.hidden = 0

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

    def end(self) -> None:
        """Raises ExprError if the template ends inside of a tag or a script: what comes behind it would be read there.

        The template that renders it would take that for text.
        """
        if self.state in ("text", "comment", "declaration", "unsure"):
            return
        where = f"<{self.tag}>" if self.state == "raw" else f"the tag <{self.tag}"
        raise ExprError(UNSAFE, f"the template ends inside of {where}", hint="Close it in the same template")

    def _in_attribute(self) -> str:
        if self.attribute.startswith("on") or self.attribute in ("style", "srcdoc"):
            raise self._unsafe(
                f"in the attribute `{self.attribute}`", "put it into `data-...` and read that in a script"
            )
        if self.tag in _ANIMATING and self.attribute in _ANIMATED:
            raise self._unsafe("as what an animation sets, which may be a link")
        if self.attribute not in _LINKS:
            return "htmlText"
        before, self.before = _address(self.before), self.before[:_TELLING] + _VALUE
        if PICTURE.match(before) and self.tag not in _LOADING:
            return "htmlText"
        if _BAD_PREFIX.match(before):
            raise self._unsafe("in an address that is a script")
        scheme = _SCHEME.match(before)
        if scheme is not None and _VALUE in scheme[0]:
            raise self._unsafe("behind a value that is the scheme of the address", "write the scheme itself")
        if self.tag in _LOADING and not _SERVED.match(before):
            raise self._unsafe("as the server that scripts come from", "write the server or a path before it")
        if before.replace(_VALUE, "") == "/":
            return "htmlPath"
        return "htmlText" if re.search(r"[:/?#]", before) else "htmlLink"

    def _unsafe(self, where: str, hint: str = "put it into a text or an attribute with quotes") -> ExprError:
        return ExprError(
            UNSAFE, f"a value cannot be written safely {where}", hint=f"{hint}, or vouch for it with raw(...)"
        )

    # -- one method per state: each reads from `at` and returns where the next one goes on

    def _text(self, piece: str, at: int) -> int:
        found = piece.find("<", at)
        if found < 0:
            return len(piece)
        comment = _COMMENT.match(piece, found)
        if comment is not None:
            self.state = "text" if comment[1] else "comment"
            return comment.end()
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
        self.tag = (self.tag + found[0].lower())[:_TELLING]
        if found.end() < len(piece):
            self.state = "inside"
        return found.end()

    def _inside(self, piece: str, at: int) -> int:
        sign = piece[at]
        if sign == ">":
            self._begin(is_closed=at > 0 and piece[at - 1] == "/")
        elif sign not in _SPACE and sign != "/":
            self.state, self.attribute = "name", sign.lower()
        return at + 1

    def _begin(self, *, is_closed: bool) -> None:
        """Go on behind the `>` of a tag. In SVG a `<title>` and the like hold tags."""
        if self.tag in _FOREIGN and not is_closed:
            self.foreign = max(0, self.foreign + (-1 if self.is_end else 1))
        is_textual = self.tag in (("script", "style") if self.foreign else _TEXTUAL)
        self.state = "raw" if is_textual and not self.is_end else "text"
        self.hidden = 0

    def _name(self, piece: str, at: int) -> int:
        found = _NAME.match(piece, at)
        assert found is not None
        self.attribute = (self.attribute + found[0].lower())[:_TELLING]
        if found.end() < len(piece):
            self.state = "named"
        return found.end()

    def _named(self, piece: str, at: int) -> int:
        """Behind the name of an attribute and a space."""
        if piece[at] == "=":
            self.state, self.before = "equals", ""
            return at + 1
        if piece[at] not in _SPACE:
            self.state = "inside"
            return at
        return at + 1

    def _equals(self, piece: str, at: int) -> int:
        sign = piece[at]
        if sign in _SPACE:
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
        if len(self.before) < _TELLING:
            self.before += piece[at : min(end, at + _TELLING)]
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
        found = _COMMENT_END.search(piece, at)
        if found is None:
            return len(piece)
        self.state = "text"
        return found.end()

    def _declaration(self, piece: str, at: int) -> int:
        found = piece.find(">", at)
        if found < 0:
            return len(piece)
        self.state = "text"
        return found + 1

    def _raw(self, piece: str, at: int) -> int:
        if self.tag == "script":
            return self._script(piece, at)
        found = re.compile(f"</{self.tag}(?=[{_SPACE}/>])", re.IGNORECASE).search(piece, at)
        return len(piece) if found is None else self._end(found)

    def _script(self, piece: str, at: int) -> int:
        """Go on in a script. Behind `<!-- <script>` in it, the next `</script>` is not its end."""
        for found in _IN_SCRIPT.finditer(piece, at):
            if found[2] is None:
                self.hidden = 0 if found[1] or found[0] == "-->" else max(1, self.hidden)
            elif not found[2]:
                self.hidden *= 2
            elif self.hidden > 1:
                self.hidden = 1
            else:
                return self._end(found)
        return len(piece)

    def _end(self, found: re.Match[str]) -> int:
        self.state, self.is_end = "inside", True
        return found.end()


def _address(written: str) -> str:
    """The beginning of an address, as browsers read what is written in an attribute."""
    if "&" in written:
        from html import unescape

        written = unescape(written)
    return written.translate(_LEFT_OUT).lstrip(_BLANK)
