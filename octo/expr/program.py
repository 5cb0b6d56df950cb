"""Compiled expressions, and how their failures become messages."""

import re
from builtins import eval as evaluate
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from types import FrameType, TracebackType
from typing import Any
from weakref import WeakValueDictionary

from octo.expr import cost, guesses, limits, runtime
from octo.expr.environment import environment
from octo.expr.errors import FAILED, NO_SUCH_OVERLOAD, OUT_OF_BOUNDS, OVERFLOW, TOO_COMPLEX, ExprError
from octo.expr.functions.lists import group_by, sort_by
from octo.expr.generate import Generated, generate
from octo.expr.generate.audit import violations
from octo.expr.generate.core import Selection
from octo.expr.generate.generator import FILE
from octo.expr.parser import parse
from octo.expr.scope import Scope
from octo.expr.values import KINDS, NONE, Optional, a, elements, item, kind_of, no_such_key, peek

CACHED = 4096
"""Programs that are kept although nobody uses them. Those in use are kept besides: see `_used`."""

# All the builtins of generated code: it has none of Python's own besides these.
_BUILTINS: dict[str, Any] = {
    **{each.__name__: each for each in (bool, int, float, str, bytes, list, dict, len, Exception)},
    **{
        f"_{each.__name__}": each
        for each in (
            runtime.add,
            runtime.subtract,
            runtime.multiply,
            runtime.divide,
            runtime.divide_whole,
            runtime.modulo,
            runtime.add_strict,
            runtime.subtract_strict,
            runtime.multiply_strict,
            runtime.divide_strict,
            runtime.modulo_strict,
            runtime.negate,
            runtime.invert,
            runtime.not_bool,
            runtime.equal,
            runtime.not_equal,
            runtime.within,
            runtime.has,
            runtime.reach,
            runtime.make_map,
            runtime.merge,
            runtime.unwrap,
            runtime.iterable,
            runtime.pairs,
            runtime.reraise,
            runtime.fail,
            runtime.overflow,
            runtime.concat,
            limits.exhausted,
            limits.too_long,
            cost.weight,
            cost.size,
            cost.part,
            cost.repeated,
            cost.scan,
            runtime.equal_metered,
            runtime.within_metered,
            item,
            peek,
        )
    },
    "_less": runtime.less,
    "_less_equal": runtime.less_equal,
    "_greater": runtime.greater,
    "_greater_equal": runtime.greater_equal,
    "_optional_target": runtime.optional_map_target,
    "_optional": Optional,
    "_stopped": (Exception, limits.Exhausted),
    "_sort_by": sort_by,
    "_group_by": group_by,
    "_none": NONE,
    "_sized": frozenset((str, bytes, list, dict)),
}


class Program:
    """An expression ready to run. `function` is the Python function it became: call it directly where speed matters.

    dropped: the offsets of the integer divisions that may drop a remainder.
    """

    __slots__ = ("__weakref__", "dropped", "function", "is_constant", "is_settled", "kind", "names", "scope", "text")

    def __init__(self, text: str, scope: Scope, generated: Generated) -> None:
        self.text = text
        self.scope = scope
        self.kind = generated.value.kind
        self.is_settled = generated.value.is_settled
        self.names = generated.names
        self.dropped = generated.dropped
        self.is_constant = not generated.names and generated.is_pure
        self.function: Callable[..., Any] = link(text, scope, generated)

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __repr__(self) -> str:
        return f"Program({self.text!r})"

    @property
    def source(self) -> str:
        """The generated code as Python text, for people to read."""
        from ast import unparse

        return unparse(generate(self.text, parse(self.text), environment(self.scope)).module)


def compile(text: str, scope: Scope) -> Program:  # noqa: A001 - it is what it does, and the name of the API
    """Build the expression `text`. Raises ExprError, with a position, when anything is wrong with it.

    A program that is in use is returned again, so a reload compiles only what its edit changed.
    """
    return _compile(text, scope)


_used: WeakValueDictionary[tuple[str, Scope], Program] = WeakValueDictionary()
"""The programs that somebody holds. A bounded cache alone would be of no use to a configuration larger than it: each
reload walks the expressions in the same order, and the one that it asks for is always the one just dropped."""


@lru_cache(maxsize=CACHED)
def _compile(text: str, scope: Scope) -> Program:
    found = _used.get((text, scope))
    if found is None:
        found = _used[text, scope] = _built(text, scope)
    return found


def _built(text: str, scope: Scope) -> Program:
    try:
        return Program(text, scope, generate(text, parse(text), environment(scope)))
    except (RecursionError, MemoryError):
        raise ExprError(TOO_COMPLEX, "the expression is too complex", text=text) from None


