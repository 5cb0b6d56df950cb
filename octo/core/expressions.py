"""Expressions in settings: compiled while the settings are validated, called with the message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from octo import expr
from octo.core.errors import Position
from octo.expr import ExprError, Scope

if TYPE_CHECKING:
    from octo.expr.templates import Templates

T = TypeVar("T")
_RENDERS = "templateResource"
"""What every expression has that renders a template."""


WRONG_KIND = "OCTO-E301"

MESSAGE: Mapping[str, str] = {
    "body": "message.body",
    "vars": "message.vars",
    "eventID": "message.event_id",
    "correlationID": "message.correlation_id",
}
"""The name that expressions use for each part of a message, and the code that reads it (`Scope.variables`)."""


@dataclass
class Build:
    """What validation needs to know of the configuration around it; pydantic passes it as the context.

    env: the declared environment variables that have a value. templates: those that expressions may render. root: the
        folder of the configuration, None for a text that is no file. file: reads a file beside the configuration, for a
        setting that names one; raises ValueError. None if there is no folder.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    templates: Templates | None = None
    file: Callable[[str], bytes] | None = None
    root: Path | None = None
    scopes: dict[Any, Scope] = field(default_factory=dict)

    def scope(self, names: tuple[str, ...] | None = None, text: object = "", *, markup: bool = False) -> Scope:
        """The names of an expression: those of a message, or the given ones as parameters of their own.

        text: the expression. Only one that renders templates is compiled anew when a template changes. markup: whether
            its value is sent as markup.
        """
        templates = self.templates if _RENDERS in str(text) else None
        key = names, templates is None, markup
        if key not in self.scopes:
            env = tuple(self.env.items())
            self.scopes[key] = (
                _message_scope(env, templates, markup) if names is None else _named_scope(names, templates)
            )
        return self.scopes[key]


# Cached, because the programs of the configuration that runs are found again only in the scope they were made for.
@lru_cache(maxsize=16)
def _message_scope(env: tuple[tuple[str, str], ...], templates: Templates | None, markup: bool) -> Scope:
    from octo.core.clock import timestamp

    functions: tuple[expr.Function, ...] = ()
    if templates is not None:
        from octo.expr.markup import template

        functions = (template,)
    return Scope(
        parameters=("message",),
        variables={**MESSAGE, "now": "timestamp()"},
        constants={"env": dict(env)},
        globals={"timestamp": timestamp},
        functions=functions,
        templates=templates,
        markup=markup,
    )


@lru_cache(maxsize=256)
def _named_scope(names: tuple[str, ...], templates: Templates | None) -> Scope:
    return Scope(parameters=names, variables={name: name for name in names}, templates=templates)


def build_of(info: core_schema.ValidationInfo) -> Build:
    """The build context, or an empty one when a model is made outside of a configuration, as tests do."""
    return info.context if isinstance(info.context, Build) else Build()


def inside(folder: str, info: core_schema.ValidationInfo) -> Path:
    """The path of a folder that a setting names, relative to the configuration's folder.

    Raises ValueError if it is outside of that, also after following links, or is no folder. In a text that is no file
    nothing is checked.
    """
    root = build_of(info).root
    if root is None:
        return Path(folder)
    path = root / folder
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{folder!r} is outside the configuration's folder")
    if not path.is_dir():
        raise ValueError(f"there is no folder {str(path)!r}")
    return path.resolve()


def rendering(name: str, info: core_schema.ValidationInfo, *, in_markup: bool = False) -> Callable[[Any], str]:
    """What renders a template of the configuration for a message. in_markup: whether the text is sent as markup.

    Raises pydantic's error if there is no such template.
    """
    build = build_of(info)
    # Without templates, as where a text is read that is no file, the function says so when it is called.
    function = "htmlTemplate" if in_markup and build.templates is not None else _RENDERS
    try:
        program = expr.compile(f"{function}({expr.render([name])[1:-1]})", build.scope(text=_RENDERS))
    except ExprError as error:
        raise PydanticCustomError("template", "{reason}", {"reason": str(error)}) from None
    return program.function


def send_as_markup(expression: Expr[object], info: core_schema.ValidationInfo) -> None:
    """Compile the expression for a value that is sent as markup: templates in it are escaped, whatever their name."""
    if _RENDERS in expression.text:
        made = compile_expr(expression.text, object, build_of(info).scope(text=_RENDERS, markup=True))
        expression.program, expression.evaluate = made.program, made.evaluate


