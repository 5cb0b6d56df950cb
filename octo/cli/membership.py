"""A process that runs flows as a member of the cluster: of all processes that use the same services."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from octo import __version__
from octo.core.beside import beside
from octo.core.errors import OctoError
from octo.core.log import fields

if TYPE_CHECKING:
    from octo.engine.service import Service
    from octo.services.container import Services
    from octo.services.members import About

log = logging.getLogger("octo.services")

_LOOK = 1.0
"""Seconds between two looks for whether flows run."""
_PAUSE = 10.0
"""Seconds before services that did not open are tried again."""


@asynccontextmanager
async def membership(
    services: Services, service: Service, number: int, admin: str, *, is_asked: bool
) -> AsyncIterator[None]:
    """Be a member while entered, once flows run. Services in memory have no members.

    number: of this process among its siblings. admin: address of its operations port. is_asked: whether somebody has
    chosen the services; a default file is not made only to say who uses it.
    """
    if not services.outlive("key-value"):
        yield
        return
    async with beside(_live(services, service, number, admin, is_asked=is_asked)):
        yield


async def _live(services: Services, service: Service, number: int, admin: str, *, is_asked: bool) -> None:
    told = ""
    while True:
        await asyncio.sleep(_LOOK)
        if service.current is None or not (is_asked or any(map(services.outlive, services.opened))):
            continue
        try:
            await _joined(services, service, number, admin)
        except Exception as error:  # noqa: BLE001  the flows run without it
            text = str(error) if isinstance(error, OctoError) else type(error).__name__
            if text != told:
                log.warning("this process is not listed as a member", extra=fields(error=text))
            told = text
            await asyncio.sleep(_PAUSE)


async def _joined(services: Services, service: Service, number: int, admin: str) -> None:
    from octo.operations.figures import BORN
    from octo.operations.status import moment
    from octo.services.election import led
    from octo.services.members import enrolled

    def about() -> About:
        assert service.current is not None
        config = service.current.config
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process": number,
            "admin": admin,
            "octo": __version__,
            "started": moment(int(BORN * 1e9)),
            "phase": service.phase,
            "service": config.name,
            "config": config.version,
            "flows": len(config.flows),
            "leads": dict(led()),
        }

    async with services.alike() as own:
        await own.open(["key-value"])
        await enrolled(own.opened["key-value"], about)  # type: ignore[arg-type]
