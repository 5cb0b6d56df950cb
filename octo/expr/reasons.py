"""Why an expression has its value: what every piece came to, and which pieces decided."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple

from octo.expr import nodes
from octo.expr.environment import environment
from octo.expr.errors import TOO_COMPLEX, ExprError
from octo.expr.generate import generate
from octo.expr.generate.witness import Outcome, Pieces, Record, Round, Witness
from octo.expr.nodes import Node, children
from octo.expr.parser import parse
from octo.expr.program import Failure, link
from octo.expr.scope import Scope
from octo.expr.sketch import ROOM, sketch

State = Literal["value", "error", "skipped", "step", "more"]


class Why(NamedTuple):
    """A piece of an expression and what it came to.

    state: `value`; `error`, with the error on the piece where it arose and None on the pieces around it; `skipped` for
    a piece that was not evaluated; `step` for one round of a loop, whose text names the variables; `more` for rounds
    that are left out.
    decides: whether this piece alone decided the value of the piece it is in.
    """

    text: str
    state: State
    value: Any = None
    error: ExprError | None = None
    decides: bool = False
    children: tuple["Why", ...] = ()

    def __str__(self) -> str:
        return self.render()

    def render(self, conceal: Callable[[str], str] | None = None) -> str:
        """The tree as text for the terminal; `conceal` replaces texts that must not be shown."""
        return "\n".join(_lines(self, conceal or str, "", ""))

    def walk(self) -> Iterator["Why"]:
        """Yield the piece itself and all pieces in it."""
        yield self
        for child in self.children:
            yield from child.walk()


def _lines(why: Why, conceal: Callable[[str], str], first: str, later: str) -> Iterator[str]:
    yield f"{first}{_short(conceal(why.text))}{_outcome(why, conceal)}{'  ◀ decides' if why.decides else ''}"
    for child in why.children:
        is_last = child is why.children[-1]
        yield from _lines(child, conceal, later + ("└─ " if is_last else "├─ "), later + ("   " if is_last else "│  "))


def _short(text: str) -> str:
    line = re.sub(r"\s+", " ", text)
    return line if len(line) <= ROOM else f"{line[: ROOM - 1]}…"


def _outcome(why: Why, conceal: Callable[[str], str]) -> str:
    match why.state:
        case "value":
            return f"  → {sketch(why.value, conceal=conceal)}"
        case "error":
            return f"  ✗ {conceal(str(why.error))}" if why.error else "  ✗"
        case "skipped":
            return "  – not evaluated"  # noqa: RUF001 - a dash, not a minus
        case "step":
            return f"{sketch(why.value, conceal=conceal)}"
        case _:
            return ""


def explain(text: str, scope: Scope, *arguments: Any) -> Why:
    """Evaluate `text` and return what each piece came to. Raises ExprError only when it cannot be built."""
    tree = parse(text)
    pieces = Pieces(tree)
    try:
        generated = generate(text, tree, environment(scope), partial(Witness, pieces))
    except (RecursionError, MemoryError):
        raise ExprError(TOO_COMPLEX, "the expression is too complex", text=text) from None
    record = Record(pieces, Failure(text, generated.selections).explain)
    reports = {"_saw": record.saw, "_stepped": record.stepped, "_failed": record.failed, "_failure": record.failed}
    failure = None
    try:
        link(text, scope, generated, **reports)(*arguments)
    except ExprError as error:
        failure = error
    why = _Teller(text, pieces).tell(tree, record.top)
    if failure is not None and not any(each.error for each in why.walk()):
        return why._replace(state="error", error=failure)
    return why


class _Teller:
    """Reads a record along the tree of the expression."""

    def __init__(self, text: str, pieces: Pieces) -> None:
        self.text = text
        self.pieces = pieces

    def tell(self, node: Node, within: Round, *, decides: bool = False) -> Why:
        number = self.pieces.number(node)
        outcome = within.outcomes.get(number)
        if outcome is None and number in self.pieces.known:
            outcome = Outcome(self.pieces.known[number])
        found = () if outcome is not None and outcome.error is None and _is_path(node) else self.inside(node, within)
        text = self.text[node.start : node.end]
        if outcome is not None:
            state: State = "error" if outcome.error else "value"
            return Why(text, state, outcome.value, outcome.error, decides, found)
        if any(child.state == "error" or _has_failed(child) for child in found):
            return Why(text, "error", decides=decides, children=found)
        return Why(text, "skipped", decides=decides)

    def inside(self, node: Node, within: Round) -> tuple[Why, ...]:
        match node:
            case nodes.Logic():
                return self.operands(node, within)
            case nodes.Conditional():
                return self.branches(node, within)
            case nodes.Loop():
                return (self.tell(node.source, within), *self.rounds(node, within))
            case nodes.Has():
                return self.inside(node.select, within)
        told = [self.tell(each, within) for each in children(node) if not isinstance(each, nodes.Literal)]
        # The name of a family, such as `math` in `math.abs`, has no value of its own.
        is_call = isinstance(node, nodes.Call) and isinstance(node.target, nodes.Name)
        return tuple(told[1:] if is_call and told and told[0].state == "skipped" else told)

    def operands(self, node: nodes.Logic, within: Round) -> tuple[Why, ...]:
        settles = node.operator == "||"
        told: list[Why] = []
        decided = False
        for each in node.operands:
            why = Why(self.text[each.start : each.end], "skipped") if decided else self.tell(each, within)
            decided = decided or (why.state == "value" and why.value is settles)
            told.append(why._replace(decides=decided and not any(other.decides for other in told)))
        return tuple(told)

    def branches(self, node: nodes.Conditional, within: Round) -> tuple[Why, ...]:
        condition = self.tell(node.condition, within)
        decides = condition.state == "value"
        told = [condition._replace(decides=decides)]
        for each, wanted in ((node.then, True), (node.otherwise, False)):
            is_taken = decides and condition.value is wanted
            told.append(self.tell(each, within) if is_taken else Why(self.text[each.start : each.end], "skipped"))
        return tuple(told)

    def rounds(self, node: nodes.Loop, within: Round) -> Iterator[Why]:
        rounds = within.loops.get(self.pieces.number(node.body))
        if rounds is None:
            return
        outcome = within.outcomes.get(self.pieces.number(node))
        decided = outcome is not None and outcome.value is (node.kind == "exists") and node.kind in {"all", "exists"}
        for number, step in enumerate(rounds.kept):
            is_last = number == len(rounds.kept) - 1
            if is_last and rounds.count > len(rounds.kept):
                yield Why(f"… {rounds.count - len(rounds.kept)} more", "more")
            yield self.step(node, step, decides=decided and is_last)

    def step(self, node: nodes.Loop, step: Round, *, decides: bool) -> Why:
        names = ", ".join(name for name in (node.first, node.second) if name)
        value = step.variables[0] if len(step.variables) == 1 else list(step.variables)
        parts = [node.condition] if node.macro == "filter" else [node.condition, node.body]
        told = tuple(
            self.tell(each, step) for each in parts if each is not None and not isinstance(each, nodes.Literal)
        )
        return Why(f"{names} = ", "step", value, decides=decides, children=told)


def _is_path(node: Node) -> bool:
    """Whether it is a name, or a selection from one. When that succeeds, its parts add nothing."""
    while isinstance(node, nodes.Select) or (isinstance(node, nodes.Index) and isinstance(node.index, nodes.Literal)):
        node = node.operand
    return isinstance(node, (nodes.Name, nodes.Literal))


def _has_failed(why: Why) -> bool:
    return why.state == "step" and any(child.state == "error" for child in why.children)
