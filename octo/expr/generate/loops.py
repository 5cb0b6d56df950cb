"""Comprehensions and bindings, as inline loops and assignments."""

import _ast as py

from octo.expr.generate import emit
from octo.expr.generate.core import Generator, Local, Value
from octo.expr.generate.logic import as_bool, keep_first, settle
from octo.expr.generate.sharing import outer, part
from octo.expr.limits import FUEL
from octo.expr.nodes import Bind, Loop, Node, OptionalMap, children

_ROUND = 16
"""The least cost of a round of a loop: there are at most a million rounds."""
_PIECE = 3
"""The cost of each piece of the body of a loop."""


def loop(g: Generator, node: Loop) -> Value:
    return _KINDS[node.kind](g, node)


# -- the frame of every loop


class _Frame:
    """The source of a loop, its variables, and the Python that runs through it."""

    def __init__(self, g: Generator, node: Loop) -> None:
        self.g = g
        self.node = node
        source = g.value(node.source)
        if source.kind not in {"dyn", "list", "map"}:
            raise g.clash(f"{node.macro} needs a list or map, found {source.kind}", node.source.end)
        self.source = _checked(g, source)
        self.is_settled = source.is_settled
        g.meters = True
        g.loops += 1
        pieces = sum(map(_pieces, [node.body, node.condition] if node.condition is not None else [node.body]))
        self.rounds = emit.call("len", self.source)
        self.charge(emit.binary(self.rounds, "*", emit.constant(max(_ROUND, _PIECE * pieces))))
        self.made = source.made
        self.first = g.variable(node.first)
        self.second = g.variable(node.second) if node.second else ""

    @property
    def variables(self) -> dict[str, Local]:
        """The variables are settled if the source is: its keys are then strings, its indexes ints.

        The first of two is an index or a key, and no key of a JSON object is an integer.
        """
        first_made = self.made or bool(self.node.second)
        found = {self.node.first: Local(self.first, "dyn", self.is_settled, made=first_made)}
        if self.node.second:
            found[self.node.second] = Local(self.second, "dyn", self.is_settled, made=self.made)
        return found

    def charge(self, *costs: py.expr) -> None:
        """Take these costs from what is left."""
        for each in costs:
            is_spent = emit.compare(emit.name("space"), "<", emit.constant(0))
            exhausted = emit.statement(emit.call("_exhausted"))
            self.g.block += [emit.subtract("space", each), emit.when(is_spent, [exhausted])]

    def each(self, body: list[py.stmt]) -> py.stmt:
        names = [self.first, self.second] if self.second else [self.first]
        body = [*self.g.stepped(self.node.body, names), *body]
        source = emit.call("_pairs", self.source) if self.second else self.source
        return emit.each(emit.targets(*names), source, body)


def _checked(g: Generator, source: Value) -> py.expr:
    """A variable that certainly holds a list or a map."""
    if source.kind in {"list", "map"}:
        return (source if source.is_simple else g.keep(source)).node
    first, later = g.twice(source)
    checked = g.temporary()
    either = emit.choose(emit.is_class(first, "list"), later, emit.call("_iterable", later))
    g.block.append(emit.assign(checked, either))
    return emit.name(checked)


def _pieces(node: Node) -> int:
    """How many pieces are evaluated in each round. Loops inside have rounds of their own."""
    total, pending = 0, [node]
    while pending:
        node = pending.pop()
        total += 1
        pending += [node.source] if isinstance(node, Loop) else children(node)
    return total


def meters() -> list[py.stmt]:
    """Statements that set the budget before an evaluation starts."""
    return [emit.assign("space", emit.constant(FUEL))]


# -- loops that decide


def _when(
    g: Generator, frame: _Frame, node: Node, then: list[py.stmt], blocks: int, wanted: bool = True
) -> tuple[list[py.stmt], bool]:
    """Statements that run `then` in the rounds whose condition is `wanted`, and whether the condition may fail.

    For `a && b`, Python's own `and` is tried first. The steps that know which error counts run only when it fails. So a
    round evaluates its condition at most twice, and the plain one contains no loop.
    """
    with g.scope(frame.variables, rounds=1) as shared:
        block, value = g.captured(node, blocks)
    frame.charge(*outer(g, shared, frame.rounds))

    def when(condition: py.expr, outcome: bool, body: list[py.stmt]) -> py.stmt:
        return emit.when(condition if outcome else emit.invert(condition), body)

    condition = as_bool(g, value, node)
    if value.plain is None:
        proven = value.kind == "bool" and not value.fallible and not block
        return [*block, when(condition, wanted, then)], not proven
    skip: list[py.stmt] = [py.Continue()]
    steps = [*block, when(condition, not wanted, skip)]
    return [emit.attempt([when(value.plain.node, not wanted, skip)], "", steps), *then], True


def _quantifier(g: Generator, node: Loop) -> Value:
    """`all` and `exists`: the first element that decides ends the loop, and errors before it are dropped."""
    is_all = node.kind == "all"
    frame = _Frame(g, node)
    result, error = g.temporary(), g.temporary("error")
    decided = [emit.assign(result, emit.constant(not is_all)), py.Break()]
    body, fallible = _when(g, frame, node.body, decided, blocks=2, wanted=not is_all)
    if fallible:
        caught = g.temporary("caught")
        body = [emit.attempt(body, caught, [*g.caught(caught), *keep_first(error, caught)])]
        g.block.append(emit.assign(error, emit.constant(None)))
    g.block += [emit.assign(result, emit.constant(is_all)), frame.each(body)]
    if fallible:
        g.block += settle(result, error, fails_when=is_all)
    return Value(emit.name(result), "bool", False, True)


