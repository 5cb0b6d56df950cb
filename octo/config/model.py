"""The one walk over annotations: what a type says of the values at some place of a settings model.

No other module takes annotations apart. An annotation has one or more *kinds*, the alternatives of its union: the field
`Annotated[Expr[bool] | None, Names("body")]` has the kinds `Expr` (of `bool`) and `NoneType`, both with the note
`Names("body")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from octo.config.place import Path
from octo.core.expressions import Expr


class Kind(NamedTuple):
    """One alternative of an annotation: `list[int]` is the type `list` with the argument `int`.

    notes: what `Annotated`, or pydantic's `Field`, says beside it.
    """

    type: Any
    arguments: tuple[Any, ...] = ()
    notes: tuple[Any, ...] = ()

    @property
    def model(self) -> type[BaseModel] | None:
        """The type, if it is a settings model."""
        return self.type if self.is_a(BaseModel) else None

    @property
    def items(self) -> list[Kind]:
        """The kinds of the elements of a list or set, or of the values of a map; none if they are not known."""
        if not self.arguments or not self.is_a(Sequence, set, frozenset, Mapping):
            return []
        return kinds(self.arguments[-1 if self.is_a(Mapping) else 0])

    def is_a(self, *types: type) -> bool:
        return isinstance(self.type, type) and issubclass(self.type, types)

    def at(self, step: str | int) -> list[Kind]:
        """The kinds of the value under a key or an index; none if there can be no such value."""
        if self.model is not None:
            info = next((each for name, each in fields_of(self.model) if name == step), None)
            return field_kinds(info) if info else []
        return self.items if self.is_a(Mapping if isinstance(step, str) else Sequence) else []


def kinds(annotation: Any, notes: tuple[Any, ...] = ()) -> list[Kind]:
    """The alternatives of an annotation, in their order."""
    if hasattr(annotation, "__metadata__"):
        return kinds(get_args(annotation)[0], (*annotation.__metadata__, *notes))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return [kind for each in arguments for kind in kinds(each, notes)]
    return [Kind(NoneType if annotation is None else origin or annotation, arguments, notes)]


def field_kinds(info: FieldInfo) -> list[Kind]:
    return kinds(info.annotation, tuple(info.metadata))


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model under the keys that they have in YAML."""
    return ((info.alias or name, info) for name, info in model.model_fields.items())


def kinds_at(model: type[BaseModel], path: Path) -> list[Kind]:
    """The kinds of the value at `path`; in a union those of its first member that has such a path."""
    found = [Kind(model)]
    for step in path:
        found = next((inside for each in found if (inside := each.at(step))), [])
    return found


def models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models that a mapping at `path` may be an instance of."""
    return [each.model for each in kinds_at(model, path) if each.model is not None]


def known_keys(model: type[BaseModel], path: Path = ()) -> list[str]:
    """The keys that a mapping at `path` may have."""
    return list(dict.fromkeys(key for each in models_at(model, path) for key, _ in fields_of(each)))


def holds(found: Sequence[Kind], type_: type) -> bool:
    """Whether a value of one of the kinds may be of this type, or be a list or map that contains one."""
    return any(each.is_a(type_) or holds(each.items, type_) for each in found)


def models_in(found: Sequence[Kind]) -> Iterator[type[BaseModel]]:
    """The models that a value of one of the kinds is, or contains, at any depth; a model before those inside it."""
    for each in found:
        if each.model is not None:
            yield each.model
            for _, info in fields_of(each.model):
                yield from models_in(field_kinds(info))
        yield from models_in(each.items)


def result_at(model: type[BaseModel], path: Path) -> Any:
    """The result type of the expression at `path`, the `T` of its `Expr[T]`; None if there is no expression."""
    return next((result_of(each) for each in kinds_at(model, path) if each.is_a(Expr)), None)


def result_of(expression: Kind) -> Any:
    """The class of the result of an expression; `object` if it may be anything."""
    return kinds(expression.arguments[0])[0].type if expression.arguments else object
