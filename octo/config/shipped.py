"""The catalogue of the built-in components, a file of the package.

`make docs` writes it; a test checks that it matches the components. So Octo makes schemas, and programs that embed
Octo draw forms, without importing any component.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson

Described = dict[str, Any]

FILE = "catalogue.json"


def shipped() -> Described:
    found: Described = orjson.loads((files("octo.config") / FILE).read_bytes())
    return found


def joined(known: Described, more: Described) -> Described:
    """A catalogue with the components of another one added; for a type in both it keeps its own."""
    return {**known, **{kind: _merged(known[kind], more[kind]) for kind in ("connectors", "blocks")}}


def _merged(known: list[Described], more: list[Described]) -> list[Described]:
    by_type = {each["type"]: each for each in (*more, *known)}
    return [by_type[name] for name in sorted(by_type)]
