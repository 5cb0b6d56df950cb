"""Function calls: which signature is meant, and only those checks at run time that the known kinds leave open."""

import _ast as py
from collections.abc import Callable

from octo.expr import guesses
from octo.expr.cost import Cost, part
from octo.expr.errors import ARGUMENT_COUNT, TYPE_CLASH, UNDECLARED_FUNCTION, ExprError
from octo.expr.function import Candidate, dispatcher, mismatch
from octo.expr.generate import emit, templates
from octo.expr.generate.core import SMALL, Generator, Value, deeper, look
from octo.expr.generate.names import qualified, undeclared
from octo.expr.macros import USAGE
from octo.expr.nearest import nearest
from octo.expr.nodes import Binary, Call, Name
from octo.expr.signature import TypeExpr

_CLASSES = {
    "bool": "bool",
    "int": "int",
    "double": "float",
    "string": "str",
    "bytes": "bytes",
    "list": "list",
    "map": "dict",
}
_WITHOUT_SIZE = SMALL - {"double"}  # one that no double holds has digits
_SETTLED = frozenset(("bool", "int", "string", "bytes", "timestamp", "duration", "null"))
_FOLDED = frozenset(("conversions", "strings", "math", "encoders", "network"))
_GROWN = frozenset(("dyn", "list", "map", "optional"))  # results that a caller could change, or of unknown kind
_GROWING = frozenset(("dyn", "string", "bytes", "list", "map", "optional"))


def call(g: Generator, node: Call) -> Value:
    namespaced = _namespaced(g, node)
    if namespaced is not None:
        return _resolve(g, node, namespaced, False, [g.value(each) for each in node.arguments])
    if node.target is None:
        if not g.environment.candidates(node.name, False):
            raise _undeclared(g, node, node.name, False)  # before its arguments: they may be meant for a macro
        value = _resolve(g, node, node.name, False, [g.value(each) for each in node.arguments])
        if node.name == "int" and isinstance(node.arguments[0], Binary):
            g.dropped.discard(node.arguments[0].anchor)  # the author asks for a whole number
        return value
    if isinstance(node.target, Name) and not _is_variable(g, node.target):
        raise _unknown_namespace(g, node, node.target)
    receiver = g.value(node.target)
    if node.name in {"or", "orValue"} and len(node.arguments) == 1 and node.name not in g.environment.own:
        return _default(g, node, receiver)
    if not g.environment.candidates(node.name, True):
        raise _undeclared(g, node, node.name, True)
    return _resolve(g, node, node.name, True, [receiver, *[g.value(each) for each in node.arguments]])


def _namespaced(g: Generator, node: Call) -> str | None:
    """The full name of a function such as `math.abs`, if the call means one."""
    path = qualified(g, node.target) if node.target is not None else None
    if path is None or g.environment.resolve(path, absolute=False) is not None:
        return None
    name = f"{path}.{node.name}"
    return name if name in g.environment.functions else None


def _is_variable(g: Generator, node: Name) -> bool:
    return node.name in g.locals or g.environment.resolve(node.name, node.absolute) is not None


def _unknown_namespace(g: Generator, node: Call, target: Name) -> ExprError:
    name = f"{target.name}.{node.name}"
    prefixes = {known.partition(".")[0] for known in g.environment.functions if "." in known}
    guess = nearest(name, [known for known in g.environment.functions if "." in known])
    if target.name in prefixes or (guess and guess.endswith(f".{node.name}")):
        hint = f"Did you mean '{guess}'?" if guess else ""
        return g.error(UNDECLARED_FUNCTION, f"undeclared function '{name}'", target.start, hint)
    return undeclared(g, target.name, target.start)


# -- overloads


def _resolve(g: Generator, node: Call, name: str, member: bool, arguments: list[Value]) -> Value:
    candidates = g.environment.candidates(name, member)
    fitting = [each for each in candidates if each[0].takes(len(arguments))]
    if not fitting:
        raise _wrong_count(g, node, name, candidates, len(arguments) - member)
    if name in templates.NAMES and not member and (rendered := templates.resource(g, node, arguments[0])) is not None:
        return rendered
    special = None if name in g.environment.own else _SPECIAL.get((name, member, len(arguments)))
    if special is not None:
        value = special(g, node, arguments)
        if value is not None:
            return value
    return _apply(g, node, name, fitting, arguments)


