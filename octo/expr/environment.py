"""What the names and functions of a scope mean, prepared once per scope."""

import _ast as py
from builtins import compile as compile_python
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any

from octo.expr.function import Candidate, Function
from octo.expr.functions import library
from octo.expr.scope import Scope
from octo.expr.values import TYPES

TYPE_NAMES = {value.name: value for value in TYPES.values()}


class Environment:
    """A scope together with the standard library."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.own = frozenset(each.name for each in scope.functions)
        self.known = frozenset((*scope.variables, *scope.constants, *TYPE_NAMES))
        self.roots = frozenset(name.partition(".")[0] for name in self.known if "." in name)
        self._sources: dict[str, py.expr] = {}

    @cached_property
    def functions(self) -> dict[str, list[Function]]:
        """All functions by name. The library is imported for the first expression that calls a function."""
        return index(library(), self.scope.functions)

    def extend(self, called: Iterable[str]) -> bool:
        """Look in installed packages for the functions not known yet. Return whether one was found."""
        from octo.expr.foreign import extra

        found = {name: each for name in called if name not in self.functions and (each := extra(name)) is not None}
        self.functions.update({name: [each] for name, each in found.items()})
        return bool(found)

    def resolve(self, name: str, absolute: bool) -> str | None:
        """The declared name that `name` stands for, searching the container from the inside out."""
        container = "" if absolute else self.scope.container
        while container:
            candidate = f"{container}.{name}"
            if candidate in self.known:
                return candidate
            container = container.rpartition(".")[0]
        return name if name in self.known else None

    def may_qualify(self, root: str) -> bool:
        """Whether a path that starts with `root` could be one dotted name."""
        return root in self.roots or bool(self.scope.container)

    def source(self, name: str) -> py.expr:
        """A fresh Python tree that reads the variable `name`."""
        tree = self._sources.get(name)
        if tree is None:
            text = self.scope.variables[name]
            parsed = compile_python(text, "<scope>", "eval", py.PyCF_ONLY_AST)
            assert isinstance(parsed, py.Expression)
            tree = self._sources[name] = parsed.body
        copied: py.expr = _copy(tree)
        return copied

    def candidates(self, name: str, member: bool) -> list[Candidate]:
        """All signatures under a name, called on a receiver or not."""
        return [
            (overload, each)
            for each in self.functions.get(name, ())
            for overload in each.overloads
            if overload.member is member and overload.name == name
        ]


@lru_cache(maxsize=256)
def environment(scope: Scope) -> Environment:
    return Environment(scope)


def index(*groups: Any) -> dict[str, list[Function]]:
    found: dict[str, list[Function]] = {}
    for group in groups:
        for each in group:
            found.setdefault(each.name, []).append(each)
    return found


def is_path(tree: py.AST) -> bool:
    """Whether the source only reads names, attributes and items, and calls nothing."""
    while isinstance(tree, (py.Attribute, py.Subscript)):
        tree = tree.value
    return isinstance(tree, py.Name)


def _copy(tree: Any) -> Any:
    """A copy without positions; the generator adds the positions in the CEL text."""
    if isinstance(tree, list):
        return [_copy(each) for each in tree]
    if not isinstance(tree, py.AST):
        return tree
    return type(tree)(**{field: _copy(getattr(tree, field, None)) for field in tree._fields})
