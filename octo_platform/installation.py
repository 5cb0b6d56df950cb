"""A running installation: what all parts of it share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from octo_platform.auth.identity import Identity
from octo_platform.bells import Bells
from octo_platform.deploy.target import Target
from octo_platform.flows.inspector import Inspector
from octo_platform.options import Options
from octo_platform.problem import Problem
from octo_platform.storage.database import Database
from octo_platform.storage.sealing import Keyring


@dataclass
class Installation:
    """See the module. targets: by the name that environments call them."""

    options: Options
    database: Database
    keyring: Keyring
    identity: Identity
    inspector: Inspector
    targets: Mapping[str, Target]
    bells: Bells = field(default_factory=Bells)

    def target(self, name: str) -> Target:
        found = self.targets.get(name)
        if found is None:
            raise Problem("target-unavailable", f"this installation does not deploy to {name!r}")
        return found