def _undeclared(g: Generator, node: Call, name: str, member: bool) -> ExprError:
    functions, message = g.environment.functions, f"undeclared function '{name}'"
    if g.environment.candidates(name, not member):
        known = g.environment.candidates(name, not member)[0][0].text
        hint = f"Call it like this: {known}"
    elif name in USAGE:
        hint = f"Write {USAGE[name]}"
    elif name in g.environment.scope.variables and not node.arguments:
        hint = f"'{name}' is a name: write it without parentheses"
    elif not (hint := guesses.of_function(name)):
        if in_family := next((each for each in functions if each.rpartition(".")[2] == name), ""):
            return g.error(UNDECLARED_FUNCTION, message, node.anchor, f"Did you mean '{in_family}'?")
        same = [each for each in functions if bool(g.environment.candidates(each, member))]
        guess = nearest(name, [*same, *functions])
        hint = f"Did you mean '{guess}'?" if guess else ""
    return g.error(UNDECLARED_FUNCTION, message, node.anchor, hint)


def _wrong_count(g: Generator, node: Call, name: str, candidates: list[Candidate], found: int) -> ExprError:
    counts = sorted({len(overload.parameters) - overload.member for overload, _ in candidates})
    wanted = " or ".join(map(str, counts))
    plural = "argument" if counts == [1] else "arguments"
    texts = ", ".join(dict.fromkeys(overload.text for overload, _ in candidates))
    return g.error(ARGUMENT_COUNT, f"{name} takes {wanted} {plural}, found {found}", node.anchor, f"There is {texts}")


def _apply(g: Generator, node: Call, name: str, candidates: list[Candidate], arguments: list[Value]) -> Value:
    kinds = [each.kind for each in arguments]
    fits = [each for each in candidates if each[0].accepts(kinds)]
    if not fits:
        raise mismatch(name, candidates, kinds, TYPE_CLASH).locate(g.text, node.anchor)
    _check_literal(g, node, fits, arguments)
    if not all(function.pure for _, function in fits):
        g.is_pure = False
    folded = _fold(g, fits, arguments)
    if folded is not None:
        return folded
    result_kinds = {overload.result.kind for overload, _ in fits}
    kind = result_kinds.pop() if len(result_kinds) == 1 else "dyn"
    is_settled = all(_is_settled(overload.result) for overload, _ in fits)
    call = _charged(g, name, candidates, fits, arguments, kind)
    value = Value(call, kind, True, is_settled, deeper(*arguments, by=4) if arguments else 2)
    value = value if _dearest(fits).reads else value.sharing(*arguments)
    reads_text = any(each.kind in {"dyn", "string", "bytes"} for each in arguments)  # which may be JSON
    return value if reads_text else value.of(*arguments)


def _check_literal(g: Generator, node: Call, fits: list[Candidate], arguments: list[Value]) -> None:
    overload, function = fits[0]
    if function.literal is None or len(fits) > 1:
        return
    position, check = function.literal
    if arguments[position].is_known:
        try:
            check(arguments[position].constant)
        except ExprError as error:
            raise error.locate(g.text, node.arguments[position - overload.member].start) from None


def _charged(
    g: Generator, name: str, candidates: list[Candidate], fits: list[Candidate], arguments: list[Value], kind: str
) -> py.expr:
    """The call, charged for what it reads and makes where it can be evaluated repeatedly, or is slow."""
    cost = _dearest(fits)
    if cost.is_free or not (g.repeats or cost.is_dear):
        return _direct(g, name, candidates, fits, arguments)
    kept = arguments
    if cost.reads or cost.more:
        kept = [each if each.is_simple else g.keep(each) for each in arguments]
    called = _direct(g, name, candidates, fits, kept)
    if kind in _GROWING:
        # Invariant: a kind is proven for functions of the language and checked for those of packages, not for others.
        proven = "dyn" if name in g.environment.own else kind
        called = g.weighed(called, g.hold(cost.after, "after") if cost.makes else "_weight", proven)
    return g.paid(called, *_before(g, cost, kept))


def _before(g: Generator, cost: Cost, arguments: list[Value]) -> list[py.expr]:
    """`cost.before`, without what is known of the arguments when the expression is built."""
    known = cost.base
    looks: list[py.expr] = []
    for each in arguments if cost.reads else ():
        if each.is_known:
            known += part(each.constant, cost.reads)
        elif each.kind not in _WITHOUT_SIZE:
            looks.append(look(each.node, each.node, each.kind, "_part", cost.reads))
    if cost.more is not None:
        looks.append(emit.call(g.hold(cost.more, "more"), *[each.node for each in arguments]))
    return [emit.constant(known), *looks]


