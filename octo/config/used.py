"""Variables and secrets: which ones a configuration uses, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from octo.config.components import Component
from octo.config.env import Declaration, Environment, is_secret
from octo.config.substitute import LITERAL, references
from octo.config.variables import read_by
from octo.config.yaml import File, Node
from octo.core.settings import Secret


class Variable(NamedTuple):
    """A variable that is declared or used.

    default: the value where nothing sets it, None if there is none, or if it is secret.
    secret: whether it is declared or named as one, or is in a secret setting.
    required: whether Octo refuses the configuration where nothing sets it. given: whether a `.env` file does.
    """

    name: str
    default: str | None
    required: bool
    secret: bool
    used: bool
    given: bool

    def as_json(self) -> dict[str, object]:
        return self._asdict()


class NamedSecret(NamedTuple):
    """A secret by the name that it has where secrets are kept, the variable that gets it, and who uses that."""

    name: str
    variable: str
    used_by: tuple[Component, ...]

    def as_json(self) -> dict[str, object]:
        users = [{"kind": each.kind, "name": each.name} for each in self.used_by]
        return {"name": self.name, "variable": self.variable, "used_by": users}


class Uses(NamedTuple):
    """What texts do with variables. inline: the own defaults of each `${NAME}`; read: what expressions read."""

    inline: Mapping[str, list[str | None]]
    read: frozenset[str]


def uses(texts: Iterable[str]) -> Uses:
    inline: dict[str, list[str | None]] = {}
    read: set[str] = set()
    for text in texts:
        for name, default in references(text):
            inline.setdefault(name, []).append(default)
        read |= read_by(text)
    return Uses(inline, frozenset(read))


def texts_of(files: Iterable[File]) -> Iterator[str]:
    """The texts of files in which a variable may be used."""
    for file in files:
        top = file.root.value
        if isinstance(top, dict):
            yield from (text for key, each in top.items() if key not in LITERAL for text in _texts(each))


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.value, str):
        yield node.value
    elif isinstance(node.value, dict | list):
        children = node.value.values() if isinstance(node.value, dict) else node.value
        for each in children:
            yield from _texts(each)


def secret_ones(components: Iterable[Component]) -> frozenset[str]:
    """The variables in secret settings: their values are secret, whatever they are called."""
    leaves = (leaf for each in components for leaf in each.leaves() if any(kind.is_a(Secret) for kind in leaf.kinds))
    return frozenset(name for leaf in leaves for name, _ in references(leaf.text))


def variables(
    environment: Environment, found: Uses, given: frozenset[str], hidden: frozenset[str] = frozenset()
) -> list[Variable]:
    """The declared variables in their order, and then the others that are used.

    given: those that a file sets. hidden: those that are secret for another reason than their declaration.
    """
    declared = environment.declared
    names = [*declared, *(name for name in found.inline if name not in declared)]
    told = (_variable(name, declared.get(name), found, given) for name in names)
    return [each._replace(secret=True, default=None) if each.name in hidden else each for each in told]


def _variable(name: str, declared: Declaration | None, found: Uses, given: frozenset[str]) -> Variable:
    inline = found.inline.get(name, [])
    default = None if declared is None else declared.default
    if default is None and len({*inline}) == 1:
        default = inline[0]
    needed = (declared is None or declared.default is None) and None in inline
    secret = is_secret(name) if declared is None else declared.secret
    return Variable(
        name=name,
        default=None if secret else default,
        required=needed or (declared is not None and declared.required),
        secret=secret,
        used=bool(inline) or name in found.read,
        given=name in given,
    )


def secrets(environment: Environment, components: Iterable[Component]) -> list[NamedSecret]:
    """The secrets that the configuration takes by their names."""
    users: dict[str, list[Component]] = {}
    for component in components:
        found = uses(leaf.text for leaf in component.leaves())
        for name in dict.fromkeys((*found.inline, *sorted(found.read))):
            users.setdefault(name, []).append(component)
    stored = (each for each in environment.declared.values() if each.stored)
    return [NamedSecret(each.stored, each.name, tuple(users.get(each.name, ()))) for each in stored]
