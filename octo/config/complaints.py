"""Complaints about settings: each of pydantic's errors becomes a problem at its place in the file, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from octo.config import codes, guesses
from octo.config.model import holds, kinds_at, known_keys, models_at
from octo.config.place import Path, Place
from octo.config.reader import about_key, of_variables
from octo.config.report import MOST_PROBLEMS, Report
from octo.config.words import first_sentence, say, words_of
from octo.core.errors import Position
from octo.core.settings import Secret, Settings, field_docs
from octo.expr import ERRORS, ExprError

Loc = tuple[str | int, ...]
Reached = tuple[Path, Place | None]
_PRECISE = ("missing", "expression", "steps", "duration", "value_error")


class Owner(Protocol):
    """The component that the settings belong to; see `octo.config.settings.Written`."""

    @property
    def what(self) -> str: ...
    @property
    def at(self) -> Position: ...
    @property
    def entries(self) -> Mapping[str, Place]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    def find(self, path: Path) -> Place | None: ...


def complain(model: type[Settings], owner: Owner, details: list[Any], report: Report) -> None:
    details = _one_member_of_each_union(owner, details[:MOST_PROBLEMS])
    reached = [_follow(owner, _holder(detail)) for detail in details]
    is_broken = any(place.is_broken for place in owner.entries.values())
    meant = _meant(model, details, reached)
    for detail, (path, place) in zip(details, reached, strict=True):
        if (place.is_broken if place else is_broken) and detail["type"] not in ("missing", "extra_forbidden"):
            continue  # the missing value of a variable is the cause, and already reported
        if detail["type"] == "missing" and (path, detail["loc"][-1]) in meant:
            continue  # it is written, but misspelt
        _complain(model, owner, detail, path, place, report)


def _holder(detail: Any) -> Loc:
    """The location of what is wrong; for a missing key, the location of the mapping that lacks it."""
    loc: Loc = detail["loc"]
    return loc[:-1] if detail["type"] == "missing" else loc


def _follow(owner: Owner, loc: Loc) -> Reached:
    """Follow pydantic's location as far as it leads. It also names members of unions, which are no places."""
    path: Path = ()
    place: Place | None = None
    for step in loc:
        child = owner.find((*path, step))
        if child is not None:
            path, place = (*path, step), child
    return path, place


def _one_member_of_each_union(owner: Owner, details: list[Any]) -> list[Any]:
    """Keep the complaints of the likeliest member: every member complains about a value that fits none of them."""
    unions: dict[Loc, dict[Loc, list[Any]]] = {}
    for detail in details:
        if member := _member(owner, _holder(detail)):
            unions.setdefault(member[:-1], {}).setdefault(member, []).append(detail)
    unlikely = [
        detail
        for base, members in unions.items()
        for member, found in members.items()
        if member != min(members, key=lambda each: _distance(base, members[each]))
        for detail in found
    ]
    return [detail for detail in details if not any(detail is each for each in unlikely)]


def _member(owner: Owner, loc: Loc) -> Loc | None:
    """The first part of a location that leads into a member of a union, or None."""
    for size in range(1, len(loc) + 1):
        if owner.find(loc[:size]) is None:
            return loc[:size] if size > 1 else None
    return None


def _distance(base: Loc, found: list[Any]) -> tuple[bool, bool, int]:
    """How far a member is from what was written: another `type:` or kind of value counts more than any bad detail."""
    other_choice = any(each["type"] == "literal_error" and len(each["loc"]) > len(base) + 1 for each in found)
    other_kind = any(len(each["loc"]) == len(base) + 1 and each["type"] not in _PRECISE for each in found)
    return other_choice, other_kind, len(found)


def _meant(model: type[Settings], details: list[Any], reached: list[Reached]) -> set[tuple[Path, str]]:
    """The known keys that the author probably meant by the unknown ones."""
    unknown = [path for detail, (path, _) in zip(details, reached, strict=True) if detail["type"] == "extra_forbidden"]
    found = ((path[:-1], guesses.key(str(path[-1]), known_keys(model, path[:-1]))) for path in unknown if path)
    return {(parent, key) for parent, key in found if key is not None}


