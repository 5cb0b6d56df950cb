"""The YAML files of a folder: the one place that decides which files a folder contributes.

What editors, version control and file systems leave beside them is no part of it: names that begin with `.`, `#` or `~`
(`._a.yaml`, `.pre-commit-config.yaml`, `.#a.yaml`, `~$a.yaml`), and those that do not end in `.yaml` or `.yml`
(`a.yaml~`, `a.yaml.bak`, `a.yaml.swp`, `#a.yaml#`, `4913`). A file that is named by its own path is not asked for here.
"""

from __future__ import annotations

from pathlib import Path
from stat import S_ISDIR, S_ISREG

SUFFIXES = (".yaml", ".yml")
_LITTER = (".", "#", "~")


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files directly in a folder, sorted by name. Raises OSError if it cannot be read.

    A name that leads to no regular file is listed too if reading it fails: a link to nothing, a folder in place of a
    file. So what has become unreadable is reported instead of being silently left out. A pipe or a device is not
    listed: reading it could wait for ever.
    """
    return sorted(each for each in folder.iterdir() if is_yaml(each) and _is_file(each))


def is_yaml(path: Path) -> bool:
    """Whether the name is one that a folder contributes."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(_LITTER)


def is_test(path: Path) -> bool:
    """Whether the name is that of a test file, `NAME_test.yaml`."""
    return path.suffix.lower() in SUFFIXES and path.stem.lower().endswith("_test")


def _is_file(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return True  # reading it will tell what is wrong
    return S_ISREG(mode) or S_ISDIR(mode)
