"""What is wrong with a store that is not as it was written."""

from __future__ import annotations

from pathlib import Path

from octo.core.errors import Permanent
from octo.services import codes


class Damaged(Permanent):
    """Something in the store is not what was written."""

    code = codes.DAMAGED


def damaged(path: Path, what: str) -> Damaged:
    """The error of a store that cannot be used."""
    return Damaged(f"the store {str(path)!r} is damaged: {what}. Restore it from a backup")
