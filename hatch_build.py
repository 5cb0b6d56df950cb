"""Puts the page of `octo edit` into what is built from a checkout, so that nobody who installs it needs Node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WITHOUT = "OCTO_WITHOUT_EDITOR"
"""Set it to build a package without the editor, e.g. for images that only run flows."""


class Editor(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page if it is not there, or comes from other sources than those that are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable installation takes the page from the checkout, once it is built there."""
        del build_data
        root = Path(self.root)
        if version == "editable" or os.environ.get(WITHOUT) or not (root / "editor" / "package.json").is_file():
            return
        done = subprocess.run(["bash", "scripts/editor.sh", "fresh"], cwd=root, check=False)  # noqa: S607  as developers have it
        if done.returncode:
            raise RuntimeError(
                "the page of `octo edit` cannot be built, see above. `scripts/setup.sh dev` installs what that needs; "
                f"{WITHOUT}=1 builds a package without it"
            )
