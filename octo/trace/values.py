"""The values of expressions, on demand: evaluated again on a recorded message, so that recording need not keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from octo import expr
from octo.config.documents import BlockDoc, Config
from octo.config.model import kinds_at
from octo.config.walk import blocks_of
from octo.core.bounded import bounded
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.record import pack
from octo.core.secrets import masked
from octo.core.sockets import Afterwards, sockets
from octo.expr import ExprError
from octo.trace.mask import secrets
from octo.trace.record import Record, SpanState, states

_MESSAGE = ("message",)
_PASSING = frozenset({"now"})
"""Names whose value has changed since."""


def with_values(trace: Sequence[Record], config: Config) -> list[Record]:
    """The records with `values`: for every block that is still in the configuration, the value of each expression in
    its settings, on the message that went into the block.

    An expression that fails has `{"error": ...}`. Expressions that read the clock, see other names than a message's, or
    see another message (`Afterwards`) are left out. Masked fields have the values that were recorded for them.
    Registered secrets, which `env` may hold, are not shown.
    """
    blocks = {block.address: block for flow in config.flows.values() for block in blocks_of(flow)}
    ids: tuple[str, str] = ("", "")
    found: list[Record] = [record for record in trace if "span" not in record]
    for state in states(trace):
        record = state.record
        if record["kind"] == "flow":
            ids = (record.get("event", ""), record.get("correlation", ""))
        block = blocks.get(record["path"])
        values = {} if block is None else _values(block, state, ids)
        found.append({**record, "values": values} if values else record)
    return found


def _values(block: BlockDoc, state: SpanState, ids: tuple[str, str]) -> dict[str, Any]:
    message = Message(state.before.body, state.before.vars, *ids, raw=state.before.raw)
    model = type(block.settings)
    expressions = (
        socket
        for path, socket in sockets(block.settings)
        if isinstance(socket, Expr)
        and not any(isinstance(note, Afterwards) for kind in kinds_at(model, path) for note in kind.notes)
    )
    return {
        masked(each.text): _value(each, message)
        for each in expressions
        if each.program.scope.parameters == _MESSAGE and not each.program.names & _PASSING
    }


def _value(expression: Expr[Any], message: Message) -> Any:
    try:
        return pack(secrets(expr.settle(expression.program.function(message))))
    except ExprError as error:
        return {"error": masked(bounded(str(error)))}
