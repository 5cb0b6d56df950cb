"""The packages that Octo needs, and those of its extras that these flows need."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from octo.config.documents import Config
from octo.config.walk import blocks_of

Level = Literal["ok", "warn", "fail"]

DISTRIBUTION = "octo-flows"
EXTRAS = {"postgres": "postgres", "mysql": "mysql", "sqlalchemy": "sql"}
"""The extra that a driver of a `database` connector needs."""

_ENCRYPTS = re.compile(rb"\b(?:to|from)(?:Aes|Chacha)\(")
_PARTS = {
    "crypto": "AES and ChaCha in expressions",
    "mcp": "octo mcp, mcp-router, jwt-validate",
    "test": "octo test --generate",
    "top": "octo top",
}
_OF_MCP = ("mcp-router", "jwt-validate")


class Finding(NamedTuple):
    """One line. fix: a command that mends it, "" if there is nothing to mend."""

    level: Level
    subject: str
    text: str
    fix: str = ""


_REQUIREMENT = re.compile(r"([\w.-]+)[^;]*(?:;.*extra == ['\"](\w+)['\"])?")
_NOT_WINDOWS = "sys_platform != 'win32'"


def requirements() -> dict[str, list[str]]:
    """The packages that Octo needs, by extra; those that it always needs under "". Empty if it is not installed."""
    found: dict[str, list[str]] = {}
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}
    for line in lines:
        if (match := _REQUIREMENT.match(line)) and not (_NOT_WINDOWS in line and sys.platform == "win32"):
            found.setdefault(match[2] or "", []).append(match[1])
    return found


def version(package: str) -> str:
    """The version of an installed package, "" if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def missing(extra: str) -> list[str]:
    """The packages of an extra that are not installed."""
    return [each for each in requirements().get(extra, []) if not version(each)]


def installed() -> Iterator[Finding]:
    """Whether the packages that Octo always needs are there."""
    known = requirements()
    if not known:
        text = "Octo runs from its source: nothing says which packages it needs"
        yield Finding("warn", "packages", text, "pip install octo-flows")
        return
    if gone := missing(""):
        yield Finding("fail", "packages", f"not installed: {', '.join(gone)}", "pip install --upgrade octo-flows")
    else:
        yield Finding("ok", "packages", f"all {len(known[''])} that Octo needs")


def extras(config: Config | None) -> Iterator[Finding]:
    """The extras: those that these flows need, and in one line which others there are."""
    needed = {} if config is None else _needed(config)
    known = [each for each in requirements() if each not in ("", "all")]
    for extra, why in needed.items():
        if gone := missing(extra):
            text = f"{why} needs {', '.join(gone)}"
            yield Finding("fail", f"extra {extra}", text, f"pip install 'octo-flows[{extra}]'")
        else:
            yield Finding("ok", f"extra {extra}", f"installed, for {why}")
    rest = [each for each in known if each not in needed]
    if rest:
        there = [each for each in rest if not missing(each)]
        gone = [f"{each} ({_PARTS[each]})" if each in _PARTS else each for each in rest if each not in there]
        parts = [f"installed: {', '.join(there)}"] * bool(there) + [f"not needed here: {', '.join(gone)}"] * bool(gone)
        yield Finding("ok", "extras", "; ".join(parts))


def _needed(config: Config) -> dict[str, str]:
    """The extras that the flows need, and what needs each."""
    found = {}
    for doc in config.connectors.values():
        if doc.type.name == "database" and (extra := EXTRAS.get(doc.settings.driver)):  # type: ignore[attr-defined]
            found[extra] = f"the connector {doc.name}"
    if any(_ENCRYPTS.search(_bytes(path)) for path in config.watched if path.suffix in (".yaml", ".yml")):
        found["crypto"] = "an expression that encrypts"
    blocks = (block.type.name for doc in config.flows.values() for block in blocks_of(doc))
    if name := next((each for each in blocks if each in _OF_MCP), ""):
        found["mcp"] = f"the block {name}"
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