def _dearest(fits: list[Candidate]) -> Cost:
    return max((function.cost for _, function in fits), key=lambda cost: (cost.reads, cost.base))


def _is_settled(result: TypeExpr) -> bool:
    if result.name == "list" and result.parameters:
        return _is_settled(result.parameters[0])
    if result.name == "map" and result.parameters:
        return result.parameters[0].name == "string" and _is_settled(result.parameters[1])
    return result.name in _SETTLED or result.name == "json"


def _direct(
    g: Generator, name: str, candidates: list[Candidate], fits: list[Candidate], arguments: list[Value]
) -> py.expr:
    """A call of the function that fits, after a test of what is not proven; otherwise a call of a dispatcher.

    Of several functions of one name, the first one is tested for: `indexOf` is most often that of texts.
    """
    nodes = [each.node for each in arguments]
    strict = g.environment.scope.strict or any(each.hidden for each in arguments)
    if len(fits) == 1 or len({id(function) for _, function in fits}) > 1:
        overload, function = fits[0]
        wanted = [each.kind for each in overload.spread(len(arguments))]
        unproven = [
            position
            for position, (each, kind) in enumerate(zip(arguments, wanted, strict=True))
            if kind not in {"dyn", each.kind}
        ]
        target = g.hold(function.call, name.replace(".", "_"))
        if not unproven and len(fits) == 1:
            return emit.call(target, *nodes)
        if len(unproven) == 1 and wanted[unproven[0]] in _CLASSES:
            position = unproven[0]
            first, later = g.twice(arguments[position])
            test = emit.is_class(first, _CLASSES[wanted[position]])
            nodes[position] = later
            slow = g.hold(dispatcher(name, candidates, strict), "dispatch")
            return emit.choose(test, emit.call(target, *nodes), emit.call(slow, *nodes))
    return emit.call(g.hold(dispatcher(name, candidates, strict), name.replace(".", "_")), *nodes)


def _fold(g: Generator, fits: list[Candidate], arguments: list[Value]) -> Value | None:
    """The result of a function of literals, as a literal.

    None when the call fails, which is left to fail at run time, and for lists and maps, which each call builds anew.
    """
    if len(fits) != 1 or not all(each.is_known for each in arguments):
        return None
    overload, function = fits[0]
    if not function.pure or function.family not in _FOLDED or overload.result.kind in _GROWN:
        return None
    try:
        result = function.call(*[each.constant for each in arguments])
    except ExprError:
        return None
    is_small = not isinstance(result, (str, bytes)) or len(result) < 1000
    return g.literal(result, overload.result.kind) if is_small else None


def _default(g: Generator, node: Call, receiver: Value) -> Value:
    """`or` and `orValue`: the argument is computed only when the optional holds nothing."""
    if receiver.kind not in {"optional", "dyn"}:
        raise g.clash(f"{node.name} needs an optional, found {receiver.kind}", node.anchor)
    block, default = g.captured(node.arguments[0])
    target = receiver.node
    if receiver.kind == "dyn":
        target = emit.call("_optional_target", target, emit.constant(node.name))
    source, result = g.temporary(), g.temporary()
    here = emit.name(source)
    kept, other, kind = (
        (here, emit.call("_unwrap", default.node), "optional")
        if node.name == "or"
        else (emit.attribute(here, "value"), default.node, "dyn")
    )
    g.block += [
        emit.assign(source, target),
        emit.when(
            emit.attribute(here, "present"),
            [emit.assign(result, kept)],
            [*block, emit.assign(result, other)],
        ),
    ]
    return Value(emit.name(result), kind).sharing(receiver, default)


# -- the most frequent functions, inline


def _dyn(g: Generator, node: Call, arguments: list[Value]) -> Value:
    del node
    # A literal is put into a variable, so that it can be tested like any other value.
    inner = g.keep(arguments[0]) if arguments[0].is_known else arguments[0]
    return (
        Value(
            inner.node,
            "dyn",
            inner.fallible,
            inner.is_settled,
            inner.depth,
            path=inner.path,
            hidden=inner.kind if inner.kind != "dyn" else inner.hidden,
        )
        .sharing(inner)
        .of(inner)
    )


