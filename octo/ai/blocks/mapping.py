"""ai-mapping: let a model turn one JSON value into another."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from octo.ai.answer import fitting
from octo.ai.answering import Answered, answered, working
from octo.ai.conversation import Ask, User
from octo.ai.details import details
from octo.ai.model import FAMILY, Model
from octo.ai.quoted import RULE, quoted
from octo.ai.settings import Asking
from octo.core import codec
from octo.core.block import Site, block
from octo.core.budget import Meter
from octo.core.message import Message
from octo.core.schema import JsonSchema
from octo.core.spending import spending
from octo.core.state import State

_ROLE = (
    "You transform JSON into JSON. Each message has one JSON value; answer with the JSON value that it becomes, and "
    "with nothing else: no other text, no explanation, no fence."
)


def _json(value: Any) -> Any:
    """A text in an example is JSON."""
    return codec.read(value) if isinstance(value, str) else value


Example = Annotated[Any, AfterValidator(_json)]


class AiMapping(Asking):
    prompt: Annotated[str, Field(min_length=1, examples=["Turn the supplier's order into ours; dates as YYYY-MM-DD."])]
    """How the new value is made of the old one, in plain words."""
    input_example: Example = Field(default=None, examples=[{"nr": "17", "dat": "3.4.26"}])
    """A value as it comes in, written here or as JSON text."""
    output_example: Example = Field(default=None, examples=[{"id": 17, "date": "2026-04-03"}])
    """The value that the example becomes."""
    output_schema: JsonSchema | None = Field(default=None, examples=[{"type": "object", "required": ["id"]}])
    """A JSON Schema that the new value must fit, written here, as JSON text, or the name of a file."""
    repairs: Annotated[int, Field(ge=0, le=10)] = 1
    """How often the model is told why its answer is no JSON or does not fit, and may try again."""

    @model_validator(mode="after")
    def _example_fits(self) -> Self:
        if self.output_schema is not None and self.output_example is not None:
            for fault in self.output_schema.faults(self.output_example):
                raise ValueError(f"`outputExample` does not fit `outputSchema`: {fault}")
        return self

    def shape_after(self, before: State) -> State:
        from octo.expr.shape import shape_of

        shape = None if self.output_schema is None else shape_of(self.output_schema.plain)
        return self.told_in(before.with_body(shape))


@block("ai-mapping", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def ai_mapping(model: Model, settings: AiMapping, message: Message, site: Site) -> Message:
    """Replace the body with the JSON value that a model makes of it.

    An answer that is refused, cut off, filtered, no JSON or not of the schema is an error with a code of its own.
    """
    meter = settings.meter(site)
    with working("ai-mapping"):
        found = await spending(meter, _mapped(model, settings, message, meter))
    told = settings.told(message, details(meter, found.reply, attempts=found.attempts))
    return told.with_body(found.value)


async def _mapped(model: Model, settings: AiMapping, message: Message, meter: Meter) -> Answered[Any]:
    value = message.body if message.raw else codec.write(message.body).decode()
    ask = Ask(
        system=_system(settings),
        turns=(User(quoted("input", value)),),
        max_tokens=settings.most_tokens,
        schema=settings.output_schema.plain if settings.output_schema else None,
    )
    return await answered(model, ask, partial(fitting, schema=settings.output_schema), settings.repairs, meter)


def _system(settings: AiMapping) -> str:
    parts = [_ROLE, settings.prompt]
    for title, value in (
        ("Example input:", settings.input_example),
        ("Example output:", settings.output_example),
        ("The output must fit this JSON Schema:", settings.output_schema and settings.output_schema.plain),
    ):
        if value is not None:
            parts.append(f"{title}\n{codec.write(value).decode()}")
    return "\n\n".join([*parts, RULE])
