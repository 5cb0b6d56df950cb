"""What may stand at a place of an expression, and what stands there: for somebody who is writing it.

Two things are known of the values: what the flow says of them (`octo.config.inference`), and a message that has come
already. Nothing here raises for an expression that is not finished yet: it is about such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from octo.core.expressions import Build
from octo.core.message import Message
from octo.expr import ExprError, Function, Scope, compile as compile_, library, settle
from octo.expr.lexer import Token, tokens
from octo.expr.macros import MACROS
from octo.expr.shape import STRING, TIMESTAMP, UNKNOWN, Shape, infer
from octo.expr.shape.values import described, objects
from octo.expr.sketch import sketch
from octo.expr.values import kind_of

Answer = dict[str, object]

MOST_ITEMS = 500
_LOOPS = frozenset(name for name in MACROS if name != "has")
_OPENS = {")": "(", "]": "[", "}": "{"}
_ENDS = frozenset(("name", "quoted", "string", "bytes", "int", "uint", "double", ")", "]", "}"))
"""What an operand may end with."""
_ABOUT = {
    "body": "The body of the message.",
    "vars": "The variables of the message.",
    "env": "The variables of the environment that the configuration declares.",
    "eventID": "The id of the message.",
    "correlationID": "The id that the message shares with those it led to.",
    "now": "The time of the evaluation.",
}


class Known(NamedTuple):
    """What is known of a value. sample: one that it had, in a list; or nothing."""

    shape: Shape = UNKNOWN
    sample: tuple[Any, ...] = ()

    @property
    def kind(self) -> str:
        if self.shape.kinds:
            return described(self.shape).removeprefix("a ").removeprefix("an ")
        return kind_of(self.sample[0]) if self.sample else ""

    def fields(self) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for each in objects(self.shape):
            for name, shape in each.fields.items():
                found[name] = Known(shape)
        for value in self.sample:
            if isinstance(value, Mapping):
                found |= {name: Known(found.get(name, _NOTHING).shape, (each,)) for name, each in value.items()}
        return found

    def element(self) -> Known:
        """What a macro goes over: the elements of a list, the keys of a map."""
        if self.shape.kinds == frozenset(("map",)) or (self.sample and isinstance(self.sample[0], Mapping)):
            return Known(STRING, tuple(next(iter([*self.sample[:1]]), {}))[:1])
        values = self.sample[0] if self.sample and isinstance(self.sample[0], list) else []
        return Known(self.shape.element, tuple(values[:1]))


_NOTHING = Known()


class Names(NamedTuple):
    """The names of an expression, and the message that it would see."""

    known: Mapping[str, Known]
    scope: Scope
    arguments: Sequence[object]

    def of(self, text: str) -> Known:
        """What is known of a part of the expression."""
        shape: Shape = UNKNOWN
        with suppress(ExprError, RecursionError):
            shape = infer(text, {name: each.shape for name, each in self.known.items()}).shape
        sample: tuple[Any, ...] = ()
        if self.arguments:
            with suppress(ExprError, RecursionError):
                sample = (settle(compile_(text, self.scope)(*self.arguments)),)
        return Known(shape, sample)

    def having(self, name: str, value: Known) -> Names:
        """The names inside of a macro that gives one to a value."""
        if not self.arguments:
            return self._replace(known={**self.known, name: value})
        fields = {slot: getattr(self.scope, slot) for slot in Scope.__slots__}
        number = len(self.scope.parameters)
        has_sample = bool(value.sample)
        fields["parameters"] = (*self.scope.parameters, f"bound{number}") if has_sample else self.scope.parameters
        if has_sample:
            fields["variables"] = {**self.scope.variables, name: f"bound{number}"}
        return Names({**self.known, name: value}, Scope(**fields), (*self.arguments, *value.sample))


def names_of_message(build: Build, body: Shape, variables: Mapping[str, Shape], message: Message | None) -> Names:
    """The names of an expression that sees a message. message: one that has come, if any has."""
    from octo.expr.shape import object_of

    seen = () if message is None else (message,)
    known = {
        "body": Known(body, tuple(each.body for each in seen)),
        "vars": Known(object_of(variables, is_open=True), tuple(dict(each.vars) for each in seen)),
        "env": Known(object_of(dict.fromkeys(_declared(build), STRING))),
        "eventID": Known(STRING),
        "correlationID": Known(STRING),
        "now": Known(TIMESTAMP),
    }
    return Names(known, build.scope(), seen)


def names_given(build: Build, names: Sequence[str]) -> Names:
    """Those of an expression that sees no message."""
    return Names({name: Known() for name in names}, build.scope(tuple(names)), ())


def _declared(build: Build) -> Sequence[str]:
    return tuple(getattr(build, "declared", None) or build.env)


def complete(text: str, offset: int, names: Names) -> Answer:
    """What may stand at the offset, and what does. `from` and `to` are what a choice replaces."""
    word = _word_at(text, offset)
    nothing: Answer = {"from": offset, "to": offset, "items": []}
    found = _tokens(text[: word.start])
    if found is None:  # inside of a text
        return {**nothing, "hover": None}
    bound = _bound(text, found, names)
    if found and found[-1].kind == ".":
        before = found[:-1]
        operand = _operand(text, before)
        items = _members(operand, bound)
    else:
        operand = ""
        items = _globals(bound)
    written = text[word.start : word.end]
    fitting = sorted(items, key=lambda each: (_distance(each, text[word.start : offset]), _RANK[str(each["kind"])]))
    exact = [each for each in items if each["name"] == written]
    hover = _hover(word, exact) if exact and written else None
    return {"from": word.start, "to": word.end, "items": fitting[:MOST_ITEMS], "hover": hover}


_RANK = {"field": 0, "variable": 0, "macro": 1, "function": 2}


def _distance(item: Answer, prefix: str) -> int:
    """Whether the name begins with what is written, has it in it, or neither."""
    name = str(item["name"])
    if name.startswith(prefix):
        return 0
    return 1 if prefix.lower() in name.lower() else 2


def _hover(word: _Word, found: Sequence[Answer]) -> Answer:
    return {"from": word.start, "to": word.end, **found[0]}


class _Word(NamedTuple):
    start: int
    end: int


def _word_at(text: str, offset: int) -> _Word:
    start = end = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return _Word(start, end)


def _tokens(text: str) -> list[Token] | None:
    try:
        return tokens(text)[:-1]
    except ExprError:
        return None


# --- what stands before ------------------------------------------------------------------------------------------


def _operand(text: str, found: list[Token]) -> str:
    """The text of the operand that ends with the last token, "" if there is none."""
    at = _operand_start(found)
    return text[found[at].start : found[-1].end] if at is not None else ""


def _operand_start(found: list[Token]) -> int | None:
    index = len(found) - 1
    if index < 0 or found[index].kind not in _ENDS:
        return None
    while True:
        kind = found[index].kind
        if kind in _OPENS:
            opened = _opening(found, index)
            if opened is None:
                return None
            index = opened
            follows = index > 0 and found[index - 1].kind in _ENDS
            if follows and (kind == "]" or (kind == ")" and found[index - 1].kind == "name")):
                index -= 1
                continue
        if index > 1 and found[index - 1].kind == "." and found[index - 2].kind in _ENDS:
            index -= 2
            continue
        return index


def _opening(found: list[Token], close: int) -> int | None:
    depth = 0
    for index in range(close, -1, -1):
        depth += (found[index].kind in _OPENS) - (found[index].kind in _OPENS.values())
        if not depth:
            return index
    return None


def _bound(text: str, found: list[Token], names: Names) -> Names:
    """The names, with those that the macros around the place give: `i` in `body.items.map(i, i.`."""
    opened: list[int] = []
    for index, token in enumerate(found):
        if token.kind in _OPENS.values():
            opened.append(index)
        elif token.kind in _OPENS and opened:
            opened.pop()
    for index in opened:
        is_macro = (
            found[index].kind == "("
            and index > 2
            and found[index - 1].value in _LOOPS
            and found[index - 2].kind == "."
            and len(found) > index + 2
            and found[index + 1].kind == "name"
            and found[index + 2].kind == ","
        )
        if is_macro:
            over = names.of(_operand(text, found[: index - 2]))
            names = names.having(str(found[index + 1].value), over.element())
    return names


# --- what may stand there ----------------------------------------------------------------------------------------


def _members(operand: str, names: Names) -> list[Answer]:
    """Fields and functions of a value; or, behind the name of a family such as `math`, its functions."""
    if not operand:
        return []
    family = [each for each in library() if each.name.startswith(f"{operand}.")]
    if family and operand not in names.known:
        return [_function(each, each.name.removeprefix(f"{operand}.")) for each in _first(family)]
    known = names.of(operand)
    fields = [_value(name, each, "field") for name, each in known.fields().items()]
    kinds = _kinds(known)
    functions = [each for each in _first(library()) if each.name[:1].isalpha() and _is_member(each, kinds)]
    macros = [_macro(name) for name in MACROS if MACROS[name].usage.startswith("x.") and kinds & _LOOPED]
    return [*fields, *macros, *(_function(each, each.name) for each in functions)]


_LOOPED = frozenset(("list", "map", "optional", "dyn"))


def _kinds(known: Known) -> frozenset[str]:
    """The kinds that the value may have; `dyn` for any."""
    if known.sample:
        return frozenset((kind_of(known.sample[0]),))
    return known.shape.kinds or frozenset(("dyn",))


def _is_member(function: Function, kinds: frozenset[str]) -> bool:
    receivers = {each.parameters[0].kind for each in function.overloads if each.member}
    return bool(receivers) and ("dyn" in kinds or bool(receivers & {*kinds, "dyn"}))


def _globals(names: Names) -> list[Answer]:
    variables = [_value(name, each, "variable", _ABOUT.get(name, "")) for name, each in names.known.items()]
    plain = (each for each in _first(library()) if any(not one.member for one in each.overloads))
    functions = [_function(each, each.name) for each in plain if each.name[:1].isalpha()]
    macros = [_macro(name) for name, each in MACROS.items() if not each.usage.startswith("x.")]
    return [*variables, *macros, *functions]


def _first(functions: Sequence[Function]) -> Iterator[Function]:
    """The functions, each name once."""
    seen: set[str] = set()
    for each in functions:
        if each.name not in seen:
            seen.add(each.name)
            yield each


def _value(name: str, known: Known, kind: str, about: str = "") -> Answer:
    sample = sketch(known.sample[0]) if known.sample else ""
    return {"kind": kind, "name": name, "type": known.kind, "doc": about, "signatures": [], "sample": sample}


def _function(function: Function, name: str) -> Answer:
    signatures = [text for each in library() if each.name == function.name for text in each.signatures]
    return {
        "kind": "function",
        "name": name,
        "type": str(function.overloads[0].result),
        "doc": function.doc,
        "signatures": signatures,
        "sample": next(iter(function.examples), ""),
    }


def _macro(name: str) -> Answer:
    each = MACROS[name]
    sample = next(iter(each.examples), "")
    return {
        "kind": "macro",
        "name": name,
        "type": "",
        "doc": each.doc,
        "signatures": [each.usage],
        "sample": sample,
    }
