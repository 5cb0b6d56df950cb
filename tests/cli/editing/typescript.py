"""Reads the types of `editor/src/client` as far as they are written there, and compares values with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CLIENT = Path(__file__).parents[3] / "editor" / "src" / "client"

_INTERFACE = re.compile(r"^export interface (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^  readonly (\w+)(\??): (.+);$")
_CALL = re.compile(
    r"^  (?:async )?(\w+)\((?:(?!\n  \})[\s\S])*?\): Promise<(\w+)> \{(?:(?!\n  \})[\s\S])*?"
    r"#ask(?:<(\w+)>)?\(\s*\"(\w+)\",\s*[\"`]([^\"`]+)[\"`]",
    re.MULTILINE | re.DOTALL,
)

Type = Mapping[str, tuple[bool, str]]


def types() -> dict[str, Type]:
    """The members of each interface: whether it may be missing, and what it is."""
    found = {}
    for name, inside in _INTERFACE.findall((CLIENT / "types.ts").read_text()):
        members = {}
        for line in filter(None, (each.rstrip() for each in inside.splitlines())):
            if line.lstrip().startswith(("//", "/**", "*")):
                continue
            member = _MEMBER.match(line)
            assert member, f"{name}: the test cannot read {line!r}"
            members[member[1]] = bool(member[2]), member[3]
        found[name] = members
    return found


def calls() -> dict[tuple[str, str], str]:
    """The type that the client expects of each call, by method and path; `{}` stands for a part of the path."""
    text = (CLIENT / "api.ts").read_text()
    return {
        (method, re.sub(r"\$\{[^}]*\}", "{}", path).partition("?")[0]): type_
        for _, promised, asked, method, path in _CALL.findall(text)
        for type_ in [asked or promised]
    }


def faults(value: object, type_: str, known: Mapping[str, Type], at: str = "") -> Iterator[str]:
    """Where a value is not of the type."""
    parts = _parts(type_, "|")
    if len(parts) > 1:
        tried = [list(faults(value, each, known, at)) for each in parts]
        if all(tried):
            yield min(tried, key=len)[0] if len(parts) == 2 and "null" in parts else f"{at}: {value!r} is no {type_}"
    elif type_.endswith("[]"):
        yield from _each(value, type_.removesuffix("[]").strip("()"), known, at)
    elif type_.startswith("Record<"):
        if not isinstance(value, dict):
            yield f"{at}: {value!r} is no {type_}"
            return
        inner = _parts(type_.removeprefix("Record<").removesuffix(">"), ",")[1]
        for name, each in value.items():
            yield from faults(each, inner, known, f"{at}.{name}")
    elif type_ in known:
        yield from _members(value, known[type_], known, at)
    elif not _is_plain(value, type_):
        yield f"{at}: {value!r} is no {type_}"


def _each(value: object, type_: str, known: Mapping[str, Type], at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no list"
        return
    for index, each in enumerate(value):
        yield from faults(each, type_, known, f"{at}[{index}]")


def _members(value: object, members: Type, known: Mapping[str, Type], at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    for name in value.keys() - members.keys():
        yield f"{at}: the server sends {name!r}, which the client does not know"
    for name, (is_optional, type_) in members.items():
        if name in value:
            yield from faults(value[name], type_, known, f"{at}.{name}")
        elif not is_optional:
            yield f"{at}: the server does not send {name!r}"


def _is_plain(value: object, type_: str) -> bool:
    if type_.startswith('"'):
        return value == json.loads(type_)
    match type_:
        case "unknown":
            return True
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
    raise AssertionError(f"the test does not know the type {type_!r}")


def _parts(type_: str, separator: str) -> list[str]:
    """The parts of a type between separators that are in no brackets."""
    parts, depth = [""], 0
    for each in type_:
        depth += (each in "<(") - (each in ">)")
        if each == separator and not depth:
            parts.append("")
        else:
            parts[-1] += each
    return [each.strip() for each in parts]
