"""Secrets in environment variables: `env:`, or `env:PREFIX` for those whose names begin so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from octo.core.errors import Permanent
from octo.services import codes
from octo.services.secrets.store import opened

if TYPE_CHECKING:
    from octo.services.container import Opener

OWN = "OCTO_"
"""Variables of Octo itself, such as the keys of an encrypted store, are nobody's secrets."""


def openers(url: str) -> Mapping[str, Opener]:
    """The opener of the secrets in the environment."""
    return {"secrets": partial(opened, store(url))}


def store(url: str, environ: Mapping[str, str] = os.environ) -> Variables:
    """The secrets in the environment variables that an `env:` URL names."""
    prefix = url.partition(":")[2]
    if "/" in prefix or "=" in prefix:
        raise Permanent("services: write `env:` or `env:PREFIX`, e.g. `env:APP_`", code=codes.PLACE)
    return Variables(prefix, environ)


class Variables:
    """See `octo.core.secrets.Store`."""

    def __init__(self, prefix: str = "", environ: Mapping[str, str] = os.environ) -> None:
        self._prefix = prefix
        self._environ = environ
        self.place = f"the environment variables {prefix}*" if prefix else "the environment"

    def check(self) -> None:
        """The environment is always there."""

    def find(self, name: str) -> str | None:
        variable = f"{self._prefix}{name}"
        return None if "=" in variable or not self._may_be_read(variable) else self._environ.get(variable)

    def listed(self) -> list[tuple[str, str]]:
        found = (each for each in self._environ if each.startswith(self._prefix) and self._may_be_read(each))
        return [(each.removeprefix(self._prefix), "") for each in sorted(found) if each != self._prefix]

    def _may_be_read(self, variable: str) -> bool:
        return self._prefix.startswith(OWN) or not variable.startswith(OWN)

    def files(self, name: str) -> list[Path]:  # noqa: ARG002  it is in none
        return []
