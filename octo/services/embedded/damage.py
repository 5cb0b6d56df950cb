"""What is wrong with a store that is not as it was written."""

from __future__ import annotations

from pathlib import Path

from octo.services.values import Damaged


def damaged(path: Path, what: str) -> Damaged:
    """The error of a store that cannot be used."""
    return Damaged(f"the store {str(path)!r} is damaged: {what}. Restore it from a backup")