def _exists_one(g: Generator, node: Loop) -> Value:
    frame = _Frame(g, node)
    found = g.temporary("found")
    body, _ = _when(g, frame, node.body, [emit.subtract(found, emit.constant(-1))], blocks=1)
    g.block += [emit.assign(found, emit.constant(0)), frame.each(body)]
    return Value(emit.compare(emit.name(found), "==", emit.constant(1)), "bool", False, True, 2)


# -- loops that build


def _filtered(g: Generator, frame: _Frame, body: list[py.stmt]) -> list[py.stmt]:
    """`body` for the elements that meet the condition."""
    if frame.node.condition is None:
        return body
    return _when(g, frame, frame.node.condition, body, blocks=1)[0]


def _build(g: Generator, frame: _Frame, empty: py.expr) -> tuple[str, list[py.stmt], Value]:
    """The variable that holds the result, then the statements and the value of each round."""
    result = g.temporary()
    g.block.append(emit.assign(result, empty))
    with g.scope(frame.variables, rounds=1) as shared:
        block, value = g.captured(frame.node.body, blocks=1)
        value.node = part(g, value)
    frame.charge(*outer(g, shared, frame.rounds))
    return result, block, value


def _map(g: Generator, node: Loop) -> Value:
    frame = _Frame(g, node)
    result, block, value = _build(g, frame, py.List(elts=[], ctx=emit.LOAD))
    append = emit.call(emit.attribute(emit.name(result), "append"), value.node)
    g.block.append(frame.each(_filtered(g, frame, [*block, emit.statement(append)])))
    return Value(emit.name(result), "list", False, value.is_settled).of(value)


def _sort_by(g: Generator, node: Loop) -> Value:
    """`sortBy`: the keys are built as `map` builds its list; then the elements are sorted by them."""
    source = g.keep(g.value(node.source))
    keys = _map(g, _over(node, source))
    return Value(emit.call("_sort_by", source.node, keys.node), "list", True, False, 2)


def _group_by(g: Generator, node: Loop) -> Value:
    """`groupBy`: as `sortBy`, but each element goes to the list of its key."""
    source = g.keep(g.value(node.source))
    keys = _map(g, _over(node, source))
    grouped = emit.call("_group_by", source.node, keys.node)
    return Value(g.metered(grouped), "map", True, False, 2)


def _over(node: Loop, source: Value) -> Loop:
    """The same loop, as a `map` over a value that is already computed."""
    known = _Known(node.source.start, node.source.end)
    known.value = source
    return Loop(node.start, node.end, "map", node.macro, known, node.first, None, None, node.body)


class _Known(Node):
    __slots__ = ("value",)
    value: Value


def known(g: Generator, node: _Known) -> Value:
    del g
    return node.value


def _transform_map(g: Generator, node: Loop) -> Value:
    frame = _Frame(g, node)
    result, block, value = _build(g, frame, py.Dict(keys=[], values=[]))
    put = py.Assign(
        targets=[py.Subscript(value=emit.name(result), slice=emit.name(frame.first), ctx=emit.STORE)],
        value=value.node,
    )
    g.block.append(frame.each(_filtered(g, frame, [*block, put])))
    return Value(emit.name(result), "map", False, False)


def _transform_map_entry(g: Generator, node: Loop) -> Value:
    frame = _Frame(g, node)
    result, block, value = _build(g, frame, py.Dict(keys=[], values=[]))
    with g.scope({}):
        merge = emit.statement(emit.call("_merge", emit.name(result), g.metered(value.node)))
    g.block.append(frame.each(_filtered(g, frame, [*block, merge])))
    return Value(emit.name(result), "map", False, False)


_KINDS = {
    "all": _quantifier,
    "exists": _quantifier,
    "exists_one": _exists_one,
    "map": _map,
    "sort_by": _sort_by,
    "group_by": _group_by,
    "transform_map": _transform_map,
    "transform_map_entry": _transform_map_entry,
}


# -- bindings


def bind(g: Generator, node: Bind) -> Value:
    """`cel.bind`: the value is computed once; its error counts only where the variable is used."""
    block, value = g.captured(node.value, blocks=1)
    variable, error = g.variable(node.name), ""
    assigned = [*block, emit.assign(variable, value.node)]
    if value.fallible or block:
        error = g.temporary("error")
        caught = g.temporary("caught")
        g.block += [
            emit.assign(error, emit.constant(None)),
            emit.attempt(assigned, caught, [*g.caught(caught), emit.assign(error, emit.name(caught))]),
        ]
    else:
        g.block += assigned
    with g.scope({node.name: Local(variable, value.kind, value.is_settled, error, value.made)}):
        body = g.value(node.body)
    # A bound value may be used many times, so that the result can be exponentially large as JSON.
    return (
        Value(
            body.node, body.kind, body.fallible, body.is_settled and body.kind not in {"list", "map", "dyn"}, body.depth
        )
        .sharing(body)
        .of(body)
    )


def optional_map(g: Generator, node: OptionalMap) -> Value:
    macro = "optFlatMap" if node.flat else "optMap"
    target = g.value(node.target)
    source, result, variable = g.temporary(), g.temporary(), g.variable(node.name)
    g.block.append(emit.assign(source, emit.call("_optional_target", target.node, emit.constant(macro))))
    with g.scope({node.name: Local(variable)}, repeats=0):
        block, body = g.captured(node.body)
    value = emit.call("_unwrap", body.node) if node.flat else emit.call("_optional", body.node)
    then = [
        emit.assign(variable, emit.attribute(emit.name(source), "value")),
        *block,
        emit.assign(result, value),
    ]
    present = emit.attribute(emit.name(source), "present")
    g.block.append(emit.when(present, then, [emit.assign(result, emit.name("_none"))]))
    return Value(emit.name(result), "optional", False, False).sharing(body)
