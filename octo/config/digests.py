"""Digests of components: the same for the same settings, however they are written, and without their secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

from octo.config.components import Component, Leaf
from octo.config.place import Place
from octo.config.substitute import plain, references
from octo.core.secrets import MASKED
from octo.core.settings import Reaches, Secret

_DIGITS = 12


def digest(component: Component) -> str:
    """12 hexadecimal digits of the settings as written, whatever their order, comments and quotes.

    Blocks inside have digests of their own: of a chain only the names count. Of a secret that is written there, only
    an address without user and password does: a digest of a password could be guessed.
    """
    return _hashed(component.type, *sorted(_said(component), key=str))


def flow_digest(flow: Component, parts: Iterable[Component]) -> str:
    """The digest of a flow with its source and all its blocks, in their order."""
    inside = [(each.kind, each.name, each.connector, digest(each)) for each in parts]
    return _hashed(digest(flow), *inside)


def _hashed(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _said(component: Component) -> Iterator[tuple[list[str | int], object]]:
    return (([*leaf.path], _value(leaf)) for leaf in component.leaves())


def _value(leaf: Leaf) -> object:
    if leaf.is_chain:
        return [_label(each) for each in _blocks(leaf.place)]
    if leaf.text and any(each.is_a(Secret) for each in leaf.kinds):
        return _bare(leaf)
    return plain(leaf.place.node)


def _blocks(place: Place) -> Iterator[Place]:
    return (place.get("process") or place).items()


def _label(block: Place) -> list[str]:
    return [block.said("type", "ref"), block.said("name")]


def _bare(leaf: Leaf) -> list[str]:
    """What of a secret setting is not secret: which variables it takes, and where it leads."""
    names = [name for name, _ in references(leaf.text)]
    if not any(isinstance(note, Reaches) for each in leaf.kinds for note in each.notes) or "://" not in leaf.text:
        return [MASKED, *names]
    scheme, _, rest = leaf.text.partition("://")
    return [f"{scheme}://{re.split('[?#]', rest.rpartition('@')[2])[0]}", *names]
