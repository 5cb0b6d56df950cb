"""The types of CEL and the signatures of its functions, parsed from text."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from octo.expr.errors import BAD_LITERAL, ExprError

KIND_NAMES: Final = frozenset(
    (
        *("bool", "int", "uint", "double", "string", "bytes", "null", "list", "map"),
        *("timestamp", "duration", "type", "optional", "dyn", "net.IP", "net.CIDR"),
    )
)


class TypeExpr(NamedTuple):
    """`list(string)` is TypeExpr("list", (TypeExpr("string"),)); a capital letter such as `T` is a type parameter."""

    name: str
    parameters: tuple["TypeExpr", ...] = ()

    def __str__(self) -> str:
        name = "optional_type" if self.name == "optional" else self.name
        return f"{name}({', '.join(map(str, self.parameters))})" if self.parameters else name

    @property
    def kind(self) -> str:
        """The outermost kind; `dyn` for a type parameter."""
        return self.name if self.name in KIND_NAMES else "dyn"


class Overload(NamedTuple):
    """One signature of a function. The receiver of a method is its first parameter."""

    text: str
    name: str
    member: bool
    parameters: tuple[TypeExpr, ...]
    result: TypeExpr
    variadic: bool = False

    def takes(self, count: int) -> bool:
        """Whether the function can be called with `count` arguments, including the receiver."""
        return count >= len(self.parameters) if self.variadic else count == len(self.parameters)

    def spread(self, count: int) -> tuple[TypeExpr, ...]:
        """The parameters for `count` arguments: the last one of a variadic function repeats."""
        return self.parameters + self.parameters[-1:] * (count - len(self.parameters))

    def accepts(self, kinds: Sequence[str]) -> bool:
        """Whether values of these kinds fit; `dyn` fits everything."""
        return self.takes(len(kinds)) and all(
            "dyn" in (kind, wanted.kind) or kind == wanted.kind
            for kind, wanted in zip(kinds, self.spread(len(kinds)), strict=True)
        )


def name_of(signature: str) -> str:
    """The CEL name that a signature declares: `charAt`, `math.abs`."""
    return _split(signature)[1]


def parse_signature(signature: str) -> Overload:
    receiver, name, parameters, result = _split(signature)
    variadic = parameters.endswith("...")
    texts = [receiver] if receiver else []
    texts += _comma_separated(parameters.removesuffix("..."))
    return Overload(
        signature, name, bool(receiver), tuple(parse_type(text) for text in texts), parse_type(result), variadic
    )


def parse_type(text: str) -> TypeExpr:
    name, _, rest = text.strip().partition("(")
    name = {"optional_type": "optional", "null_type": "null"}.get(name, name)
    return TypeExpr(name, tuple(parse_type(part) for part in _comma_separated(rest.removesuffix(")"))))


def _split(signature: str) -> tuple[str, str, str, str]:
    """Receiver (or ""), name, text of the parameters, text of the result."""
    left, arrow, result = signature.partition("->")
    left = left.strip()
    start = _last_group(left)
    if not arrow or start < 0:
        raise ExprError(BAD_LITERAL, f"{signature!r} is not a signature such as 'string.charAt(int) -> string'")
    path, parameters = left[:start], left[start + 1 : -1]
    receiver, _, name = path.rpartition(".")
    # `optional.of` is a plain name; the receiver type is written `optional(T).value`.
    is_type = receiver.endswith(")") or (receiver in KIND_NAMES and receiver != "optional")
    return (receiver, name, parameters, result) if is_type else ("", path, parameters, result)


def _last_group(text: str) -> int:
    """The position of the parenthesis that the end of `text` closes, or -1."""
    level = 0
    for index in range(len(text) - 1, -1, -1):
        level += (text[index] == ")") - (text[index] == "(")
        if level == 0:
            return index if text[index] == "(" else -1
    return -1


def _comma_separated(text: str) -> list[str]:
    parts, level, last = [], 0, 0
    for index, character in enumerate(text):
        level += (character == "(") - (character == ")")
        if character == "," and level == 0:
            parts.append(text[last:index])
            last = index + 1
    parts.append(text[last:])
    return [part.strip() for part in parts if part.strip()]