def _size(g: Generator, node: Call, arguments: list[Value]) -> Value | None:
    del node
    value = arguments[0]
    depth = deeper(value, by=3)
    if value.kind in {"string", "bytes", "list", "map"}:
        return Value(emit.call("len", value.node), "int", value.fallible, True, depth)
    if value.kind != "dyn":
        return None
    first, later = g.twice(value)
    is_sized = emit.compare(emit.attribute(first, "__class__"), "in", emit.name("_sized"))
    slow = g.hold(dispatcher("size", g.environment.candidates("size", False), strict=True), "size")
    measured = emit.choose(is_sized, emit.call("len", later), emit.call(slow, later))
    return Value(measured, "int", True, True, depth)


def _string(g: Generator, node: Call, arguments: list[Value]) -> Value | None:
    del node
    value = arguments[0]
    if value.kind != "dyn":
        return None
    first, later = g.twice(value)
    candidates = g.environment.candidates("string", False)
    slow = emit.call(g.hold(dispatcher("string", candidates, strict=True), "string"), later)
    if g.repeats:
        slow = g.paid(slow, emit.call("_scan", later))
    shown = emit.choose(emit.is_class(first, "int"), emit.call("str", later), slow)
    return Value(g.metered(shown, "len"), "string", True, True, deeper(value, by=4))


def _method(python: str) -> Callable[[Generator, Call, list[Value]], Value | None]:
    """A test on strings that Python's str has too."""

    def inline(g: Generator, node: Call, arguments: list[Value]) -> Value | None:
        text, part = arguments
        if part.kind != "string" or text.kind not in {"string", "dyn"} or not part.is_simple:
            return None
        is_costly = g.repeats and (python == "in" or not part.is_known)
        if is_costly and not text.is_simple:
            text = g.keep(text)
        depth = deeper(text, part, by=4)
        first, later = g.twice(text)
        if text.kind == "string":
            test = _apply_method(python, text.node, part.node)
        else:
            candidates = g.environment.candidates(node.name, True)
            slow = g.hold(dispatcher(node.name, candidates, strict=True), node.name)
            fast = _apply_method(python, later, part.node)
            test = emit.choose(emit.is_class(first, "str"), fast, emit.call(slow, later, part.node))
        fallible = text.fallible or part.fallible or text.kind != "string"
        if is_costly:
            return Value(g.charged(test, text if python == "in" else part), "bool", True, True, depth)
        return Value(test, "bool", fallible, True, depth)

    return inline


def _apply_method(python: str, text: py.expr, part: py.expr) -> py.expr:
    if python == "in":
        return emit.compare(part, "in", text)
    return emit.call(emit.attribute(text, python), part)


def _matches(g: Generator, node: Call, arguments: list[Value]) -> Value | None:
    """A literal pattern is compiled when the expression is built, and a bad one is an error then."""
    text, pattern = arguments
    if not isinstance(pattern.constant, str) or text.kind not in {"string", "dyn"}:
        return None
    from octo.expr.functions.regex import matcher, matcher_cost

    try:
        search = g.hold(matcher(pattern.constant), "matches")
    except ExprError as error:
        raise error.locate(g.text, node.arguments[-1].start) from None
    if g.repeats and not text.is_simple:
        text = g.keep(text)
    first, later = g.twice(text)
    test = emit.call(search, later if text.is_simple else first)
    if text.kind != "string":
        candidates = g.environment.candidates("matches", True)
        slow = emit.call(g.hold(dispatcher("matches", candidates, strict=True), "matches"), later, pattern.node)
        test = emit.choose(emit.is_class(first, "str"), emit.call(search, later), slow)
    if g.repeats and not text.is_known:
        cost = emit.call(g.hold(matcher_cost(pattern.constant), "before"), text.node)
        return Value(g.paid(test, cost), "bool", True, True, deeper(text, by=4))
    return Value(test, "bool", True, True, deeper(text, by=4))


_Special = Callable[[Generator, Call, list[Value]], Value | None]

_SPECIAL: dict[tuple[str, bool, int], _Special] = {
    ("dyn", False, 1): _dyn,
    ("string", False, 1): _string,
    ("size", False, 1): _size,
    ("size", True, 1): _size,
    ("startsWith", True, 2): _method("startswith"),
    ("endsWith", True, 2): _method("endswith"),
    ("contains", True, 2): _method("in"),
    ("matches", True, 2): _matches,
    ("matches", False, 2): _matches,
}
