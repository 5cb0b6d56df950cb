"""ai-prompt: ask a model one thing, and take its answer."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from octo.ai.answer import fitting, whole
from octo.ai.answering import Answered, answered, working
from octo.ai.attached import with_files
from octo.ai.conversation import Ask, User
from octo.ai.details import details
from octo.ai.model import FAMILY, Model
from octo.ai.pieces import Left, heard
from octo.ai.quoted import RULE, names_secret, quoted
from octo.ai.settings import Asking
from octo.core import codec
from octo.core.block import Site, block
from octo.core.budget import Meter
from octo.core.expressions import Expr
from octo.core.flow import Outcome
from octo.core.message import Message
from octo.core.schema import JsonSchema
from octo.core.sockets import Steps
from octo.core.spending import spending
from octo.core.state import State


class AiPrompt(Asking):
    prompt: Annotated[str, Field(min_length=1, examples=["Summarise this mail in one sentence."])]
    """What the model shall do with the input, in plain words. It is the author's text alone: values of the message
    belong into `input`."""
    input: Expr[object] | None = None
    """What the model works on, e.g. `body.text`. It is marked as data, so that no instruction in it counts; known
    secrets in it are masked unless the expression reads `env`. Default: the body."""
    attachments: Expr[list[object]] | None = None
    """Files for the model: a list of `{mimeType, data, name}`, whose `data` is base64, a data URL or bytes, or of raw
    content, e.g. `[body]` of an upload."""
    answer: Literal["text", "json"] | None = None
    """Whether the answer is taken as it is, or must be JSON. Default: `json` with an `outputSchema`, else `text`."""
    output_schema: JsonSchema | None = Field(default=None, examples=[{"type": "object", "required": ["topic"]}])
    """A JSON Schema that the answer must fit, written here, as JSON text, or the name of a file."""
    repairs: Annotated[int, Field(ge=0, le=10)] = 1
    """How often the model is told why its answer is no JSON or does not fit, and may try again."""
    as_: str = Field(default="", alias="as")
    """Variable for the answer; default: the body."""
    events: Steps | None = None
    """Runs for each piece of a text while the model writes it, with `{type, text}` as body, e.g. a `sse-event` block;
    `type` is `text` or `thinking`. Its result is ignored, its errors are logged; a stop in it ends the block."""

    decides: ClassVar[bool] = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.answer == "text" and self.output_schema is not None:
            raise ValueError("an `outputSchema` is for `answer: json`")
        if self.events is not None and self.is_json:
            raise ValueError("`events` are for a text: JSON that does not fit is taken back")
        return self

    @property
    def is_json(self) -> bool:
        return self.answer == "json" or self.output_schema is not None

    def shape_after(self, before: State) -> State:
        from octo.expr.shape import STRING, UNKNOWN, shape_of

        before.of(self.input)
        before.of(self.attachments)
        before.unknown().chain(self.events)
        shape = UNKNOWN if self.is_json else STRING
        if self.output_schema is not None:
            shape = shape_of(self.output_schema.plain)
        after = before.with_var(self.as_, shape) if self.as_ else before.with_body(shape)
        return self.told_in(after)


@block("ai-prompt", connector=FAMILY, guarantee="answered", steps=("send", "confirm"), idempotent="always")
async def ai_prompt(model: Model, settings: AiPrompt, message: Message, site: Site) -> Outcome:
    """Ask a model one thing; its answer becomes the body or a variable.

    An answer that is refused, cut off, filtered, no JSON or not of the schema is an error with a code of its own. A
    text is passed on while the model writes it: to `events`, and to a caller that takes partial results.
    """
    meter = settings.meter(site)
    try:
        with working("ai-prompt"):
            found = await spending(meter, _asked(model, settings, message, meter))
    except Left as left:
        return left.stop
    told = settings.told(message, details(meter, found.reply, attempts=found.attempts))
    return told.with_var(settings.as_, found.value) if settings.as_ else told.with_body(found.value)


async def _asked(model: Model, settings: AiPrompt, message: Message, meter: Meter) -> Answered[object]:
    ask = Ask(
        system=_system(settings),
        turns=(_turn(settings, message),),
        max_tokens=settings.most_tokens,
        schema=settings.output_schema.plain if settings.output_schema else None,
    )
    if settings.is_json:
        return await answered(model, ask, partial(fitting, schema=settings.output_schema), settings.repairs, meter)
    return await answered(model, ask, whole, 0, meter, heard(settings.events, message))


def _system(settings: AiPrompt) -> str:
    parts = [settings.prompt]
    if settings.is_json:
        parts.append("Answer with one JSON value alone: no other text, no explanation, no fence.")
    if settings.output_schema is not None:
        parts.append(f"The JSON Schema of the answer:\n{codec.write(settings.output_schema.plain).decode()}")
    return "\n\n".join([*parts, RULE])


def _turn(settings: AiPrompt, message: Message) -> User:
    value = message.body if settings.input is None else settings.input(message)
    text = quoted("input", value, reveal=names_secret(settings.input))
    return with_files(text, settings.attachments, message)
