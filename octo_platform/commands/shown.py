"""A plan as a table: what is added is green, what is removed red, what changes yellow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octo.cli.terminal import say

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_LONGEST = 60


def show_plan(plan: Mapping[str, Any], place: str) -> None:
    """Print a plan for who has to confirm it."""
    before = plan.get("fromTag")
    versions = f"{before} → {plan['toTag']}" if before and before != plan["toTag"] else plan["toTag"]
    say(f"{place}  {versions}{'' if before else '  (new)'}", bold=True)
    changes = [each for each in plan["changes"] if before or each.get("after") != "null"]
    if not changes:
        say("  nothing changes")
    kinds = max((len(each["kind"]) for each in changes), default=0)
    names = min(max((len(each["name"]) for each in changes), default=0), _LONGEST)
    for each in changes:
        mark, colour = _MARKS[each["change"]]
        say(f"  {mark} {each['kind']:<{kinds}}  {each['name']:<{names}}  {_values(each)}".rstrip(), fg=colour)
    if in_flight := plan.get("inFlight"):
        say(f"  {in_flight} {'message' if in_flight == 1 else 'messages'} under way")
    for each in plan["warnings"]:
        say(f"  warning: {each}", fg="yellow")


def is_empty(plan: Mapping[str, Any]) -> bool:
    """Whether it changes nothing, not even the tag."""
    return not plan["changes"] and plan.get("fromTag") == plan["toTag"]


def _values(change: Mapping[str, Any]) -> str:
    before, after = (_short(change.get(name)) for name in ("before", "after"))
    if before and after:
        return f"{before} → {after}"
    return after or before


def _short(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
