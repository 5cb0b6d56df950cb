"""Where a flow takes the answer of a `rest` block for a text: in 0.1.8 an answer that is not JSON is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octo.config.compat.seen import Piece, Seen, expressions, pieces
from octo.config.documents import BlockDoc
from octo.core.errors import Position
from octo.core.sockets import Steps, sockets
from octo.expr.nodes import Binary, Call, Literal, Name, Node

ASKING = ("rest", "rest-dynamic")
REPLACING = ("set-payload", "sql", "flow-ref", "multi-transform", "foreach", "python", "template-resource")
OF_TEXTS = (
    "string",
    "int",
    "double",
    "timestamp",
    "fromJson",
    "fromYaml",
    "fromEnv",
    "fromFormData",
    "fromXml",
    "fromCsv",
)
"""Functions that read a text. Methods of the body do so too, but for `size`, which lists and maps have."""


def texts(seen: Seen) -> Iterator[Position]:
    for flow in seen.config.flows.values():
        found: list[Piece] = []
        _chain(flow.process, False, found)
        _chain(flow.error or (), False, found)
        yield from (each.at for each in found)


def _chain(blocks: Iterable[BlockDoc], is_answer: bool, found: list[Piece]) -> bool:
    """Collect the uses as a text. Return whether the body may be an answer behind the chain."""
    for block in blocks:
        if is_answer:
            found += [each for own in expressions(block.settings) for each in pieces(own) if _is_text(each.node)]
        inside = [socket.blocks for _, socket in sockets(block.settings) if isinstance(socket, Steps)]
        after = [_chain(each, is_answer, found) for each in inside]
        if block.type.name in ASKING:
            is_answer = True
        elif block.type.name in REPLACING:
            is_answer = False
        else:
            is_answer = is_answer or any(after)
    return is_answer


def _is_text(node: Node) -> bool:
    if isinstance(node, Binary):
        sides = (node.left, node.right)
        with_text = any(isinstance(each, Literal) and each.kind == "string" for each in sides)
        return any(map(_is_body, sides)) and (node.operator == "+" or with_text)
    if isinstance(node, Call):
        if node.target is not None:
            return _is_body(node.target) and node.name != "size"
        return node.name in OF_TEXTS and any(map(_is_body, node.arguments))
    return False


def _is_body(node: Node) -> bool:
    return isinstance(node, Name) and node.name == "body"
