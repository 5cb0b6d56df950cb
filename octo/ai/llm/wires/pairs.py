"""Characters that arrive in two halves: servers written in JavaScript cut their texts inside of one.

JSON can say one half, UTF-8 cannot: a text with it can be neither sent again nor kept.
"""

from __future__ import annotations

from octo.ai.conversation import Piece


def paired(text: str) -> str:
    """The text with its halves put together; one without its other becomes the character for that."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Pairing:
    """Puts the halves of a stream together: the first one waits for the next piece of the same text."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], str] = {}

    def piece(self, piece: Piece) -> Piece:
        text = self._held.pop((piece.kind, piece.id), "") + piece.text
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held[piece.kind, piece.id] = text[-1]
            text = text[:-1]
        return piece._replace(text=paired(text))
