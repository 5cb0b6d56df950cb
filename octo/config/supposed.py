"""Settings as far as they are known while there is no environment: what only a variable tells is left open."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Protocol, TypeVar

from pydantic import ValidationError

from octo.config.model import holds, kinds_at
from octo.config.place import Path, Place
from octo.config.substitute import replaced
from octo.core.expressions import Build
from octo.core.settings import Secret, Settings
from octo.core.sockets import Steps

S = TypeVar("S", bound=Settings)

_OPEN = object()


class Owner(Protocol):
    """The component that the settings belong to; see `octo.config.settings.Written`."""

    @property
    def entries(self) -> Mapping[str, Place]: ...


def supposed(model: type[S], owner: Owner, build: Build) -> S | None:
    """The settings with `$NAME` in a text for a variable without a value, and without other values that need one.

    None if the component needs those, or if no variable is the cause of what is wrong.
    """
    if not any(place.is_broken for place in owner.entries.values()):
        return None
    for data in _attempts(model, owner.entries):
        try:
            return model.model_validate(data, context=build)
        except ValidationError:
            continue
    return None


def respelled(text: str, names: Collection[str]) -> str:
    """The text with the references that stand in supposed settings as authors write them: `${NAME}` for `$NAME`."""
    return re.sub(r"\$(\w+)", lambda found: f"${{{found[1]}}}" if found[1] in names else found[0], text)


def _attempts(model: type[Settings], entries: Mapping[str, Place]) -> Iterator[dict[str, object]]:
    found = {key: _supposed(model, (key,), place) for key, place in entries.items() if place.value is not None}
    yield {key: value for key, value in found.items() if value is not _OPEN}
    yield {
        key: place.value
        for key, place in entries.items()
        if place.value is not None and (not place.is_broken or holds(kinds_at(model, (key,)), Steps))
    }


def _supposed(model: type[Settings], path: Path, place: Place) -> object:
    if not place.is_broken or any(each.is_a(Steps) for each in kinds_at(model, path)):
        return place.value  # the blocks of a chain have settings of their own
    if isinstance(place.value, dict):
        inside = {key: _supposed(model, (*path, key), each) for key, each in place.fields().items()}
        return {key: value for key, value in inside.items() if value is not _OPEN}
    if isinstance(place.value, list):
        items = (_supposed(model, (*path, index), each) for index, each in enumerate(place.items()))
        return [value for value in items if value is not _OPEN]
    is_text = any(each.is_a(str, FilePath, Secret) for each in kinds_at(model, path))
    return replaced(str(place.value), lambda name, _: f"${name}") if is_text else _OPEN
