"""The environment of a child: a few variables of the platform's own, those that are reserved, those of the deployment.

Nothing is inherited by default. A flow may declare any variable under `env:`, so whatever is in the environment of its
process is readable to whoever may deploy.
"""

from __future__ import annotations

import importlib.util
import os
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from octo_platform.deploy.target import Refused

INHERITED = (
    *("PATH", "TZ", "LANG", "LC_ALL", "LC_CTYPE"),
    *("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"),  # where Python and its libraries are
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)
"""What a child gets of the platform's environment."""

_RESERVED = frozenset({"HTTP_PORT", "HTTP_HOST", "HOME", "TMPDIR", "PATH"})
_RESERVED_BEGINNINGS = ("OCTO_", "PYTHON", "LD_", "DYLD_")


def is_reserved(name: str) -> bool:
    """Whether a deployment may not set this variable: it is the platform's, or decides which code runs."""
    return name in _RESERVED or name.startswith(_RESERVED_BEGINNINGS)


def environment(parent: Mapping[str, str], reserved: Mapping[str, str]) -> dict[str, str]:
    """What a child is started with. parent: the platform's environment."""
    inherited = {name: parent[name] for name in INHERITED if parent.get(name)}
    path = _python_path(inherited.pop("PYTHONPATH", ""))
    if libraries := inherited.pop("LD_LIBRARY_PATH", ""):
        inherited["LD_LIBRARY_PATH"] = os.pathsep.join(_absolute(libraries))
    return {
        **inherited,
        # A bundle never changes, and modules beside its flows would leave their compiled form in it.
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONPATH": path} if path else {}),
        **reserved,
    }


def given(variables: Mapping[str, str]) -> dict[str, str]:
    """What a deployment adds: its variables, but for those with reserved names.

    Raises `Refused` for one that no environment can have.
    """
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise Refused(f"{name[:80]!r} is no variable: a name has no `=`, and neither it nor its value a NUL")
    return {name: value for name, value in variables.items() if not is_reserved(name)}


def _absolute(path: str) -> list[str]:
    """The folders of a search path, for a process that stands in another folder, which its flows may write."""
    return [str(Path(each).absolute()) for each in path.split(os.pathsep) if each]


def _python_path(given: str) -> str:
    """`PYTHONPATH` with the place of Octo itself."""
    found = _absolute(given)
    spec = importlib.util.find_spec("octo")
    if spec is not None and spec.origin is not None:
        home = str(Path(spec.origin).parents[1])
        if home not in (*found, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
            found.append(home)
    return os.pathsep.join(found)
