"""How to start an instance: what it needs of the desired state, and the command line that follows from it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from octo_platform.deploy.desired import Desired, Resources
from octo_platform.deploy.local.environment import environment, given
from octo_platform.deploy.local.folders import Folder
from octo_platform.deploy.local.sockets import HOST
from octo_platform.deploy.target import Refused

STOP_DELAY = 1.0
"""Seconds in which an instance that was told to stop still serves, and sends its clients to its successors."""
GRACE = 10.0
"""Seconds beyond stop delay and drain after which an instance that has not ended is killed."""
DATA_TOKEN = "data-token"  # noqa: S105  the name of a file

_INESSENTIAL = {
    "generation": 0,
    "replicas": 0,
    "files": {},  # the hash tells
    "in_flight": "drain",
    "exposure": None,
    "egress": (),
    "listens": None,  # files and variables tell
    "slug": "",
    "tag": "",
    "resources": Resources(),  # the platform watches them
}
_PASSWORD = re.compile(r"://[^/?#\s@]*:[^/?#\s@]*@")


class Recipe(NamedTuple):
    """What instances are made of. Two that are equal but for their folders make equal instances.

    wanted: the desired state without what changes no instance. bundle, secrets: folders. access: the same, with the
    token of the data plane, if there is one: flows do not see it among their secrets. migrates: whether they go on with
    the messages of instances before them in their own files; a change of that alone replaces no instance.
    """

    wanted: Desired
    bundle: Path
    secrets: Path
    access: Path | None = None
    migrates: bool = False

    @property
    def folders(self) -> list[Path]:
        """What must stay for as long as it is used."""
        return [each for each in (self.bundle, self.secrets, self.access) if each is not None]

    @property
    def patience(self) -> float:
        """Seconds from the signal to the end, at most."""
        return STOP_DELAY + self.wanted.drain + GRACE


def essence(desired: Desired) -> Desired:
    """What makes an instance what it is. The rest may change while it runs."""
    return desired.model_copy(update=_INESSENTIAL)


def made(desired: Desired, folder: Folder) -> Recipe:
    """Write what the instances need. Raises `Refused`."""
    if desired.services and _PASSWORD.search(desired.services):
        raise Refused("services: an address with a password would be readable in the list of processes")
    given(desired.variables)
    bundle = folder.bundle(desired.hash, desired.files)
    access = folder.secrets({DATA_TOKEN: desired.data.token.get_secret_value()}) if desired.data else None
    kept = folder.secrets(_revealed(desired))
    return Recipe(essence(desired), bundle, kept, access, migrates=desired.in_flight == "migrate")


def _revealed(desired: Desired) -> Mapping[str, str]:
    return {name: value.get_secret_value() for name, value in desired.secrets.items()}


def instance_name(slug: str) -> str:
    """A name that no other instance has."""
    readable = re.sub(r"[^0-9A-Za-z-]+", "-", slug)[:40].strip("-") or "octo"
    return f"{readable}-{secrets.token_hex(4)}"


def arguments(recipe: Recipe, folder: Folder) -> list[str]:
    """The arguments of `octo`. They show no secret: every user of the machine may read them."""
    wanted = recipe.wanted
    work = folder.path / "work"
    services = wanted.services or f"sqlite:{_seen_from(work, folder.path / 'store')}/octo.db"
    # A relative path has no comma, which would end the URL.
    place = _seen_from(work, recipe.secrets)
    traces = ["--traces", "--traces-store", f"sqlite:{_seen_from(work, folder.path / 'traces')}/traces.db"]
    return [
        *("run", "--config", str(recipe.bundle)),
        *("--services", f"{services},secrets=files:{place}"),
        *("--log-format", "json", "--quiet"),
        *("--stop-delay", f"{STOP_DELAY:g}", "--drain", f"{wanted.drain:g}"),
        *(("--resume", "new") if recipe.migrates else ()),
        *(traces if wanted.traces else ()),
    ]


def surroundings(folder: Folder, port: int | None) -> dict[str, str]:
    """The environment that an instance is started with."""
    reserved = {"HOME": str(folder.path / "home"), "TMPDIR": str(folder.path / "tmp"), "HTTP_HOST": HOST}
    return environment(os.environ, reserved | ({} if port is None else {"HTTP_PORT": str(port)}))


def variables(recipe: Recipe) -> dict[str, str]:
    """The variables of its deployment. A secret wins over one of the same name, which a flow would take first."""
    wanted = recipe.wanted
    own = given({name: value for name, value in wanted.variables.items() if name not in wanted.secrets})
    return own | _data(recipe)


def _data(recipe: Recipe) -> dict[str, str]:
    """Where the data plane is, and the file with the token that opens it."""
    if recipe.wanted.data is None or recipe.access is None:
        return {}
    return {"OCTO_DATA_URL": recipe.wanted.data.url, "OCTO_DATA_TOKEN_FILE": str(recipe.access / DATA_TOKEN)}


def _seen_from(work: Path, place: Path) -> str:
    return Path("..", *place.relative_to(work.parent).parts).as_posix()
