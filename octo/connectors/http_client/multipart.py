"""A multipart body of texts and files (RFC 7578), read piece by piece: files stay where they are."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from octo.core.spool import Content


class Part(NamedTuple):
    """One part. filename: "" for a part that is no file. kind: its content type, "" for a plain text."""

    name: str
    data: bytes | Content
    kind: str = ""
    filename: str = ""


class Multipart:
    """The parts as one body, with its size. It can be read several times."""

    __slots__ = ("_pieces", "kind", "size")

    def __init__(self, parts: Iterable[Part]) -> None:
        # By chance, and long: no content that an attacker chose can have it.
        boundary = f"octo-{secrets.token_hex(16)}"
        self.kind = f"multipart/form-data; boundary={boundary}"
        self._pieces: list[bytes | Content] = []
        for part in parts:
            self._pieces += [_head(part, boundary), part.data, b"\r\n"]
        self._pieces.append(f"--{boundary}--\r\n".encode())
        self.size = sum(len(each) for each in self._pieces)

    def stream(self) -> Iterator[bytes]:
        """The bytes, of a file piece by piece."""
        for piece in self._pieces:
            if isinstance(piece, Content):
                yield from piece.stream()
            else:
                yield piece

    def __bytes__(self) -> bytes:
        return b"".join(self.stream())

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"<Multipart of {self.size} bytes>"


def _head(part: Part, boundary: str) -> bytes:
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(part.name)}"']
    if part.filename:
        lines[-1] += f'; filename="{_quoted(part.filename)}"'
    if part.kind:
        lines.append(f"Content-Type: {part.kind}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _quoted(text: str) -> str:
    """Return a name as browsers write it: nothing in it ends the quotes or the line."""
    for character in '"\r\n':
        text = text.replace(character, f"%{ord(character):02X}")
    return text
