"""Hearing: the events of a stream as pieces."""

from __future__ import annotations

from pydantic_ai import messages as library
from pydantic_ai.models import StreamedResponse

from octo.ai.conversation import Piece
from octo.ai.llm.wires import faults
from octo.ai.llm.wires.ids import Ids
from octo.ai.llm.wires.pairs import Pairing
from octo.ai.model import Hear
from octo.core import codec


class OfHearer(Exception):
    """An error of the hearer, which is none of the provider."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def hear(stream: StreamedResponse, hearer: Hear, ids: Ids) -> None:
    calls: dict[int, tuple[str, str]] = {}
    pairing = Pairing()
    async for event in stream:
        match event:
            case library.PartStartEvent(index=index, part=library.ToolCallPart() as part):
                calls[index] = ids.of(index, part), part.tool_name
                piece = Piece("tool_input", part.args_as_json_str() if part.args else "", *calls[index])
            case library.PartDeltaEvent(index=index, delta=library.ToolCallPartDelta(args_delta=more)) if more:
                written = more if isinstance(more, str) else codec.write(more).decode()
                piece = Piece("tool_input", written, *calls.get(index, ("", "")))
            case _:
                piece = _said_by(event)
        if not isinstance(piece.text, str):  # the libraries do not check it
            raise faults.malformed(f"a text that is a {type(piece.text).__name__}")
        piece = pairing.piece(piece)
        if piece.text:
            try:
                await hearer(piece)
            except Exception as error:
                raise OfHearer(error) from error


def _said_by(event: object) -> Piece:
    """The text or thought of an event; an empty one if it has none."""
    match event:
        case library.PartStartEvent(part=library.TextPart(content=text)):
            return Piece("text", text)
        case library.PartStartEvent(part=library.ThinkingPart(content=text)):
            return Piece("thinking", text)
        case library.PartDeltaEvent(delta=library.TextPartDelta(content_delta=text)):
            return Piece("text", text)
        case library.PartDeltaEvent(delta=library.ThinkingPartDelta(content_delta=thought)):
            return Piece("thinking", thought or "")
    return Piece("text", "")
