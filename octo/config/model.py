"""Finding the part of a settings model that a place in YAML belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from octo.config.place import Path


def annotation_at(model: type[BaseModel], path: Path) -> Any:
    """The annotation of the value at `path`, or None; of a union, of its first member that has such a path."""
    annotation: Any = model
    for step in path:
        annotation = next((found for each in members(annotation) if (found := _step(each, step)) is not None), None)
    return annotation


def models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """The models that a mapping at `path` may be an instance of."""
    found = members(annotation_at(model, path))
    return [each for each in found if isinstance(each, type) and issubclass(each, BaseModel)]


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that a mapping at `path` may have."""
    keys = (info.alias or name for each in models_at(model, path) for name, info in each.model_fields.items())
    return list(dict.fromkeys(keys))


def members(annotation: Any) -> list[Any]:
    """The alternatives of a union, or the annotation alone. What is only annotated is unwrapped."""
    if hasattr(annotation, "__metadata__"):
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [member for each in get_args(annotation) for member in members(each)]
    return [annotation]


def _step(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and get_origin(annotation) is None:
        return next((f.annotation for name, f in annotation.model_fields.items() if (f.alias or name) == step), None)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if not isinstance(origin, type) or not arguments:
        return None
    if isinstance(step, int) and issubclass(origin, Sequence):
        return arguments[0]
    if isinstance(step, str) and issubclass(origin, Mapping):
        return arguments[-1]
    return None
