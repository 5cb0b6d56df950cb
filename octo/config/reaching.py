"""Where a configuration connects to, and where it listens, as far as its files tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from octo.config.components import Component
from octo.config.env import Environment, is_secret
from octo.config.hosts import UNKNOWN, Host, hosts, is_address
from octo.config.model import Kind, field_kinds, fields_of
from octo.config.place import Path, Place
from octo.config.substitute import references, replaced
from octo.core.settings import Listens, Reaches, Secret
from octo.core.sockets import Steps

M = TypeVar("M")


class Reached(NamedTuple):
    """A host that a component connects to. setting: where it is written, e.g. `auth.tokenURL`."""

    component: Component
    setting: str
    host: Host
    variables: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        is_block = self.component.kind == "block"
        return {
            "connector": None if is_block else self.component.name,
            "block": self.component.name if is_block else None,
            "setting": self.setting,
            **self.host._asdict(),
            "variables": list(self.variables),
        }


class Listening(NamedTuple):
    """A port that a connector listens at. port: as written, a reference if a variable has it."""

    connector: str
    port: int | str
    variable: str | None
    default: int | None
    host: str | None

    def as_json(self) -> dict[str, object]:
        return self._asdict()


class Marked(NamedTuple):
    """A setting with a mark. beside: the settings around it; place: None if it is not written."""

    path: Path
    info: FieldInfo
    place: Place | None
    model: type[BaseModel]
    beside: Mapping[str, Place]


def reached(component: Component, environment: Environment) -> Iterator[Reached]:
    """The hosts that a component connects to."""
    known = Known(environment)
    for setting, mark in _marked(component, Reaches):
        if not _is_used(setting, mark, known):
            continue
        for path, text in _texts(setting, mark, known):
            names = tuple(dict.fromkeys(name for name, _ in references(text)))
            for host in dict.fromkeys(hosts(known.text(text), mark)):
                yield Reached(component, _spelled(path), host, names)


def listening(component: Component, environment: Environment) -> Iterator[Listening]:
    """The ports that a component listens at."""
    known = Known(environment)
    for setting, mark in _marked(component, Listens):
        key, everywhere = mark.host
        host = _beside(setting, key, known) or everywhere
        shown = None if UNKNOWN in host else host
        written = None if setting.place is None else setting.place.node.value
        if written in (None, ""):
            yield Listening(component.name, f"${{{mark.variable}}}", mark.variable, mark.default, shown)
            continue
        text = str(written)
        names = [name for name, _ in references(text)]
        usual = _port(known.text(text))
        if names:
            yield Listening(component.name, text, names[0], usual, shown)
        elif usual is not None:
            yield Listening(component.name, usual, None, None, shown)


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


class Known:
    """What the files say of variables."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def text(self, text: str) -> str:
        """The text with the values that the files give, and with marks for those that only the environment tells."""
        return replaced(text, self._value)

    def _value(self, name: str, default: str | None) -> str:
        value = self._environment.values.get(name) or self._environment.hidden.get(name) or default
        if value is None:
            return "" if name in self._environment.values else UNKNOWN
        declared = self._environment.declared.get(name)
        secret = is_secret(name) if declared is None else declared.secret
        # Invariant: nothing of a secret is told but where it leads, if it is an address.
        return UNKNOWN if secret and not is_address(value) else value


def _is_used(setting: Marked, mark: Reaches, known: Known) -> bool:
    if mark.when is None:
        return True
    key, wanted = mark.when
    found = _beside(setting, key, known)
    return (found or None) in wanted or UNKNOWN in found


def _beside(setting: Marked, key: str, known: Known) -> str:
    """The text of a setting beside another one, "" if it has none."""
    place = setting.beside.get(key)
    if place is not None and isinstance(place.node.value, str):
        return known.text(place.node.value)
    info = next((each for name, each in fields_of(setting.model) if name == key), None)
    return _default(info) if info is not None else ""


def _texts(setting: Marked, mark: Reaches, known: Known) -> Iterator[tuple[Path, str]]:
    """The texts with addresses; where none is written, the usual one."""
    found = [(path, text) for path, text in _written(setting.place, setting.path) if known.text(text)]
    usual = mark.home or _default(setting.info)
    if not found and usual:
        found = [(setting.path, usual)]
    yield from found


def _written(place: Place | None, path: Path) -> Iterator[tuple[Path, str]]:
    if place is None:
        return
    if isinstance(place.node.value, str):
        yield path, place.node.value
    for index, each in enumerate(place.items()):
        yield from _written(each, (*path, index))


def _default(info: FieldInfo) -> str:
    value: Any = None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, Secret):
        return value.get_secret_value()  # one that stands in the code is none
    return value if isinstance(value, str) else ""


def _spelled(path: Path) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _marked(component: Component, mark: Callable[..., M]) -> Iterator[tuple[Marked, M]]:
    """The settings of a component with a mark, at any depth that is written."""
    if component.model is not None:
        yield from _in_model(component.model, component.entries, (), mark)


def _in_model(
    model: type[BaseModel], entries: Mapping[str, Place], path: Path, mark: Callable[..., M]
) -> Iterator[tuple[Marked, M]]:
    for key, info in fields_of(model):
        place = entries.get(key)
        here = (*path, key)
        for note in info.metadata:
            if isinstance(note, mark):  # type: ignore[arg-type]
                yield Marked(here, info, place, model, entries), note
        if place is not None:
            yield from _inside(field_kinds(info), place, here, mark)


def _inside(kinds: Sequence[Kind], place: Place, path: Path, mark: Callable[..., M]) -> Iterator[tuple[Marked, M]]:
    if any(each.is_a(Steps) for each in kinds):
        return
    for model in [each.model for each in kinds if each.model is not None][:1]:
        yield from _in_model(model, place.fields(), path, mark)
        return
    inside: list[tuple[str | int, Place]] = [*place.fields().items(), *enumerate(place.items())]
    for step, child in inside:
        yield from _inside([kind for each in kinds for kind in each.at(step)], child, (*path, step), mark)