def _complain(
    model: type[Settings], owner: Owner, detail: Any, path: Path, place: Place | None, report: Report
) -> None:
    error, context = detail["type"], detail.get("ctx") or {}
    if error == "missing":
        _missing(model, owner, path, str(detail["loc"][-1]), place, report)
    elif error == "extra_forbidden" and place is not None:
        parent = owner.find(path[:-1])
        what = f"`{parent.name}` of {owner.what}" if parent else owner.what
        refuse_key(str(path[-1]), place.key_at, what, known_keys(model, path[:-1]), report)
    elif error == "expression" and place is not None and isinstance(context.get("error"), ExprError):
        complain_of_expression(context["error"], place, report)
    elif error == "steps" and place is not None and (child := place.get(str(context.get("key", "")))) is not None:
        report.error(codes.SUB_FLOW, child.key_at, detail["msg"], "a sub-flow has only `name` and `process`")
    elif error == "schema" and place is not None:
        at = place.walk(context["path"]) or place
        report.error(codes.INPUT_SCHEMA, at.at, f"`{at.name}`: {detail['msg']}", context["hint"])
    else:
        said = say(detail, place, _private(model, owner, path, place))
        name = f"`{place.name}`" if place else owner.what
        message = f"{name}: {said.message}{of_variables(place) if place else ''}"
        report.error(said.code, place.at if place else owner.at, message, said.hint)


def _private(model: type[Settings], owner: Owner, path: Path, place: Place | None) -> set[str]:
    """What a message about this place must not quote: secrets, and what came from the environment."""
    entries = {path: place} if place else {(key,): each for key, each in owner.entries.items()}
    waiting, words = list(entries.items()), set[str]()
    while waiting:
        at, each = waiting.pop()
        children = [] if each.variables else [((*at, key), child) for key, child in each.fields().items()]
        if each.variables or holds(kinds_at(model, at), Secret):
            published = _published(model, at)
            words |= {word for word in words_of(each) if word not in published}
        waiting += children
    return words


def _published(model: type[Settings], path: Path) -> str:
    """What everybody can read about a setting: no word of it, such as `host`, is secret."""
    told: list[object] = []
    for each in models_at(model, path[:-1]):
        for name, info in each.model_fields.items():
            if (info.alias or name) == path[-1]:
                default = info.default.get_secret_value() if isinstance(info.default, Secret) else info.default
                told += default, info.examples or "", field_docs(each).get(name, "")
    return " ".join(map(str, told))


def _missing(model: type[Settings], owner: Owner, path: Path, key: str, place: Place | None, report: Report) -> None:
    written = place.get(key) if place else owner.entries.get(key)
    inside = f" in `{place.name}`" if place else f" of {owner.what}"
    if written is not None:
        report.error(codes.MISSING, written.key_at, f"`{key}`{inside} is empty", "give it a value")
        return
    doc = _doc(model, path, key)
    hint = f"add `{key}: ...`{f' ({doc})' if doc else ''}"
    if key in owner.labels and place is None:
        hint = f"the `{key}` beside `type` belongs to the block itself; add `{key}` under `settings:`"
    report.error(codes.MISSING, place.at if place else owner.at, f"`{key}`{inside} is missing", hint)


def _doc(model: type[Settings], path: Path, key: str) -> str:
    for each in models_at(model, path):
        for name, info in each.model_fields.items():
            if (info.alias or name) == key:
                return first_sentence(field_docs(each).get(name, "")).rstrip(".")
    return ""


def refuse_key(key: str, at: Position, what: str, known: Iterable[str], report: Report) -> None:
    report.error(codes.UNKNOWN_KEY, at, f"{what} has no key `{key}`", about_key(key, known, what))


def complain_of_expression(error: ExprError, place: Place, report: Report) -> None:
    """Report a wrong expression at its place in the file. Values from the environment are not shown."""
    if not place.variables:
        at = place.source.file.inside(place.node, error.line, error.column)
        report.error(error.code, at, f"`{place.name}`: {error.message}", error.hint)
        return
    title = ERRORS[error.code].title if error.code in ERRORS else "an error"
    names = " and ".join(f"`${{{name}}}`" for name in place.variables)
    hint = f"use `env.{place.variables[0]}` in expressions; the value of `${{...}}` is read as CEL"
    report.error(error.code, place.at, f"`{place.name}`: {title} once {names} is replaced by its value", hint)
