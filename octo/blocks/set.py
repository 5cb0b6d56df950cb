"""set-payload, set-variable, delete-variable, multi-transform: blocks that change the body and variables."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from octo.core.block import block
from octo.core.charsets import NotText, charset, encode
from octo.core.content import data, is_markup, raw
from octo.core.errors import Permanent
from octo.core.expressions import Expr, send_as_markup
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.spool import Content
from octo.core.state import State
from octo.expr import ExprError

Name = Annotated[str, Field(min_length=1)]


class SetPayload(Settings):
    value: Expr[object]
    """The new body, e.g. `{"id": vars.id, "total": body.price * body.count}`."""
    raw_body: bool = False
    """Send `value`, a text or bytes, as it is instead of as JSON. Needs `contentType`; a text is written in the charset
    that it names, else as UTF-8. A raw body (`value: body`) gets another content type. Base64 is a text as any other:
    `base64.decode(...)` makes bytes of it."""
    content_type: str | None = None
    """Media type of a raw body, e.g. `text/html; charset=utf-8`. With one of HTML, XML or SVG the values in templates
    of `value` are escaped, whatever their name."""

    @model_validator(mode="after")
    def _raw_has_a_type(self, info: ValidationInfo) -> Self:
        check_raw(self.raw_body, self.content_type)
        if is_markup(self.content_type or ""):
            send_as_markup(self.value, info)
        return self

    def shape_after(self, before: State) -> State:
        value = before.of(self.value)
        return before.with_body(None if self.raw_body else value)


@block("set-payload")
def set_payload(settings: SetPayload, message: Message) -> Message:
    """Replace the body with the value of an expression."""
    value = settings.value(message)
    if not settings.raw_body:
        return message.with_body(value)
    assert settings.content_type is not None
    return raw_body(message, value, settings.content_type, "set-payload value")


def check_raw(is_raw: bool, content_type: str | None) -> None:
    """Raise ValueError unless a raw body has a content type that can be a header, and another body has none."""
    if is_raw != (content_type is not None):
        raise ValueError("`rawBody: true` and `contentType` belong together")
    if not (content_type or "").isprintable():
        raise ValueError("`contentType` becomes a header: it has no line breaks or control characters")
    encode("", content_type or "")  # reports an unknown charset when the configuration is checked


def raw_body(message: Message, value: object, content_type: str, name: str) -> Message:
    """The message with a text, bytes, or the raw body that it has, as its raw body of this type.

    name: of the block, for errors. Nothing is decoded: base64 stays the text that it is.
    """
    if message.raw and value is message.body:
        value = data(value)
    if isinstance(value, str) and charset(content_type) not in ("", "utf-8"):
        try:
            encode(value, content_type)
        except NotText as error:
            raise Permanent(f"{name}: {error}") from None
    if isinstance(value, Content):
        return message.with_body(raw(value, content_type), raw=True)
    if not isinstance(value, str | bytes):
        raise Permanent(f"{name} must be a string or bytes when rawBody is set, got {type(value).__name__}")
    return message.with_body({"contentType": content_type, "rawData": value}, raw=True)


class SetVariable(Settings):
    name: Name
    """Name of the variable; read it as `vars.name`, or `vars["X-Odd"]`."""
    value: Expr[object]
    """Its value, e.g. `body.items.size()`."""

    def wording(self, path: tuple[str | int, ...]) -> str:  # noqa: ARG002  there is but one expression
        return f'set-variable "{self.name}" value'

    def shape_after(self, before: State) -> State:
        return before.with_var(self.name, before.of(self.value))


@block("set-variable")
def set_variable(settings: SetVariable, message: Message) -> Message:
    """Set one variable to the value of an expression."""
    return message.with_var(settings.name, settings.value(message))


class DeleteVariable(Settings):
    name: Name
    """Name of the variable. It may be absent."""

    def shape_after(self, before: State) -> State:
        return before.without_var(self.name)


@block("delete-variable")
def delete_variable(settings: DeleteVariable, message: Message) -> Message:
    """Remove one variable."""
    if settings.name not in message.vars:
        return message
    return message.with_vars({name: value for name, value in message.vars.items() if name != settings.name})


class Transform(Settings):
    set_body: Expr[object] | None = None
    """The new body."""
    set_var: Name | None = None
    """Name of the variable to set to `value`."""
    value: Expr[object] | None = None
    """Value of the variable."""

    @model_validator(mode="after")
    def _exactly_one_form(self) -> Self:
        if (self.set_body is None) is (self.set_var is None) or (self.set_var is None) is not (self.value is None):
            raise ValueError("a step is either `setBody: EXPR` or `setVar: NAME` with `value: EXPR`")
        return self


class MultiTransform(Settings):
    transforms: Annotated[list[Transform], Field(min_length=1)]
    """The steps, in order: each is `setBody: EXPR`, or `setVar: NAME` with `value: EXPR`. A step sees the results of
    the steps before it."""

    def wording(self, path: tuple[str | int, ...]) -> str:
        return f"multi-transform step {path[1]}"

    def shape_after(self, before: State) -> State:
        for step in self.transforms:
            if step.set_var is None:
                before = before.with_body(before.of(step.set_body))
            else:
                before = before.with_var(step.set_var, before.of(step.value))
        return before


@block("multi-transform")
def multi_transform(settings: MultiTransform, message: Message) -> Message:
    """Run several set-payload and set-variable steps in one block."""
    for step in settings.transforms:
        expression = step.value if step.set_body is None else step.set_body
        assert expression is not None
        try:
            value = expression(message)
        except ExprError as error:
            error.by = id(expression)  # steps before it may have the same text, and other values
            raise
        message = message.with_body(value) if step.set_var is None else message.with_var(step.set_var, value)
    return message
