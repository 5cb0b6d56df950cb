"""Variables that expressions read as `env.NAME`. Their values are known when a configuration is read, so a name
without a value is reported before any message needs it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from octo.config import codes
from octo.config.place import Place
from octo.config.reader import did_you_mean
from octo.config.report import Report
from octo.core.errors import Position
from octo.core.expressions import Build

_TEXT_OR_COMMENT = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*''', re.DOTALL
)
_READ = re.compile(r"(?<![\w.])env\.([A-Za-z_]\w*)")
_ANY_READ = re.compile(r"""(?<![\w.])env(?:\.([A-Za-z_]\w*)|\[\s*["']([A-Za-z_]\w*)["']\s*\])""")
_ASKS_FIRST = re.compile(r"\bhas\s*\(\s*env\.([A-Za-z_]\w*)\s*\)")
_OWN_ENV = re.compile(r"\(\s*env\s*,")  # a macro's own variable


@dataclass
class Surroundings(Build):
    """What validation knows of the configuration, with the declared variables, whether they have a value or not.

    is_open: whether a variable without a value may have any, as when there is no environment yet.
    """

    declared: Collection[str] = ()
    is_open: bool = False


def check_reads(text: str, place: Place, build: Build, report: Report) -> None:
    """Report the variables without a value that the expression at `place` reads."""
    if not isinstance(build, Surroundings) or place.variables:
        return
    for name, offset in _reads(text):
        if name in build.env:
            continue
        at = _position(text, offset, place)
        if name in build.declared and build.is_open:
            continue
        if name in build.declared:
            message = f"`{place.name}`: `env.{name}` has neither a value nor a default, so this will fail"
            report.warn(codes.READS_NOTHING, at, message, f"check it first: `has(env.{name}) ? env.{name} : ...`")
        else:
            hint = did_you_mean(name, build.declared, f"declare it under `env:` with `- name: {name}`")
            report.error(codes.UNDECLARED_VARIABLE, at, f"`{place.name}`: the variable `{name}` is not declared", hint)


def read_by(text: str) -> set[str]:
    """The variables that a text reads if it is an expression."""
    return {found[1] or found[2] for found in _ANY_READ.finditer(text)}


def _reads(text: str) -> Iterator[tuple[str, int]]:
    code = _TEXT_OR_COMMENT.sub(lambda found: " " * len(found[0]), text)
    if _OWN_ENV.search(code):
        return
    asked = set(_ASKS_FIRST.findall(code))
    for found in _READ.finditer(code):
        if found[1] not in asked:
            yield found[1], found.start(1)


def _position(text: str, offset: int, place: Place) -> Position:
    before = text[:offset]
    return place.source.file.inside(place.node, before.count("\n") + 1, offset - before.rfind("\n"))
