"""How a function enters the language: as a typed Python function with CEL signatures, a sentence and examples."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from octo.expr.cost import Cost
from octo.expr.errors import NO_SUCH_OVERLOAD, ExprError
from octo.expr.signature import Overload, name_of, parse_signature
from octo.expr.values import kind_of

_USUAL = Cost()
Literal = tuple[int, Callable[[Any], Any]]


class Function:
    """A CEL function. Several may share a name and differ in their signatures.

    signatures: CEL text; `string.charAt(int) -> string` is called on its receiver, `math.abs(int) -> int` is not.
    examples: CEL expressions that are true.
    pure: the result depends on nothing but the arguments.
    cost: what a call costs; by default, in proportion to the size of what it is given.
    literal: an argument that is most often written in the expression: its position, and a function that raises
        ExprError if it cannot be. That is then found when the expression is built.
    """

    def __init__(
        self,
        name: str,
        call: Callable[..., Any],
        signatures: tuple[str, ...],
        doc: str,
        family: str,
        examples: tuple[str, ...] = (),
        pure: bool = True,
        cost: Cost = _USUAL,
    ) -> None:
        self.name = name
        self.call = call
        self.signatures = signatures
        self.doc = doc
        self.family = family
        self.examples = examples
        self.pure = pure
        self.cost = cost
        self.literal: Literal | None = None

    def __repr__(self) -> str:
        return f"Function({self.name!r})"

    @cached_property
    def overloads(self) -> tuple[Overload, ...]:
        return tuple(parse_signature(text) for text in self.signatures)

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


def function(
    *signatures: str,
    family: str = "custom",
    examples: Sequence[str] = (),
    pure: bool = True,
    cost: Cost = _USUAL,
    literal: Literal | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Make the decorated Python function a CEL function; its docstring is its documentation.

    Arguments are checked against the outermost kind of the signature only: for `list(string)`, that it is a list.
    """

    def declare(call: Callable[..., Any]) -> Function:
        doc = " ".join((call.__doc__ or "").split())
        made = Function(name_of(signatures[0]), call, signatures, doc, family, tuple(examples), pure, cost)
        made.literal = literal
        return made

    return declare


Candidate = tuple[Overload, Function]


def dispatcher(name: str, candidates: Sequence[Candidate], strict: bool) -> Callable[..., Any]:
    """A function that calls the candidate its arguments fit, and remembers the choice for their classes."""
    chosen: dict[tuple[type, ...], Callable[..., Any]] = {}

    def dispatch(*arguments: Any) -> Any:
        classes = tuple(map(type, arguments))
        found = chosen.get(classes)
        if found is None:
            found = _choose(name, candidates, arguments, strict)
            if len(chosen) < 512:
                chosen[classes] = found
        return found(*arguments)

    return dispatch


def _choose(name: str, candidates: Sequence[Candidate], arguments: tuple[Any, ...], strict: bool) -> Callable[..., Any]:
    kinds = [kind_of(argument) for argument in arguments]
    for overload, candidate in candidates:
        if overload.accepts(kinds):
            return candidate.call
    if not strict:
        # An int may stand for a double: JSON may write 10.0 as 10.
        for overload, candidate in candidates:
            promoted = [
                "double" if kind in {"int", "uint"} and wanted.name == "double" else kind
                for kind, wanted in zip(kinds, overload.spread(len(kinds)), strict=False)
            ]
            if overload.accepts(promoted):
                return _promoting(candidate.call, promoted)
    raise mismatch(name, candidates, kinds)


def _promoting(call: Callable[..., Any], kinds: Sequence[str]) -> Callable[..., Any]:
    doubles = [kind == "double" for kind in kinds]

    def promote(*arguments: Any) -> Any:
        return call(*[float(value) if double else value for value, double in zip(arguments, doubles, strict=True)])

    return promote


def mismatch(
    name: str, candidates: Sequence[Candidate], kinds: Sequence[str], code: str = NO_SUCH_OVERLOAD
) -> ExprError:
    """The error for arguments that fit no signature; the hint lists the signatures."""
    member = candidates[0][0].member
    applied = f"{kinds[0]}.{name}({', '.join(kinds[1:])})" if member and kinds else f"{name}({', '.join(kinds)})"
    known = list(dict.fromkeys(overload.text for overload, _ in candidates))
    return ExprError(code, f"no such overload: {applied}", hint=f"There is {', '.join(known[:4])}")
