"""What no answer shows: the secrets of the project's environment, and keys.

Flows that declare a variable as `secret` mask it themselves where they run. An assistant sees more: files, and
flows that were never checked. So whatever is called like a secret is masked here, wherever it comes from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from octo.config.dotenv import read_dotenv
from octo.config.files import yaml_files
from octo.config.place import Place
from octo.config.reader import Reader
from octo.config.report import Report
from octo.config.resources import read_resources
from octo.config.substitute import literal
from octo.config.yaml import MOST_BYTES, read
from octo.core.errors import ConfigError
from octo.core.secrets import MASKED, mask, masked

_SECRET = re.compile(
    r"passw|secret|token|apikey|credential|(?:^|_)(?:pass|pwd|key|keys|auth|dsn|private|cookie|url|uri)(?:_|\d|$)",
    re.IGNORECASE,
)
"""What is in the name of a variable that holds a secret."""
_WORDS = "changeme default development example guest localhost password postgres rabbitmq secret"
_COMMON = frozenset(_WORDS.split())
"""Values that nobody takes for a secret, and that are words of flows: masking them would spoil what is shown."""
_TELLING = re.compile(r"@|[A-Za-z0-9_-]{20}")
"""What an address has that is a secret itself: a password, or a long word such as that of a web hook."""
_KEY = re.compile(
    r"\b\d{8}-[0-9a-f]{6}:[A-Za-z0-9+/]{43}="  # a key of `octo secrets`
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


class Found(NamedTuple):
    """The variables of a project. files: those that hold them, relative to the project."""

    files: frozenset[str]
    variables: Mapping[str, str]


def lower(root: Path) -> frozenset[str]:
    """Mask the secrets of this project and of the environment from now on. Return the files that hold them."""
    found = _found(root)
    for name, value in {**os.environ, **found.variables}.items():
        if _SECRET.search(name) and not _is_plain(value):
            mask(value)
    return found.files


def veiled(value: object) -> object:
    """A JSON value without secrets, in its keys neither."""
    if isinstance(value, str):
        return _KEY.sub(MASKED, masked(value))
    if isinstance(value, Mapping):
        return {str(veiled(name)): veiled(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [veiled(each) for each in value]
    return value


def _is_plain(value: str) -> bool:
    """Whether it cannot be a secret, so that it stays readable: a number, a path, an address with nothing in it."""
    if value in _COMMON:
        return True
    is_address = value.startswith(("/", "./", "http://", "https://"))
    return value.isdigit() or (is_address and not _TELLING.search(value))


def _found(root: Path) -> Found:
    files = [path for path in [*sorted(root.glob(".env*")), *_declared(root)] if path.is_file()]
    if named := os.environ.get("OCTO_ENV_FILE"):
        files.append(root / named)
    variables: dict[str, str] = {}
    for path in files:
        variables.update(read_dotenv(path, Report()) or {})
    inside = (path.resolve() for path in files)
    relative = (path.relative_to(root.resolve()).as_posix() for path in inside if path.is_relative_to(root.resolve()))
    return Found(frozenset(relative), variables)


def _declared(root: Path) -> list[Path]:
    """The files that `resources.env` of a flow file names."""
    try:
        stats = ((path, path.stat()) for path in yaml_files(root))
        sections = [_resources(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]
        return list(read_resources(sections, root, Report()).env)
    except (OSError, ConfigError):
        return []


@lru_cache(1000)
def _resources(path: Path, *_: int) -> Place | None:
    """The section of a file, as it is with this time and size."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    tree = read(data, str(path), Report()) if b"resources" in data else None
    return None if tree is None else Reader(Report()).free_mapping(literal(tree).top, "it").get("resources")
