"""What the source of a module says of a function in it, without running any of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_FILES = all_suffixes()


class Signature(NamedTuple):
    """Its parameters, and those without a default, in order. is_open: whether it may take any keyword argument."""

    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    is_open: bool = True


_ANY = Signature()


def source(folder: Path, module: str) -> Path | None:
    """The file of a module in this folder; None if it has none there."""
    place = folder.joinpath(*module.split("."))
    return next((each for each in (place / "__init__.py", place.with_suffix(".py")) if each.is_file()), None)


def owns(folder: Path, module: str) -> bool:
    """Whether importing this module would import something from this folder, which comes before what is installed."""
    top = module.partition(".")[0]
    if (folder / top / "__init__.py").exists() or any((folder / f"{top}{each}").exists() for each in _FILES):
        return True
    # A folder without `__init__.py` is a package only if nothing else has its name.
    return (folder / top).is_dir() and find_spec(top) is None


def signature(file: Path, path: str) -> Signature | list[str]:
    """What a function takes, as far as the source tells; the names that there are if it has no such function.

    Raises SyntaxError, ValueError and OSError.
    """
    name, _, inner = path.partition(".")
    tree = ast.parse(file.read_bytes(), str(file.name))
    found: dict[str, Signature] = {}
    for statement in _statements(tree.body):
        if isinstance(statement, ast.ImportFrom) and any(each.name == "*" for each in statement.names):
            return _ANY
        found |= _bound(statement)
    if name not in found:
        return _ANY if "__getattr__" in found else sorted(each for each in found if not each.startswith("_"))
    return _ANY if inner else found[name]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Those that run when the module is imported, also the ones that may not."""
    for each in body:
        yield each
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for inner in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(each, inner, []))
            for handler in getattr(each, "handlers", []):
                yield from _statements(handler.body)


def _bound(statement: ast.stmt) -> dict[str, Signature]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name: _ANY if statement.decorator_list else _taken(statement.args)}
    if isinstance(statement, ast.ClassDef):
        return {statement.name: _ANY}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(each.asname or each.name.partition(".")[0]): _ANY for each in statement.names}
    names = (each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    return dict.fromkeys(names, _ANY)


def _taken(given: ast.arguments) -> Signature:
    """Of a plain function; one with parameters by position only is left to whoever runs it."""
    if given.posonlyargs:
        return _ANY
    first = len(given.args) - len(given.defaults)
    plain = [each.arg for each in given.args]
    named = [each.arg for each in given.kwonlyargs]
    without = [name for name, default in zip(named, given.kw_defaults, strict=True) if default is None]
    return Signature((*plain, *named), (*plain[:first], *without), given.kwarg is not None)
