"""What values that share their parts cost: a small one can be large as JSON, as a text, or to compare.

`body.items.map(i, {"order": body.order, "item": i})` holds the order once, but each reader of the result meets it as
often as there are items. So an existing value is charged for its size where it can become a part of others repeatedly:
before a loop, for all its rounds, or for the second mention of one name. The first mention of an element of the loop,
or of a field of it, is free: each round has another one. What functions make was charged for when they made it.
"""

import _ast as py

from octo.expr.generate import emit
from octo.expr.generate.core import SMALL, Generator, Value
from octo.expr.generate.value import Path


def part(g: Generator, value: Value) -> py.expr:
    """The node of a value that becomes a part of another."""
    if not value.shared or value.is_known or value.kind in SMALL or _is_single(g, value.path) or _is_outer(g, value):
        return value.node
    return g.weighed(value.node, "_size", value.kind)


def outer(g: Generator, found: set[Path], rounds: py.expr) -> list[py.expr]:
    """What those parts cost that each round of a loop takes from outside."""
    return [
        emit.call("_repeated", rounds, _source(g, name), *map(emit.constant, keys))
        for name, keys in sorted(found, key=repr)  # in a fixed order: the code of an expression is always the same
    ]


def _is_single(g: Generator, path: Path | None) -> bool:
    """Whether it is met once for each time that it exists."""
    if path is None:
        return not g.repeats
    name, keys = path
    if name not in g.mentions:
        return not g.rounds
    rounds, mentioned = g.mentions[name]
    if rounds != g.rounds or any(each[: len(keys)] == keys[: len(each)] for each in mentioned):
        return False
    mentioned.append(keys)
    return True


def _is_outer(g: Generator, value: Value) -> bool:
    """Whether it is the same in all rounds of the innermost loop, which is charged for it then."""
    path = value.path
    if path is None or not g.outer or (path[0] in g.mentions and g.mentions[path[0]][0] >= g.rounds):
        return False
    if any(each.name == path[0] and each.error for each in g.locals.values()):
        return False  # it may have no value
    g.outer[-1].add(path)
    return True


def _source(g: Generator, name: str) -> py.expr:
    declared = next((each for each, source in g.environment.scope.variables.items() if source == name), None)
    return emit.name(name) if declared is None else g.environment.source(declared)
