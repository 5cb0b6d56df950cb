"""template-resource: a text file of the configuration, with values in it, becomes the body or a variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from octo.blocks.set import Name, check_raw, raw_body
from octo.core.block import block
from octo.core.content import is_markup
from octo.core.expressions import rendering
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State


class TemplateResource(Settings):
    id: Annotated[str, Field(min_length=1, examples=["page.html"])]
    """The template: its `as:` under `resources: templates:`, or its path if it has none."""
    target: Name | None = None
    """Variable for the text; default: the body."""
    raw_body: bool = False
    """Send the text as it is instead of as JSON. Needs `contentType`, and no `target`."""
    content_type: str | None = None
    """Media type of a raw body, e.g. `text/html; charset=utf-8`. With one of HTML, XML or SVG the values in the
    template are escaped, whatever its name."""
    _render: Callable[[Message], str] = PrivateAttr()

    @field_validator("id")
    @classmethod
    def _is_declared(cls, name: str, info: ValidationInfo) -> str:
        rendering(name, info)
        return name

    @model_validator(mode="after")
    def _is_whole(self, info: ValidationInfo) -> Self:
        check_raw(self.raw_body, self.content_type)
        if self.raw_body and self.target is not None:
            raise ValueError("`rawBody` is for the body: leave `target` out")
        self._render = rendering(self.id, info, in_markup=is_markup(self.content_type or ""))
        return self

    def shape_after(self, before: State) -> State:
        return before.with_body() if self.target is None else before.without_var(self.target)


@block("template-resource")
def template_resource(settings: TemplateResource, message: Message) -> Message:
    """Put the values of a message into a text file with `{{ CEL }}` spans, such as an HTML page."""
    text = settings._render(message)  # noqa: SLF001  made when the settings were read
    if settings.target is not None:
        return message.with_var(settings.target, text)
    if settings.raw_body:
        assert settings.content_type is not None
        return raw_body(message, text, settings.content_type, "template-resource")
    return message.with_body(text)