class Expr(Generic[T]):
    """A CEL expression whose value is a `T`; called with the message.

    `Expr[bool]` accepts booleans only. `Expr[str]` takes a string as it is and renders anything else as compact
    JSON, but refuses null: a key or header "null" is never meant. `Expr[list]` and `Expr[dict]` demand their kind.
    `Expr[object]` returns any value that a flow holds: JSON, bytes, timestamps, durations.
    """

    __slots__ = ("at", "evaluate", "locate", "program")

    def __init__(self, program: expr.Program, kind: type) -> None:
        self.program = program
        self.evaluate = _EVALUATE[kind](program)
        self.at: Position | None = None
        self.locate: Callable[[int, int], Position] | None = None
        """Maps a line and column of the expression to the position in the file."""

    @property
    def text(self) -> str:
        return self.program.text

    def __call__(self, *arguments: Any) -> T:
        return self.evaluate(*arguments)  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: object) -> Expr[T]:
        return self

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return _expr_schema(source, None)


class Names:
    """Annotation for an expression that sees other names than a message's: `Annotated[Expr[object], Names("now")]`.

    Such an expression is called with one argument per name, in this order.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return _expr_schema(source, self.names)


def _expr_schema(source: Any, names: tuple[str, ...] | None) -> core_schema.CoreSchema:
    result = (get_args(source) or (object,))[0]
    kind = get_origin(result) or result

    def validate(value: object, info: core_schema.ValidationInfo) -> Expr[Any]:
        if isinstance(value, Expr):
            return value
        return compile_expr(value, kind, build_of(info).scope(names, value))

    return core_schema.with_info_plain_validator_function(
        validate,
        metadata={
            "pydantic_js_functions": [
                lambda _schema, _handler: {"type": "string", "format": "cel", "x-octo-result": kind.__name__}
            ]
        },
    )


def compile_expr(value: object, kind: type, scope: Scope) -> Expr[Any]:
    """Compile a value of the YAML. `condition: true` and `value: 42` are expressions too."""
    if value is None:
        raise PydanticCustomError("expression", "an expression is missing here")
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise PydanticCustomError(
            "expression", "expected a CEL expression as text, found {found}", {"found": _yaml_kind(value)}
        )
    try:
        program = expr.compile(str(value), scope)
        if kind in _KINDS and program.kind not in (*_KINDS[kind], "dyn"):
            raise _wrong(
                program, f"the value must be {_article(_KINDS[kind][0])}, this is always {_article(program.kind)}"
            )
    except ExprError as error:
        raise PydanticCustomError("expression", "{reason}", {"reason": error.message, "error": error}) from error
    return Expr(program, kind)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _yaml_kind(value: object) -> str:
    kinds: dict[type, str] = {dict: "a mapping", list: "a list"}
    return kinds.get(type(value), type(value).__name__)


_KINDS: dict[type, tuple[str, ...]] = {
    bool: ("bool",),
    list: ("list", "optional"),
    dict: ("map", "optional"),
}


def _settled(program: expr.Program) -> Callable[..., Any]:
    if program.is_settled:
        return program.function
    return lambda *arguments: expr.settle(program.function(*arguments))


def _text(program: expr.Program) -> Callable[..., Any]:
    def evaluate(*arguments: Any) -> str:
        value = program.function(*arguments)
        if value.__class__ is str:
            return value
        if value is None:
            raise _wrong(
                program, "expected a text, found null", 'has(...) ? ... : "" covers a value that may be missing'
            )
        return expr.render(value)

    return evaluate


def _exactly(kind: type, demand: str) -> Callable[[expr.Program], Callable[..., Any]]:
    def prepare(program: expr.Program) -> Callable[..., Any]:
        if kind is bool and program.kind == "bool":
            return program.function
        inner = _settled(program)

        def evaluate(*arguments: Any) -> Any:
            value = inner(*arguments)
            if value.__class__ is kind:
                return value
            raise _wrong(program, f"{demand}, got {_cel_kind(value)}")

        return evaluate

    return prepare


def _wrong(program: expr.Program, message: str, hint: str = "") -> ExprError:
    return ExprError(WRONG_KIND, message, hint=hint, text=program.text)


def _cel_kind(value: object) -> str:
    kinds = {bool: "a bool", int: "an int", float: "a double", str: "a string", list: "a list", dict: "a map"}
    return kinds.get(type(value), "null" if value is None else type(value).__name__.lower())


def told(setting: str, error: ExprError) -> str:
    """What an error chain reads of an expression that failed in the setting, e.g. `set-payload value`.

    `evaluate expression` is not said of a value of the wrong kind: its evaluation succeeded.
    """
    if error.code != WRONG_KIND:
        return f"{setting}: evaluate expression: {error}" if setting else f"evaluate expression: {error}"
    if not setting:
        return str(error)
    return f"{setting} {error}" if error.message.startswith("must ") else f"{setting}: {error}"


_EVALUATE: dict[type, Callable[[expr.Program], Callable[..., Any]]] = {
    object: _settled,
    str: _text,
    bool: _exactly(bool, "condition must evaluate to a bool"),
    int: _exactly(int, "must evaluate to an int"),
    list: _exactly(list, "must evaluate to an array"),
    dict: _exactly(dict, "must evaluate to a map"),
}
