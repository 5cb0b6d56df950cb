"""Reads the fixed parts of a configuration: what is a mapping, which keys it may have, what is text or a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from octo.config import codes, guesses
from octo.config.place import Place
from octo.config.report import Report, listed
from octo.expr import nearest

_FEW = 20
_MANY = 200  # comparing with more names would take too long
SETTINGS = "settings"
_OF_FLOWS = ("deadLetter", "durability", "workers", "buffer", "error", "input", "output", "process")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*")


def about_key(key: str, known: Iterable[str], what: str) -> str:
    """The hint for an unknown key. A key that does not look like one is part of a value that lacks quotes."""
    if what.endswith(" source") and key in _OF_FLOWS:
        return f"`{key}` belongs to the flow: write it beside `source:`"
    if not _PLAIN_KEY.fullmatch(key):
        return "inside `{ }` and `[ ]` a text that contains `,` needs quotes"
    names = list(known)
    is_setting = SETTINGS in names and not guesses.key(key, names)
    more = f"put it under `{SETTINGS}:`" if is_setting else guesses.about(key, names)
    return did_you_mean(key, names, more, guesses.key) or "remove it"


def kind(value: object) -> str:
    """The kind of a value, in the words of YAML."""
    if value == "":
        return "an empty text"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    names: dict[type, str] = {
        str: "text",
        int: "a whole number",
        float: "a number",
        dict: "a mapping",
        list: "a list",
        type(None): "nothing",
    }
    return names.get(type(value), "something else")


def did_you_mean(
    word: str, known: Iterable[str], more: str = "", guess: Callable[[str, Collection[str]], str | None] = nearest
) -> str:
    """The hint for an unknown name: the known one that was probably meant, and all known ones."""
    names = list(known)
    near = names if len(names) <= _MANY else [name for name in names if name[:1] == word[:1]][:_MANY]
    close = guess(word, near)
    parts = [f"did you mean `{close}`?"] if close else []
    if more:
        parts.append(more)
    if names and not (close and len(names) > _FEW):  # a long list hides the guess
        parts.append(f"known: {listed(names)}")
    return "; ".join(parts)


class Reader:
    """Reads values of an expected shape. Values of another shape are reported and left out."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def mapping(self, place: Place | None, known: Iterable[str], what: str) -> dict[str, Place]:
        """The entries of a mapping, without unknown keys; a misspelt key counts as the key it was meant to be.

        A missing mapping counts as empty.
        """
        fields = self.free_mapping(place, what)
        names = list(known)
        for key in [key for key in fields if key not in names]:
            unknown = fields.pop(key)
            hint = about_key(key, names, what)
            self.report.error(codes.UNKNOWN_KEY, unknown.key_at, f"{what} has no key `{key}`", hint)
            if meant := guesses.key(key, names):
                fields.setdefault(meant, unknown)
        return fields

    def free_mapping(self, place: Place | None, what: str) -> dict[str, Place]:
        """The entries of a mapping with any keys. A missing mapping counts as empty."""
        if place is None or place.value is None:
            return {}
        if not isinstance(place.value, dict):
            self.wrong(place, f"{what} must be a mapping, found {kind(place.value)}", "write `key: value` lines")
            return {}
        return place.fields()

    def entries(self, place: Place | None) -> list[Place]:
        """The items of a list. A missing list counts as empty."""
        if place is None or place.value is None:
            return []
        if not isinstance(place.value, list):
            message = f"`{place.name}` must be a list, found {kind(place.value)}"
            self.wrong(place, message, "begin each item with `- `")
            return []
        return list(place.items())

    def text(self, place: Place | None) -> str | None:
        """A text, or None if it is missing or empty."""
        if place is None or place.value is None:
            return None
        if isinstance(place.value, str):
            return place.value or None
        hint = "put it in quotes" if not isinstance(place.value, dict | list) else ""
        self.wrong(place, f"`{place.name}` must be text, found {kind(place.value)}", hint)
        return None

    def label(self, place: Place | None) -> str | None:
        """A name of the author's own: a text, or a number as it is written; None if it is missing or empty."""
        is_number = place is not None and isinstance(place.value, int | float) and not isinstance(place.value, bool)
        return place.node.text if place is not None and is_number else self.text(place)

    def name(self, fields: dict[str, Place], owner: Place, what: str, key: str = "name") -> str | None:
        """A text that must be there; reported if it is missing. A `name` may be a number."""
        place = fields.get(key)
        name = self.label(place) if key == "name" else self.text(place)
        if name is None and (place is None or place.value in (None, "")):
            at = place.key_at if place else owner.at
            self.report.error(codes.MISSING, at, f"`{key}` of {what} is missing", f"add `{key}: ...`")
        return name

    def whole(self, place: Place | None) -> int:
        """A whole number; 0 when there is none, or when it is wrong."""
        if place is None or place.value is None or place.is_broken:
            return 0
        value = place.value
        if isinstance(value, str) and place.variables:
            try:
                return int(value)
            except ValueError:
                pass
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        found = f"{kind(value)}{of_variables(place)}"
        self.report.error(codes.INVALID, place.at, f"`{place.name}` must be a whole number, found {found}")
        return 0

    def wrong(self, place: Place, message: str, hint: str = "") -> None:
        if not place.is_broken:
            self.report.error(codes.WRONG_SHAPE, place.at, message, hint)


def of_variables(place: Place) -> str:
    """` in the value of ${NAME}`, to name a value that came from the environment without showing it."""
    names = " and ".join(f"`${{{name}}}`" for name in place.variables)
    return f" in the value of {names}" if names else ""
