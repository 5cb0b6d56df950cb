"""The project's own Python modules, as they are on disk: when one of them is edited, all are imported anew together.

A module is the project's own if its file is below a folder of the configuration or of `PYTHONPATH`, and is neither
installed nor part of Python. Modules that belong together are never mixed: those of the running flows stay imported
until flows with the new ones run.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")

Imported = dict[str, ModuleType]


class Modules:
    """See the module. Nothing is followed before `follow` names a folder.

    files: what the last reading imported, tried to import, or did not find; a change of it may change what is read.
    """

    def __init__(self) -> None:
        self.files: set[Path] = set()
        self._roots: list[Path] = [*_PYTHONPATH]
        self._next: Imported | None = None
        self._finder = _Finder(self)

    def follow(self, folder: Path) -> None:
        """Follow the modules that are imported from below this folder, from now on."""
        if folder.resolve() not in self._roots:
            self._roots.append(folder.resolve())
        if self._finder not in sys.meta_path:
            sys.meta_path.insert(sys.meta_path.index(PathFinder), self._finder)

    def read(self, load: Callable[[], T]) -> T:
        """Return or raise what `load` does, in which the modules are imported as they are on disk.

        Afterwards those from before are the imported ones again, until `take` is called.
        """
        running = self._imported()
        fresh = next((each for each in (self._next, running) if each is not None and _is_fresh(each)), {})
        self.files = set()
        importlib.invalidate_caches()
        self._replace(fresh)
        try:
            found = load()
            self._next = self._imported()
        finally:
            self.files |= {Path(each.path) for each in map(_loader, self._imported().values()) if each is not None}
            self._replace(running)
        return found

    def take(self) -> None:
        """Let what was imported in the last `read` that worked be the imported modules."""
        if self._next is not None:
            self._replace(self._next)
        self._next = None

    def owns(self, file: str) -> bool:
        """Whether a file, or the folder of a package, is the project's own."""
        return any(_is_below(file, root) for root in self._roots)

    def _imported(self) -> Imported:
        return {name: each for name, each in list(sys.modules.items()) if self._is_own(name, each)}

    def _is_own(self, name: str, module: ModuleType) -> bool:
        if _loader(module) is not None:
            return True
        spec = getattr(module, "__spec__", None)  # of a package without `__init__.py`, which has only folders
        where = list(getattr(spec, "submodule_search_locations", None) or ())
        is_folder = bool(where) and getattr(spec, "origin", None) is None
        return is_folder and name.partition(".")[0] != "octo" and all(map(self.owns, where))

    def _replace(self, modules: Imported) -> None:
        for name in self._imported():
            del sys.modules[name]
        sys.modules.update(modules)


class _Finder:
    """Finds modules as Python does, and notes those that are the project's own."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        spec = PathFinder.find_spec(name, path, target)
        if name.partition(".")[0] == "octo":
            return spec
        if spec is None:
            self._modules.files.update(self._missing(name, path))
        elif type(spec.loader) is SourceFileLoader and self._modules.owns(spec.loader.path):
            self._modules.files.add(Path(spec.loader.path))
            spec.loader = _Source(spec.loader.name, spec.loader.path)
        return spec

    def _missing(self, name: str, path: Sequence[str] | None) -> Iterator[Path]:
        """Where the module would be found if it were written now."""
        last = name.rpartition(".")[2]
        for folder in filter(self._modules.owns, sys.path if path is None else path):
            yield Path(folder, f"{last}.py")
            yield Path(folder, last, "__init__.py")


class _Source(SourceFileLoader):
    """Reads the text of a module, and notes what it was.

    Invariant: no compiled file is used. Python takes one for valid if size and second of the change are the same, which
    they are after a small and quick edit.
    """

    digest = b""

    def path_stats(self, path: str) -> Any:
        raise OSError(f"no compiled file is used for {path}")

    def get_data(self, path: str) -> bytes:
        data = super().get_data(path)
        self.digest = _digest(data)
        return data


def _loader(module: ModuleType) -> _Source | None:
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return loader if isinstance(loader, _Source) else None


def _is_fresh(modules: Imported) -> bool:
    return all(_is_as_read(each) for each in map(_loader, modules.values()) if each is not None)


def _is_as_read(source: _Source) -> bool:
    try:
        return _digest(Path(source.path).read_bytes()) == source.digest
    except OSError:
        return False


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data).digest()


_PYTHONPATH = [Path(each).absolute() for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
_INSTALLED = {"site-packages", "dist-packages"}
_OF_PYTHON = Path(sysconfig.get_path("stdlib")).resolve()


def _is_below(file: str, root: Path) -> bool:
    """Whether a file is below a folder, not counting what is installed or hidden there, as in `.venv`."""
    path = Path(os.path.abspath(file))  # noqa: PTH100  links are left as they are named, `..` is not
    if not path.is_relative_to(root) or path.is_relative_to(_OF_PYTHON):
        return False
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and _INSTALLED.isdisjoint(path.parts)
