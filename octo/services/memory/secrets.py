"""Secrets in memory: those it was opened with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

from octo.core.settings import Secret
from octo.services import limits
from octo.services.ports import Missing, Secrets


class Known:
    """See `octo.services.ports.Secrets`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    async def read(self, name: str) -> Secret:
        limits.name(name, "secret name")
        if name not in self._texts:
            hint = "" if self._texts else ": no place is chosen, as in OCTO_SERVICES=secrets=files:/run/secrets"
            raise Missing(f"there is no secret {name[:80]!r} in memory{hint}")
        return Secret(self._texts[name])


@asynccontextmanager
async def opened(texts: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[Secrets]:
    """These secrets, by name."""
    yield Known(texts)
