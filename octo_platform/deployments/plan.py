"""The difference between what a deployment is and what it would be: what people confirm before anything changes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from octo_platform.deployments.building import egress
from octo_platform.deployments.settings import Facts, Settings, secrets_needed
from octo_platform.web.shapes import Shape

_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/?#\s:@]*:[^/?#\s@]+@")


class Change(Shape):
    """One difference. before, after: in a few words, where that says more than the name."""

    kind: str
    change: Literal["added", "removed", "changed"]
    name: str
    before: str | None = None
    after: str | None = None


class Plan(Shape):
    """What would change. digest: confirms this plan and no other. in_flight: messages that are under way now.

    in_flight is None where nobody can say, e.g. because nothing runs yet.
    """

    digest: str = ""
    deployment: str | None = None
    slug: str
    from_tag: str | None = None
    to_tag: str
    changes: list[Change]
    in_flight: int | None = None
    warnings: list[str]


class State(NamedTuple):
    """A side of the comparison: a version and how it runs."""

    tag: str
    facts: Facts
    settings: Settings


def changes(before: State | None, after: State) -> list[Change]:
    """Every difference, in the order: blocks, routes, connectors, secrets, egress, permissions, settings."""
    found: list[Change] = []
    for kind, read in _KINDS:
        old = read(before) if before else {}
        found += _compared(kind, old, read(after))
    return found


def digest(plan: Plan, generation: int) -> str:
    """Stands for a plan and the state that it was made of. Messages under way are no part of it: they always change."""
    content = plan.model_dump(mode="json", exclude={"digest", "in_flight"})
    return hashlib.sha256(json.dumps([generation, content], sort_keys=True).encode()).hexdigest()[:32]


def warnings(before: State | None, after: State, *, keeps: bool = True) -> list[str]:
    """What people should think of before they confirm. keeps: whether what flows keep there outlives an instance."""
    found: list[str] = []
    held = _journalled(before) if before else set()
    if (gone := held - _journalled(after)) and not _journalled(after):
        names = ", ".join(sorted(gone))
        found.append(f"messages in the journal of {names} cannot go on: no flow has a journal any more")
    elif held and before:
        found.append(_under_way(before, after, held))
    if not keeps and (names := ", ".join(sorted(held | _journalled(after)))):
        found.append(
            f"the journal of {names} ends with each instance: what it has not finished then is lost; name `services` "
            "in the environment"
        )
    if open_ := [name for name, value in after.settings.variables.items() if _looks_secret(name, value)]:
        names = ", ".join(sorted(open_))
        found.append(
            f"everybody who sees this workspace sees the variables {names}: what is secret belongs in a secret"
        )
    return found


def _under_way(before: State, after: State, held: set[str]) -> str:
    """What becomes of journalled messages that are under way."""
    if after.settings.in_flight == "drain":
        time = f"{before.settings.drain:g} s"
        return f"journalled messages under way have {time} to finish; the rest goes on in the files of {before.tag}"
    left = {each for each in _blocks(before) if each.partition(".")[0] in held} - _blocks(after).keys()
    stay = f"; those behind a block that is gone ({', '.join(sorted(left)[:5])}) in their own" if left else ""
    return f"journalled messages under way go on in the files of {after.tag}{stay}"


def _looks_secret(name: str, value: str) -> bool:
    return bool(value) and bool(_SECRET_NAME.search(name) or _LOGIN.search(value))


def _journalled(state: State) -> set[str]:
    return {each["name"] for each in state.facts.get("flows", ()) if each.get("durability") == "journal"}


Described = Mapping[str, str]
"""Name → what is compared; shown where it is readable."""


def _compared(kind: str, old: Described, new: Described) -> list[Change]:
    shows = kind not in _BY_DIGEST
    found = []
    for name in [*old, *(each for each in new if each not in old)]:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        change = "added" if before is None else "removed" if after is None else "changed"
        texts = {"before": before, "after": after} if shows else {}
        found.append(Change(kind=kind, change=change, name=name, **texts))
    return found


def _blocks(state: State) -> Described:
    return {each["address"]: f"{each['type']} {each.get('digest', '')}" for each in state.facts.get("blocks", ())}


def _routes(state: State) -> Described:
    return {f"{each['method']} {each['path']}": each["flow"] for each in state.facts.get("routes", ())}


def _connectors(state: State) -> Described:
    return {each["name"]: f"{each['type']} {each.get('digest', '')}" for each in state.facts.get("connectors", ())}


def _secrets(state: State) -> Described:
    return secrets_needed(state.facts, state.settings)


def _egress(state: State) -> Described:
    found = egress(state.facts, state.settings)
    return {each.connector: f"{each.host or 'any host'}:{each.port}" for each in found}


def _permissions(state: State) -> Described:
    """What the flows ask of the platform and of the place where they run."""
    found = {f"service {each}": "used" for each in state.facts.get("services", ())}
    for each in state.facts.get("listens", ()):
        found[f"listens at {each.get('port')}"] = "granted"
    return found


def _settings(state: State) -> Described:
    plain = state.settings.model_dump(by_alias=True, mode="json", exclude={"variables", "secrets", "restart"})
    return {name: json.dumps(value) for name, value in plain.items()}


def _variables(state: State) -> Described:
    return state.settings.variables


_BY_DIGEST = frozenset({"block", "connector"})
_KINDS: Sequence[tuple[str, Callable[[State], Described]]] = (
    ("block", _blocks),
    ("route", _routes),
    ("connector", _connectors),
    ("secret", _secrets),
    ("egress", _egress),
    ("permission", _permissions),
    ("variable", _variables),
    ("setting", _settings),
)


def in_flight(answers: Sequence[Mapping[str, Any]]) -> int:
    """The messages under way, by what the operations ports of all instances say at `/status`."""
    flows = [flow for each in answers for flow in each.get("flows", ())]
    return sum(int(each.get("in_flight", 0)) + int(each.get("waiting", 0)) for each in flows)
