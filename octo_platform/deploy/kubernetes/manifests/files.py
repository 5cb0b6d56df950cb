"""The files of a version: ConfigMaps that never change, and the volume that puts each file at its path."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import PurePosixPath

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import Manifest, metadata, of_revision
from octo_platform.deploy.target import Refused

PART = 900_000
"""Bytes of files in one ConfigMap, which may have 1 MiB; what is no text grows by a third on its way there."""

WHOLE = 8 * PART
"""Bytes of all files: each node that runs a pod keeps them in memory."""

_PLAIN = frozenset("\t\n\r")


def config_maps(desired: Desired, cluster: Cluster, revision: str) -> list[Manifest]:
    """At least one, whose name is that of the revision; more where the files do not fit into it."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(desired, cluster, of_revision(desired, revision, number), revision=revision),
            "immutable": True,
        }
        | _content(part)
        for number, part in enumerate(_parts(desired.files))
    ]


def volume(desired: Desired, revision: str) -> Manifest:
    """Keys of ConfigMaps have no `/`: here each key gets its path again."""
    sources = [
        {
            "configMap": {
                "name": of_revision(desired, revision, number),
                "items": [{"key": key, "path": path} for key, (path, _) in part.items()],
            }
        }
        for number, part in enumerate(_parts(desired.files))
    ]
    return {"name": "flows", "projected": {"defaultMode": 0o444, "sources": sources}}


def _parts(files: Mapping[str, bytes]) -> list[dict[str, tuple[str, bytes]]]:
    """Key → path and content, in parts that fit into a ConfigMap each. The order of the files does not matter."""
    if not files:
        raise Refused("the version has no files")
    if (size := sum(map(len, files.values()))) > WHOLE:
        raise Refused(f"the files of the version have {size:,} bytes; at most {WHOLE:,} fit")
    parts: list[dict[str, tuple[str, bytes]]] = [{}]
    room = PART
    for number, path in enumerate(sorted(files)):
        content = files[path]
        _check(path, content)
        if len(content) + len(path) > room:
            parts.append({})
            room = PART
        parts[-1][f"{number}"] = (path, content)
        room -= len(content) + len(path)
    return [part for part in parts if part]


def _check(path: str, content: bytes) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or str(pure) != path or any(part.startswith("..") for part in pure.parts) or ":" in path:
        raise Refused(f"{path[:200]!r} is no path of a file within a folder")
    if len(content) + len(path) > PART:
        raise Refused(f"the file {path[:200]!r} has {len(content):,} bytes; a ConfigMap takes at most {PART:,}")


def _content(part: Mapping[str, tuple[str, bytes]]) -> Manifest:
    texts: dict[str, str] = {}
    others: dict[str, str] = {}
    for key, (_, content) in part.items():
        if (text := _text(content)) is not None:
            texts[key] = text
        else:
            others[key] = b64encode(content).decode()
    return ({"data": texts} if texts else {}) | ({"binaryData": others} if others else {})


def _text(content: bytes) -> str | None:
    """The content if it is a text that people can read where they look at the ConfigMap."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if all(each.isprintable() or each in _PLAIN for each in text) else None
