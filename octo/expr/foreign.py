"""Functions of installed packages: Python functions whose annotations say what they take and return.

The composition root says where to look (`extra_functions`). The search starts only when an expression uses a name that
is not declared, so that a start without such functions does not pay for it. Only the function that is needed is
imported. Its results are checked: generated code relies on kinds, and the annotations of a third party may be wrong.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Final, get_args, get_origin

from octo.expr.errors import BAD_FUNCTION, FAILED, ExprError
from octo.expr.function import Function
from octo.expr.signature import parse_signature
from octo.expr.values import INT_MAX, INT_MIN, Duration, Timestamp, a, kind_of

Loaders = Mapping[str, Callable[[], object]]
"""For each CEL name, a function that loads what the name stands for."""

_TYPES: Final[dict[object, str]] = {
    str: "string",
    bool: "bool",
    int: "int",
    float: "double",
    bytes: "bytes",
    list: "list",
    dict: "map",
    NoneType: "null",
    None: "null",
    Timestamp: "timestamp",
    Duration: "duration",
    object: "dyn",
    Any: "dyn",
}


class _Search:
    """How to find functions, and what was found. It searches once."""

    def __init__(self, find: Callable[[], Loaders]) -> None:
        self.find = find
        self.loaders: Loaders | None = None
        self.loaded: dict[str, Function] = {}

    def get(self, name: str) -> Function | None:
        if self.loaders is None:
            self.loaders = self.find()
        if name not in self.loaded and name in self.loaders:
            self.loaded[name] = load(name, self.loaders[name])
        return self.loaded.get(name)

    def names(self) -> list[str]:
        if self.loaders is None:
            self.loaders = self.find()
        return list(self.loaders)


_search = _Search(dict)


def extra_functions(find: Callable[[], Loaders]) -> None:
    """Set how to find the functions of installed packages, e.g. among their entry points. The last call counts."""
    global _search  # noqa: PLW0603 - there is one set of installed packages in a process
    _search = _Search(find)


def extra(name: str) -> Function | None:
    """The function of an installed package, or None. Raises ExprError when it exists but cannot be used."""
    return _search.get(name)


def extra_names() -> list[str]:
    """The names of all functions of installed packages; none is imported for this."""
    return _search.names()


def load(name: str, loader: Callable[[], object]) -> Function:
    """Import a function and return it as a CEL function."""
    try:
        found = loader()
    except Exception as error:
        raise ExprError(BAD_FUNCTION, f"the function {name} cannot be imported: {error}") from error
    if isinstance(found, Function):
        return _guarded(_named(name, found))
    from inspect import iscoroutinefunction

    if not callable(found) or iscoroutinefunction(found):
        kind = "a coroutine function" if callable(found) else type(found).__name__
        raise ExprError(BAD_FUNCTION, f"the function {name} is {kind}", hint="A plain Python function is needed")
    doc = " ".join((found.__doc__ or "").split())
    return _guarded(Function(name, found, signatures_of(name, found), doc, "custom", pure=False))


def _named(name: str, found: Function) -> Function:
    if found.name != name:
        raise ExprError(BAD_FUNCTION, f"the function {name} calls itself {found.name}", hint="Both must be the same")
    return found


# -- signatures


def signatures_of(name: str, call: Callable[..., Any]) -> tuple[str, ...]:
    """The CEL signatures of an annotated function: one, and one more for each argument with a default."""
    import inspect

    try:
        signature = inspect.signature(call, eval_str=True)
    except (ValueError, NameError, TypeError) as error:
        raise ExprError(BAD_FUNCTION, f"the function {name} has no signature: {error}") from error
    result = _type(name, "its result", signature.return_annotation)
    texts: list[str] = []
    taken: list[str] = []
    for each in signature.parameters.values():
        if each.kind in {each.KEYWORD_ONLY, each.VAR_KEYWORD}:
            if each.kind is each.VAR_KEYWORD or each.default is not each.empty:
                continue
            raise ExprError(BAD_FUNCTION, f"the function {name} needs {each.name} by keyword, which CEL lacks")
        if each.default is not each.empty or each.kind is each.VAR_POSITIONAL:
            texts.append(f"{name}({', '.join(taken)}) -> {result}")
        dots = "..." if each.kind is each.VAR_POSITIONAL else ""
        taken.append(_type(name, each.name, each.annotation) + dots)
    return (*texts, f"{name}({', '.join(taken)}) -> {result}")


def _type(name: str, what: str, annotation: Any) -> str:
    kind = _TYPES.get(get_origin(annotation) or annotation) if _is_hashable(annotation) else None
    if kind is not None:
        return kind
    if get_args(annotation):
        return "dyn"  # a union, or something else that only the function itself can check
    shown = getattr(annotation, "__name__", annotation)
    shown = "missing" if shown == "_empty" else shown
    hint = "CEL knows str, int, float, bool, bytes, list, dict, None and object"
    raise ExprError(BAD_FUNCTION, f"the function {name}: the type of {what} is {shown}", hint=hint)


def _is_hashable(annotation: Any) -> bool:
    try:
        hash(annotation)
    except TypeError:
        return False
    return True


# -- results


def _guarded(function: Function) -> Function:
    """The same function, failing when a result is not of a kind that its signatures promise."""
    promised = {parse_signature(text).result.kind for text in function.signatures}

    def call(*arguments: Any) -> Any:
        value = function.call(*arguments)
        kind = kind_of(value)
        if kind == "int" and promised == {"double"}:
            return float(value)
        if kind == "int" and not INT_MIN <= value <= INT_MAX:
            raise ExprError(FAILED, f"{function.name} returned an int of more than 64 bits")
        if kind in promised or ("dyn" in promised and not kind.startswith("Python ")):
            return value
        raise ExprError(FAILED, f"{function.name} returned {a(kind)}, it promised {' or '.join(sorted(promised))}")

    return Function(
        function.name,
        call,
        function.signatures,
        function.doc,
        function.family,
        function.examples,
        function.pure,
        function.cost,
    )
