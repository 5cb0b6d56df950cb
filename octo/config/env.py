"""The environment of a configuration: what it declares under `env:`, and the values it gets.

A value comes from the process environment; else, if it is a secret and a place of secrets is chosen, from there; else
from the last `.env` file that has it (beside the configuration, then the file named by `OCTO_ENV_FILE`, then those
under `resources: env:`), else from its `default`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from octo.config import codes
from octo.config.model import known_keys
from octo.config.place import Place
from octo.config.reader import Reader, kind
from octo.config.report import Report
from octo.core.errors import OctoError, Position
from octo.core.language import NAME, VariableSettings
from octo.core.secrets import Store, mask

_NAME = re.compile(NAME)
_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL|DSN", re.IGNORECASE)
"""A variable with such a name holds a secret, unless its declaration says otherwise."""

_WORDS = ("", "yes", "no", "on", "off", "true", "false")
"""What is no name of a secret: it was meant as yes or no."""


class Declaration(NamedTuple):
    """A variable that the configuration may use. secret: whether its value must not appear in logs and traces.
    stored: what it is called in the place of secrets, if it is one.
    """

    name: str
    default: str | None
    required: bool
    at: Position
    secret: bool = False
    stored: str = ""


class Environment(NamedTuple):
    """The declared variables and their values.

    missing: those without a value for a reason that is already reported. secrets: the place that was asked, "" if none.
    unset: those that may have any value, because no environment was asked. hidden: what files say of secrets then.
    """

    declared: Mapping[str, Declaration]
    values: Mapping[str, str]
    missing: frozenset[str] = frozenset()
    secrets: str = ""
    unset: frozenset[str] = frozenset()
    hidden: Mapping[str, str] = MappingProxyType({})


def declarations(entries: Sequence[Place], report: Report) -> dict[str, Declaration]:
    """The variables declared under `env:`, in all files of the configuration."""
    found: dict[str, Declaration] = {}
    for place in entries:
        new = _declaration(place, report)
        if new is None:
            continue
        old = found.setdefault(new.name, new)
        if old is new:
            continue
        if old.at.file == new.at.file:
            message = f"the variable `{new.name}` is declared twice"
            report.error(codes.DUPLICATE_NAME, new.at, message, f"the first one is at {old.at}; remove one of them")
        elif old._replace(at=new.at) != new:
            message = f"the variable `{new.name}` is already declared with another `default`, `required` or `secret`"
            report.error(codes.VARIABLE_CONFLICT, new.at, message, f"the first one is at {old.at}; make them equal")
    return found


def resolve(
    declared: Mapping[str, Declaration],
    environ: Mapping[str, str],
    files: Sequence[Mapping[str, str]],
    report: Report,
    store: Store | None = None,
) -> Environment:
    """Give each declared variable its value. A later file of `files` overrides the earlier ones."""
    external: dict[str, str] = {}
    for each in files:
        external.update(each)
    unread: set[str] = set()
    if store is not None:
        asked = [each for each in declared.values() if each.stored and each.name not in environ]
        found = _found(asked, store, report)
        external.update(found or {})
        unread = set() if found is not None else {each.name for each in asked if each.name not in external}
    external.update(environ)
    values, missing = {}, set()
    for name, declaration in declared.items():
        value = external.get(name, declaration.default)
        if value is not None:
            values[name] = value
            if declaration.secret:
                mask(value, name)
        if name in unread:
            missing.add(name)
        elif declaration.required and name not in external:
            missing.add(name)
            hint = f"set it: `export {name}=...`, or a line `{name}=...` in `.env` beside the configuration"
            if declaration.default is not None:
                hint += "; a `default` does not satisfy `required`"
            if store is not None:
                hint += not_stored(declaration, store.place)
            message = f"the required variable `{name}` is not set"
            report.error(codes.VARIABLE_NOT_SET, declaration.at, message, hint)
    return Environment(declared, values, frozenset(missing), store.place if store is not None else "")


def of_files(declared: Mapping[str, Declaration], files: Sequence[Mapping[str, str]]) -> Environment:
    """The values that the files alone give, whatever the environment is: it may set any of the others.

    A secret may have any value, so that no text that is made of these values has one.
    """
    given = {name: value for each in files for name, value in each.items()}
    found = {name: given.get(name, each.default) for name, each in declared.items()}
    secrets = frozenset(name for name, each in declared.items() if each.secret)
    known = {name: value for name, value in found.items() if value is not None}
    hidden = {name: value for name, value in known.items() if name in secrets}
    for name, value in hidden.items():
        mask(value, name)
    values = {name: value for name, value in known.items() if name not in secrets}
    return Environment(declared, values, secrets, "", frozenset(declared.keys() - values.keys() - secrets), hidden)


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, unless its declaration says otherwise."""
    return _SECRET.search(name) is not None


def not_stored(declaration: Declaration, place: str) -> str:
    """What a hint says of the place of secrets, if one was asked."""
    return f"; there is no secret {declaration.stored!r} in {place} either" if place and declaration.stored else ""


def _found(declared: Iterable[Declaration], store: Store, report: Report) -> dict[str, str] | None:
    """What the place of secrets has of these variables; None if it cannot be read, which is reported once."""
    found: dict[str, str] = {}
    for each in declared:
        try:
            text = store.find(each.stored)
        except OctoError as error:
            report.error(error.code, each.at, f"the variable `{each.name}` is a secret: {error}")
            return None
        if text is not None:
            found[each.name] = text
    return found


def _declaration(place: Place, report: Report) -> Declaration | None:
    reader = Reader(report)
    if not isinstance(place.value, dict):
        message = f"an `env` entry must be a mapping, found {kind(place.value)}"
        report.error(codes.WRONG_SHAPE, place.at, message, "write `- name: NAME`")
        return None
    fields = reader.mapping(place, known_keys(VariableSettings), "an `env` entry")
    name = reader.name(fields, place, "an `env` entry")
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        hint = "use letters, digits and `_`, and do not begin with a digit"
        report.error(codes.VARIABLE_NAME, fields["name"].at, f"`{name}` cannot name a variable", hint)
        return None
    default, required = _default(fields.get("default"), reader), _flag(fields.get("required"), reader, default=False)
    secret, stored = _secret(fields.get("secret"), name, reader)
    return Declaration(name, default, required, place.at, secret, stored)


def _secret(place: Place | None, name: str, reader: Reader) -> tuple[bool, str]:
    """Whether the variable is a secret, and what it is called in the place of secrets."""
    if place is not None and isinstance(place.value, str) and place.value.lower() not in _WORDS:
        return True, place.value
    secret = _flag(place, reader, default=is_secret(name))
    return secret, name if secret else ""


def _default(place: Place | None, reader: Reader) -> str | None:
    if place is None or place.value is None:
        return None
    if isinstance(place.value, dict | list):
        reader.wrong(place, f"`default` must be text, found {kind(place.value)}", "put it in quotes")
        return None
    return place.node.text  # as written: `default: 010` is the text 010


def _flag(place: Place | None, reader: Reader, *, default: bool) -> bool:
    if place is None or place.value is None:
        return default
    if not isinstance(place.value, bool):
        reader.wrong(place, f"`{place.name}` must be `true` or `false`, found {kind(place.value)}")
        return default
    return place.value
