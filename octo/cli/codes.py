"""Every error code with its explanation, collected from the packages that raise the errors: Octo's and installed ones.

A package explains the codes that begin with a word of its own. The word is the name of an entry point in the group
`octo.codes`; its value is a mapping from codes to `octo.Explanation`:

    [project.entry-points."octo.codes"]
    LEDGER = "octo_banking.codes:EXPLANATIONS"  # LEDGER-101, LEDGER-102, ...
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from octo.core.errors import Explanation
from octo.expr import ERRORS

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

HOMES = (
    "octo.core.errors",
    "octo.core.cassette",
    "octo.config.codes",
    "octo.config.compat.table",
    "octo.debug.codes",
    "octo.services.codes",
    "octo.trace.codes",
    "octo.suite.codes",
    "octo.ai.codes",
    "octo.ai.agent.codes",
    "octo.ai.script.codes",
    "octo.ai.mcp.client.codes",
    "octo.connectors.http.codes",
    "octo.connectors.http_client.codes",
    "octo.connectors.database.codes",
    "octo.connectors.mqtt.codes",
    "octo.connectors.nats.codes",
    "octo.connectors.queue.codes",
    "octo.connectors.amqp.codes",
    "octo.connectors.kafka.codes",
    "octo.connectors.redis.codes",
    "octo.ai.mcp.serving.codes",
    "octo.core.tokens",
    "octo.cli.authoring.codes",
    "octo.cli.editing.codes",
    "octo.vectors.codes",
    "octo.vendors.codes",
)

OURS = "OCTO"
_WORD = re.compile(r"[A-Z][A-Z0-9]+")
_CODE = re.compile(r"[A-Z][A-Z0-9]+-[A-Z0-9]+")


def explanations() -> dict[str, Explanation]:
    """The explanations of Octo's own codes, by code."""
    found = {info.code: Explanation(info.title, info.explanation) for info in ERRORS.values()}
    for home in HOMES:
        found |= importlib.import_module(home).EXPLANATIONS
    return found


class Installed(NamedTuple):
    """The codes that installed packages explain, and what is wrong with packages that could not be read."""

    explanations: dict[str, Explanation]
    problems: list[str]


class _Unusable(Exception):
    """A package whose explanations cannot be used; the message says why."""


def installed(word: str | None = None) -> Installed:
    """The codes of installed packages: all, or those that begin with `word`. Other packages are not imported."""
    found = Installed({}, [])
    for name, points in _claims().items():
        if word in (None, name):
            try:
                found.explanations.update(_read(name, points))
            except _Unusable as error:
                found.problems.append(str(error))
    return found


def _claims() -> dict[str, list[EntryPoint]]:
    """The entry points of the packages that explain codes, by the word that the codes begin with."""
    from importlib.metadata import entry_points

    claims: dict[str, list[EntryPoint]] = {}
    for point in sorted(entry_points(group="octo.codes")):
        claims.setdefault(point.name, []).append(point)
    return claims


def _read(word: str, points: Sequence[EntryPoint]) -> Mapping[str, Explanation]:
    package = " and ".join(sorted(_package(each) for each in points))
    if word == OURS:
        raise _Unusable(f"{package}: codes that begin with {OURS}- are Octo's own; name the entry point differently")
    if not _WORD.fullmatch(word):
        raise _Unusable(f"{package}: {word!r} cannot begin a code; use capitals and digits, e.g. LEDGER")
    if len(points) > 1:
        raise _Unusable(f"{package} both explain codes that begin with {word}-; one must choose another word")
    try:
        found = points[0].load()
    except Exception as error:  # a package may break in any way
        raise _Unusable(f"{package}: {points[0].value} cannot be imported: {type(error).__name__}: {error}") from error
    return _checked(found, word, f"{package}: {points[0].value}")


def _checked(found: object, word: str, where: str) -> Mapping[str, Explanation]:
    if not isinstance(found, Mapping):
        raise _Unusable(f"{where} must be a mapping from codes to octo.Explanation, not a {type(found).__name__}")
    for code, page in found.items():
        if not (isinstance(code, str) and _CODE.fullmatch(code) and code.startswith(f"{word}-")):
            raise _Unusable(
                f"{where}: the code {code!r} must be {word}- followed by capitals or digits, e.g. {word}-101"
            )
        if not isinstance(page, Explanation):
            raise _Unusable(f"{where}: the value of {code} must be an octo.Explanation(title, text)")
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "a package"