def link(text: str, scope: Scope, generated: Generated, **more: object) -> Callable[..., Any]:
    """The Python function of a translation. `more` holds names that its code uses besides the usual ones.

    Raises ExprError if the translation is not as it must be, which only a fault in the generator can cause.
    """
    found = violations(generated, scope, (*_BUILTINS, *more))
    if found:
        hint = "This is a fault of Octo, not of the expression: please report it"
        raise ExprError(TOO_COMPLEX, f"the translation of the expression has {found[0]}", hint=hint, text=text)
    names: dict[str, Any] = {
        "__builtins__": _BUILTINS,
        **scope.globals,
        **generated.constants,
        "_failure": Failure(text, generated.selections),
        **more,
    }
    exec(generated.compile(), names)  # noqa: S102 - built node by node from a checked tree, see generate/
    function: Callable[..., Any] = names["expression"]
    return function


class Failure:
    """Turns the exception that stopped an evaluation into an ExprError with a position and, if possible, a hint."""

    __slots__ = ("selections", "text")

    def __init__(self, text: str, selections: dict[tuple[int, int], Selection]) -> None:
        self.text = text
        self.selections = selections

    def __call__(self, error: BaseException) -> ExprError:
        return self.explain(error)[1]

    def explain(self, error: BaseException) -> tuple[tuple[int, int], ExprError]:
        """The span of the piece that failed, and the error to show."""
        start, end, frame = _origin(error.__traceback__)
        selection = self.selections.get((start, end))
        explained = _explain(error, selection, frame).locate(self.text, start)
        # Our own frames are of no use to the author of the expression.
        explained.__suppress_context__ = True
        return (start, end), explained


def _origin(traceback: TracebackType | None) -> tuple[int, int, FrameType | None]:
    """Where in the expression the error arose, from the innermost frame of generated code, and that frame."""
    found = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILE:
            found = traceback
        traceback = traceback.tb_next
    if found is None:
        return 0, 0, None
    code, instruction = found.tb_frame.f_code, found.tb_lasti // 2
    _, _, start, end = next(islice(code.co_positions(), instruction, None), (None, None, None, None))
    return start or 0, end or 0, found.tb_frame


def _explain(error: BaseException, selection: Selection | None, frame: FrameType | None) -> ExprError:
    if isinstance(error, ExprError):
        fresh = ExprError(error.code, error.message, hint=error.hint)
        fresh.__cause__ = error.__cause__
        return fresh
    if isinstance(error, limits.Exhausted):
        return error.explain()
    if selection is not None and isinstance(error, (LookupError, TypeError)):
        return _explain_selection(error, selection, frame)
    if isinstance(error, TypeError):
        return ExprError(NO_SUCH_OVERLOAD, _translate(str(error)))
    return _explain_host(error)


def _explain_host(error: BaseException) -> ExprError:
    """The error for an exception of Python itself or of a third party's function."""
    if isinstance(error, OverflowError) or "integer string conversion" in str(error):
        return ExprError(OVERFLOW, "a number is too large")
    if isinstance(error, RecursionError):
        return ExprError(FAILED, "the value is nested too deeply")
    if isinstance(error, MemoryError):
        return ExprError(FAILED, "not enough memory")
    failed = ExprError(FAILED, f"evaluation failed: {str(error) or type(error).__name__}")
    failed.__cause__ = error
    return failed


def _explain_selection(error: BaseException, selection: Selection, frame: FrameType | None) -> ExprError:
    field = selection.key
    found, operand = _operand(selection, frame)
    if isinstance(error, IndexError):
        size = f": the list has {elements(len(operand))}" if found and isinstance(operand, list) else ""
        return ExprError(OUT_OF_BOUNDS, f"index {field} is out of bounds{size}")
    if isinstance(error, KeyError):
        return no_such_key(error.args[0], operand)
    kind = kind_of(operand) if found else _kind_in(str(error))
    hint = guesses.of_field(field) if isinstance(field, str) else ""
    return ExprError(NO_SUCH_OVERLOAD, f"cannot select {field!r} of {a(kind)}", hint=hint)


def _operand(selection: Selection, frame: FrameType | None) -> tuple[bool, Any]:
    """Whether the value that a field was selected from can be read again in the frame that failed, and the value."""
    if selection.path is None or frame is None:
        return False, None
    root, keys = selection.path
    try:
        value = evaluate(root, frame.f_globals, frame.f_locals)  # noqa: S307 - a path of our own making
        for key in keys:
            value = value[key]
    except Exception:  # noqa: BLE001 - this only adorns a message
        return False, None
    return True, value


_PYTHON_KINDS = {
    **{cls.__name__: kind for cls, kind in KINDS.items()},
    "string": "string",
    "byte": "bytes",
    "NoneType": "null",
}


def _kind_in(message: str) -> str:
    """The CEL kind named in the message of a Python TypeError."""
    word = re.match(r"'?(\w+)'? (?:object|indices)", message)
    return _PYTHON_KINDS.get(word[1], "value") if word else "value"


def _translate(message: str) -> str:
    """Python's message about a failed comparison, in the terms of CEL."""
    words = re.match(r"'(\W+)' not supported between instances of '(\w+)' and '(\w+)'", message)
    if words is None:
        return "no such overload"
    left, right = (_PYTHON_KINDS.get(word, word) for word in words.group(2, 3))
    return f"no such overload: {left} {words[1]} {right}"
