"""A running installation: what all parts of it share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from octo_platform.auth.identity import Identity
from octo_platform.auth.strangers import Strangers
from octo_platform.bells import Bells
from octo_platform.deploy.targets import Targets
from octo_platform.flows.inspector import Inspector
from octo_platform.options import Options
from octo_platform.shares import Shares
from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring


@dataclass
class Installation:
    """See the module. stopping: set once the platform stops, so that streams end, which would keep it from ending.

    requests, uploads, checks, streams: how many may be under way at once, of all and of each person, or address.
    """

    options: Options
    database: Database
    keyring: Keyring
    identity: Identity
    inspector: Inspector
    targets: Targets
    bells: Bells = field(default_factory=Bells)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    strangers: Strangers = field(default_factory=Strangers)
    requests: Shares = field(default_factory=lambda: Shares("requests", most=400, each=64))
    uploads: Shares = field(default_factory=lambda: Shares("uploads", most=8, each=4))
    checks: Shares = field(default_factory=lambda: Shares("checks of flow files", most=32, each=8))
    streams: Shares = field(default_factory=lambda: Shares("streams", most=500, each=50))
