"""How far this system can close a process in."""

from __future__ import annotations

from typing import Literal

from octo_platform.enclosure import landlock, seccomp

Level = Literal["full", "partial", "none", "off"]


def level() -> Level:
    """Full from Linux 6.12 on, partial from 5.13 on; none elsewhere, or where a container keeps it from us."""
    lacks = missing()
    return "full" if not lacks else "partial" if landlock.version() else "none"


def missing() -> list[str]:
    """What an enclosed process can do here all the same."""
    version = landlock.version()
    found = []
    if not version:
        found.append("read the files of the platform")
    if version < landlock.PORTS:
        found.append("connect to the platform, and listen at any port")
    if version < landlock.SIGNALS:
        found.append("send signals to the platform")
    if not seccomp.is_available():
        found.append("use unix sockets, and leave its group of processes")
    return found
