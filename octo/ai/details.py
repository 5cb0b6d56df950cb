"""What a block tells of its calls of models in a variable, `vars.ai` unless its settings say otherwise."""

from __future__ import annotations

from octo.ai.conversation import Reply
from octo.ai.model import Details
from octo.core.budget import Meter


def details(meter: Meter, reply: Reply | None, **more: object) -> Details:
    """The model and the stop reason of the last reply, what all calls have spent, and what only this block knows."""
    told: dict[str, object] = {} if reply is None else {"model": reply.model, "stopReason": reply.stop}
    return {**told, "usage": usage(meter), **more}


def usage(meter: Meter) -> dict[str, object]:
    """What was spent. `money` is missing if the price of a call is not known."""
    spent = meter.spent
    told: dict[str, object] = {
        "calls": spent.calls,
        "inputTokens": spent.input_tokens,
        "outputTokens": spent.output_tokens,
    }
    if not spent.unpriced:
        told["money"] = round(spent.money, 9)
    return told
