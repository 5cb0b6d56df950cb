"""The catalogue of the built-in components, as it lies in the package.

`make docs` writes it; a test sees to it that it is what the components say. So schemas are made, and programs that
embed Octo draw forms, without an import of any component.
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
    """A catalogue with the components of another one; those that it has itself stay what they are."""
    return {**known, **{kind: _merged(known[kind], more[kind]) for kind in ("connectors", "blocks")}}


def _merged(known: list[Described], more: list[Described]) -> list[Described]:
    by_type = {each["type"]: each for each in (*more, *known)}
    return [by_type[name] for name in sorted(by_type)]
