"""A JSON Schema in settings: written there, as a mapping or as JSON text, or the name of a file beside the flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from octo.core import codec
from octo.core.expressions import build_of
from octo.expr import ExprError, yaml

if TYPE_CHECKING:
    from octo.core.json_schema import Fault, Schema


class BodySchema:
    """A schema that was written in settings. Copies of the settings share it.

    written: what stands in the settings. plain: the schema itself, as others may read it.
    """

    __slots__ = ("_schema", "plain", "written")

    def __init__(self, written: object, schema: Schema, plain: Any) -> None:
        self.written = written
        self.plain = plain
        self._schema = schema

    def faults(self, value: object) -> list[Fault]:
        """Return where the value does not fit; none if it fits."""
        return self._schema.faults(value)

    def __deepcopy__(self, memo: object) -> BodySchema:
        return self


def _read(value: object, info: ValidationInfo) -> BodySchema:
    if isinstance(value, BodySchema):
        return value
    from octo.core.json_schema import BadSchema, Schema  # both take a while, and most flows have no schema
    from octo.expr.shape import check_schema

    is_file, schema = False, value
    if isinstance(value, str):
        is_file = not value.lstrip().startswith("{")
        schema = _of_file(value, info) if is_file else _of_text(value)
    try:
        for mistake in check_schema(schema):  # it knows fewer keywords, and says better what is wrong with them
            raise BadSchema(mistake.message, mistake.path, mistake.hint)
        return BodySchema(value, Schema(schema), schema)
    except BadSchema as error:
        if not is_file:
            raise _wrong(str(error), error.path, error.hint) from None
        inside = "".join(f"/{step}" for step in error.path)
        raise _wrong(f"in `{value}`{f' at {inside}' if inside else ''}: {error}", (), error.hint) from None


def _of_text(text: str) -> Any:
    try:
        return codec.body(text.encode())
    except (ValueError, ExprError) as error:
        raise _wrong(f"the text is no JSON: {error}", (), "write the schema as YAML instead") from None


def _of_file(name: str, info: ValidationInfo) -> Any:
    read = build_of(info).file
    if read is None:
        raise _wrong("there is no folder with files here", (), "write the schema itself")
    try:
        data = read(name)
        return yaml.read(data.decode("utf-8-sig")) if name.endswith((".yaml", ".yml")) else codec.body(data)
    except UnicodeDecodeError:
        text = f"the file `{name}` is not text in UTF-8"
    except (ValueError, ExprError) as error:
        text = str(error) if name in str(error) else f"`{name}`: {error}"
    raise _wrong(text, (), "name a file with a JSON Schema, in JSON or YAML, beside the configuration or below")


def _wrong(text: str, path: tuple[str | int, ...], hint: str) -> PydanticCustomError:
    return PydanticCustomError("schema", "{text}", {"text": text, "path": path, "hint": hint})


JsonSchema = Annotated[BodySchema, PlainValidator(_read)]
"""A JSON Schema (draft 2020-12), as a mapping or JSON text, or the name of a file with one: `order.schema.json`."""
