"""The samples that come with Octo, as beginnings of integrations."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from octo_platform.flows.archive import Files
from octo_platform.problem import Problem

_TEST = "_test.yaml"


def names() -> list[str]:
    """The names of all samples."""
    return sorted(
        each.name.removesuffix(".yaml")
        for each in _folder().iterdir()
        if each.name.endswith(".yaml") and not each.name.endswith(_TEST)
    )


def sample(name: str) -> Files:
    """The files of a sample: its flows, its tests, its folder. Raises `Problem`."""
    if name not in names():
        raise Problem("not-found", f"there is no sample {name[:100]!r}; there are {', '.join(names())}")
    folder = _folder()
    found = {f"{name}.yaml": (folder / f"{name}.yaml").read_bytes()}
    if (test := folder / f"{name}{_TEST}").is_file():
        found[test.name] = test.read_bytes()
    if (more := folder / name).is_dir():
        found |= _all(more, f"{name}/")
    return found


def _all(folder: Traversable, prefix: str) -> Files:
    found: dict[str, bytes] = {}
    for each in folder.iterdir():
        if each.is_file():
            found[prefix + each.name] = each.read_bytes()
        elif each.name != "__pycache__":
            found |= _all(each, f"{prefix}{each.name}/")
    return found


def _folder() -> Traversable:
    """In a wheel they lie beside what `octo mcp author` searches; in a checkout, at its top."""
    package = files("octo")
    shipped = package / "cli" / "authoring" / "shelf" / "samples"
    return shipped if shipped.is_dir() else package / ".." / "samples"
