"""What others have written into objects of ours, beside what we say of them.

Server-side apply sets what a manifest names, and leaves the rest to whom it belongs: a variable or a container that
somebody added by hand would stay. The API server notes who owns which field, so those can be found, and taken out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from octo_platform.deploy.kubernetes.manifests.names import PLATFORM, Manifest

_WHERE: dict[str, tuple[tuple[str, ...], ...]] = {
    # Labels and annotations of pods may be others': `kubectl rollout restart` leaves one.
    "Deployment": (("spec", "template", "spec"), ("spec", "strategy")),
    "NetworkPolicy": (("spec",),),
    "Role": (("rules",),),
    "RoleBinding": (("subjects",),),
    "Service": (("spec", "ports"), ("spec", "selector"), ("spec", "externalIPs"), ("spec", "externalName")),
    "ServiceAccount": (("secrets",), ("imagePullSecrets",)),
    "Ingress": (("spec",),),
    "HTTPRoute": (("spec",),),
}

Pointer = tuple[str | int, ...]


def patch(applied: Manifest, manifest: Manifest) -> list[dict[str, Any]]:
    """A JSON patch that takes out what is not ours of an object that was just applied; empty if nothing is."""
    found: set[Pointer] = set()
    for entry in applied["metadata"].get("managedFields") or ():
        if entry.get("manager") == PLATFORM or entry.get("subresource"):
            continue
        for path in _WHERE.get(manifest["kind"], ()):
            found |= set(_below(entry.get("fieldsV1") or {}, applied, manifest, path))
    if not found:
        return []
    version = {"op": "replace", "path": "/metadata/resourceVersion", "value": applied["metadata"]["resourceVersion"]}
    # The last ones first: an item that is taken out moves those behind it.
    last_first = sorted(found, key=lambda each: [(isinstance(part, int), part) for part in each], reverse=True)
    return [version, *({"op": "remove", "path": _text(each)} for each in last_first)]


def _below(fields: dict[str, Any], live: Any, ours: Any, path: tuple[str, ...]) -> Iterator[Pointer]:
    """The strays of one branch of the object."""
    for depth, name in enumerate(path):
        if f"f:{name}" not in fields or name not in live:
            return
        if name not in ours:
            yield path[: depth + 1]
            return
        fields, live, ours = fields[f"f:{name}"], live[name], ours[name]
    yield from _strays(fields, live, ours, path)


def _strays(fields: dict[str, Any], live: Any, ours: Any, at: Pointer) -> Iterator[Pointer]:
    """fields: those of another owner, as `fieldsV1` writes them: `f:NAME` of an object, `k:KEYS` of a list's item."""
    for field, inner in fields.items():
        found = _step(field, live, ours)
        if found is None:
            continue
        step, value, mine = found
        if mine is _NOTHING:
            yield (*at, step)
        elif inner:
            yield from _strays(inner, value, mine, (*at, step))


_NOTHING = object()


def _step(field: str, live: Any, ours: Any) -> tuple[str | int, Any, Any] | None:
    """Where a field is, its value, and what we say of it; None if it is not there, or no field."""
    kind, _, name = field.partition(":")
    if kind == "f" and isinstance(live, dict) and name in live:
        return name, live[name], ours.get(name, _NOTHING) if isinstance(ours, dict) else _NOTHING
    if kind == "k" and isinstance(live, list):
        keys = json.loads(name)
        index = _index(live, keys)
        mine = _index(ours, keys) if isinstance(ours, list) else None
        if index is not None:
            return index, live[index], _NOTHING if mine is None else ours[mine]
    return None


def _index(items: list[Any], keys: dict[str, Any]) -> int | None:
    for index, each in enumerate(items):
        if all(each.get(name) == value for name, value in keys.items()):
            return index
    return None


def _text(pointer: Pointer) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in pointer)
