"""What instances are closed in with: their own folder, and no way to the platform."""

from __future__ import annotations

from typing import NamedTuple

from octo_platform.deploy.local.cgroups import Cgroups
from octo_platform.deploy.local.folders import Folder
from octo_platform.deploy.local.recipe import Recipe
from octo_platform.enclosure.enclosure import Enclosure

LARGEST_FILE = 4 << 30
MOST_FILES = 65_536
"""Files and connections that are open at the same time."""
_WRITES = ("work", "home", "tmp", "store", "traces")


class Walls(NamedTuple):
    """What is kept from all instances. hides: paths. ports: TCP ports to which they do not connect.

    cgroups: where each gets a control group, if some were delegated. is_required: whether none is started where the
    system cannot keep all of this from them.
    """

    hides: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    cgroups: Cgroups | None = None
    is_required: bool = False


def enclosure(walls: Walls, recipe: Recipe, folder: Folder, group: str = "") -> Enclosure:
    """What an instance may reach. It opens no port itself: those that its flows name are lent.

    group: the folder of the control group that it joins, "" for none.
    """
    return Enclosure(
        reads=tuple(map(str, recipe.folders)),
        writes=tuple(str(folder.path / each) for each in _WRITES),
        hides=(*walls.hides, str(folder.path.parent)),
        connects=None,
        never=walls.ports,
        limits={"CORE": 0, "FSIZE": LARGEST_FILE, "NOFILE": MOST_FILES},
        group=group,
        is_required=walls.is_required,
    )
