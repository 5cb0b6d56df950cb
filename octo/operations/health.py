"""The health of connectors: they are asked on demand, at most once every two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from octo.core.errors import Disconnected, OctoError
from octo.core.powers import Healthy
from octo.core.secrets import masked

FRESH = 2.0
"""Seconds for which a result is kept."""
PATIENCE = 1.0
"""Seconds that a connector may take to answer."""


class Health:
    """What is wrong with connectors. Results are kept for `FRESH` seconds.

    lost: called with the name, the instance and the error of a connector that has lost its connection.
    """

    def __init__(self, lost: Callable[[str, Any, Disconnected], object] = lambda *_: None) -> None:
        self._lost = lost
        self._instances: Mapping[str, Any] = {}
        self._reasons: Mapping[str, str] = {}
        self._at = float("-inf")
        self._asking = asyncio.Lock()

    async def reasons(self, instances: Mapping[str, Any]) -> Mapping[str, str]:
        """Return what is wrong, by name of the connector. Healthy ones, and ones without a check, are not in it."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._at >= FRESH or instances is not self._instances:
                answers = await asyncio.gather(*(self._reason(*each) for each in instances.items()))
                self._reasons = {name: reason for name, reason in zip(instances, answers, strict=True) if reason}
                self._at, self._instances = now, instances
            return self._reasons

    async def _reason(self, name: str, instance: Any) -> str:
        if not isinstance(instance, Healthy):
            return ""
        try:
            async with asyncio.timeout(PATIENCE):
                await instance.health()
        except TimeoutError:
            return f"no answer within {PATIENCE:g}s"
        except OctoError as error:
            if isinstance(error, Disconnected):
                self._lost(name, instance, error)
            return masked(str(error)) or type(error).__name__
        except Exception as error:  # noqa: BLE001  a connector's bug; its text may contain anything
            return type(error).__name__
        return ""
