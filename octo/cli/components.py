"""The catalogue of components, as verbs use it."""

from __future__ import annotations

from typing import Any

from octo.builtin import installed
from octo.cli.terminal import say
from octo.config.shipped import joined, shipped


def components() -> dict[str, Any]:
    """The catalogue of all components. Only those of installed packages are imported for it."""
    others = installed()
    if not (others.connector_names() or others.block_names()):
        return shipped()
    from octo.config.catalogue import catalogue

    return joined(shipped(), catalogue(others, unloadable=_left_out))


def _left_out(name: str, error: Exception) -> None:
    message = f"the type `{name}` of an installed package cannot be loaded: {type(error).__name__}: {error}"
    say(message, fg="yellow", err=True)
