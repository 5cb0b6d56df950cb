"""Settings that all blocks which ask a model have."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from octo.ai.model import Details
from octo.core.block import Site
from octo.core.budget import Budget, Meter
from octo.core.message import Message
from octo.core.schema import BodySchema, JsonSchema
from octo.core.settings import Advanced, Effect, Settings
from octo.core.state import State


def _of_a_map(schema: BodySchema) -> BodySchema:
    if not isinstance(schema.plain, dict) or schema.plain.get("type", "object") != "object":
        raise ValueError("the schema of a tool has `type: object`: put the value into a property")
    return schema


ToolSchema = Annotated[JsonSchema, AfterValidator(_of_a_map)]
"""The JSON Schema of what a tool takes or gives: models and MCP want a map."""


class Spending(Settings):
    """What a block that calls a model may spend, and where it says what it has spent."""

    budget: Budget | None = None
    """What the block may spend for one message, with all that it runs, e.g. `{calls: 4, money: 0.05, seconds: 30}`.
    Those of the flow and of the connector count too. Beyond it the block fails with `BudgetExceeded`."""
    details_var: Annotated[str, Advanced] = "ai"
    """The variable that says what the calls were: `model`, `stopReason`, `usage` (`calls`, `inputTokens`,
    `outputTokens`, `money`), and more for some blocks; `""` for none."""

    @property
    def effect(self) -> Effect:
        """A model that is asked again only costs again."""
        return "safe"

    def meter(self, site: Site) -> Meter:
        """Counts what one message spends."""
        return Meter(self.budget, f'block "{site.label}"')

    def told(self, message: Message, details: Details) -> Message:
        """The message with the details in their variable."""
        return message.with_var(self.details_var, details) if self.details_var else message

    def told_in(self, state: State) -> State:
        """What is known of the message then."""
        return state.without_var(self.details_var) if self.details_var else state


class Asking(Spending):
    """A block that asks for answers."""

    max_tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens of an answer, at most; 0 for what the connector says."""

    @property
    def most_tokens(self) -> int | None:
        return self.max_tokens or None
