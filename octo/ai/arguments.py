"""Arguments of a tool, as a model wrote them."""

from __future__ import annotations

from octo.ai.answer import Fitting
from octo.ai.conversation import ToolCall
from octo.core.bounded import bounded


def wrong(call: ToolCall, schema: Fitting | None) -> str:
    """What is wrong with the arguments of a call, for the model that made it; "" if nothing is."""
    if call.arguments is None:
        return f"the arguments are no JSON object, or were cut off before their end: {bounded(call.raw, 200)}"
    faults = [] if schema is None else schema.faults(call.arguments)
    told = "\n".join(map(str, faults))
    return f"the arguments do not fit the schema of the tool:\n{told}" if told else ""
