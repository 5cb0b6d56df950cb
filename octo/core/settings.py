"""Settings: the typed model of what an author writes under a component.

One declaration serves parsing, linting, JSON Schema, the catalogue, the reference page and the tests:

    class Publish(Settings):
        routing_key: Expr[str]
        \"\"\"Routing key, e.g. `"orders." + body.country`.\"\"\"
        timeout: Duration = timedelta(seconds=30)
        \"\"\"How long the broker may take to confirm.\"\"\"

YAML keys are the camelCase of the Python names; unknown keys are refused. Besides plain types, a field may be one of
the *sockets* below (`Expr`, `Steps`, `FlowRef`): they are filled while the flow is built, so that at run time a block
just calls `settings.routing_key(message)`, `settings.then(message)` or `settings.flow.call(message)`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    SecretStr,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema

from octo import expr
from octo.core.errors import Position
from octo.core.log import mask
from octo.expr import ExprError, Scope

if TYPE_CHECKING:
    from octo.core.flow import Callee, Processor, Result
    from octo.core.message import Message

T = TypeVar("T")


class Secret(SecretStr):
    """A text that is never printed: read it with `.get_secret_value()` where it leaves the process.

    From the moment it is read, logs and traces show `«secret»` wherever it would stand.
    """

    def __init__(self, secret_value: str) -> None:
        super().__init__(secret_value)
        mask(secret_value)


Effect = Literal["safe", "idempotent", "once"]
"""What carrying out a call again does to the system called: nothing at all, nothing more, or the same once more."""


class Settings(BaseModel):
    """Base of all settings. Frozen: a running component never sees its settings change.

    The settings of a block that calls another system may say with a property `effect` what the call does there
    (`Effect`); without, it is taken for one that must happen once.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,  # the input may be a secret
        defer_build=True,
        ser_json_timedelta="iso8601",
    )


MESSAGE: Mapping[str, str] = {
    "body": "message.body",
    "vars": "message.vars",
    "eventID": "message.event_id",
    "correlationID": "message.correlation_id",
}
"""What expressions call the parts of a message, and how these are read (`Scope.variables`)."""


@dataclass
class Build:
    """What validation needs to know of the configuration around it; pydantic hands it on as the context.

    env: the declared environment variables that have a value.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    scopes: dict[Any, Scope] = field(default_factory=dict)

    def scope(self, names: tuple[str, ...] | None = None) -> Scope:
        """The names of an expression: those of a message, or the given ones as parameters of their own."""
        if names not in self.scopes:
            self.scopes[names] = _message_scope(self.env) if names is None else _named_scope(names)
        return self.scopes[names]


def _message_scope(env: Mapping[str, str]) -> Scope:
    from octo.core.clock import timestamp

    return Scope(
        parameters=("message",),
        variables={**MESSAGE, "now": "timestamp()"},
        constants={"env": dict(env)},
        globals={"timestamp": timestamp},
    )


def _named_scope(names: tuple[str, ...]) -> Scope:
    return Scope(parameters=names, variables={name: name for name in names})


def build_of(info: core_schema.ValidationInfo) -> Build:
    """The build context, or an empty one when a model is made outside of a configuration, as tests do."""
    return info.context if isinstance(info.context, Build) else Build()


# --- durations ---------------------------------------------------------------------------------------------------

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LEAST_NANOSECONDS = 1_000_000


def parse_duration(value: object) -> object:
    """Go's notation, `250ms` or `1h30m`, as a timedelta.

    A bare number means nanoseconds in the flow language. Only numbers of a millisecond or more are believed:
    `timeout: 30` is far more often thirty seconds gone wrong.
    """
    if isinstance(value, str):
        if value in ("0", "") or _DURATION.fullmatch(value):
            return timedelta(seconds=sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(value)))
        raise PydanticCustomError("duration", "not a duration; write e.g. 250ms, 30s or 1h30m")
    if isinstance(value, int) and not isinstance(value, bool):
        if value == 0 or value >= _LEAST_NANOSECONDS:
            return timedelta(microseconds=value / 1000)
        raise PydanticCustomError(
            "duration",
            "a duration without a unit; write {value}s for seconds, {value}ms for milliseconds",
            {"value": value},
        )
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "format": "go-duration", "examples": ["30s", "250ms", "1h30m"]}),
]
"""A length of time in Go's notation: `250ms`, `30s`, `1h30m`."""


# --- expressions -------------------------------------------------------------------------------------------------


class Expr(Generic[T]):
    """A CEL expression whose value is a `T`; called with the message.

    `Expr[bool]` accepts booleans only. `Expr[str]` takes a string as it is and renders anything else as compact
    JSON, but refuses null: a key or header "null" is never meant. `Expr[list]` and `Expr[dict]` demand their kind.
    `Expr[object]` answers any JSON value. Other values that CEL knows (bytes, timestamps, durations) become JSON.
    """

    __slots__ = ("at", "evaluate", "locate", "program")

    def __init__(self, program: expr.Program, kind: type) -> None:
        self.program = program
        self.evaluate = _EVALUATE[kind](program)
        self.at: Position | None = None
        self.locate: Callable[[int, int], Position] | None = None
        """Where a line and column of the expression stand in the file."""

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
        return compile_expr(value, kind, build_of(info).scope(names))

    return core_schema.with_info_plain_validator_function(
        validate,
        metadata={
            "pydantic_js_functions": [
                lambda _schema, _handler: {"type": "string", "format": "cel", "x-octo-result": kind.__name__}
            ]
        },
    )


def compile_expr(value: object, kind: type, scope: Scope) -> Expr[Any]:
    """Compile what stands in the YAML. `condition: true` and `value: 42` are expressions too."""
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


_NOT_JSON = frozenset({"now"})
"""The names whose values are no JSON; all others of all scopes are."""


def _json(program: expr.Program) -> Callable[..., Any]:
    if program.is_json and not program.names & _NOT_JSON:
        return program.function
    return lambda *arguments: expr.to_json(program.function(*arguments))


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


def _exactly(kind: type, name: str) -> Callable[[expr.Program], Callable[..., Any]]:
    def prepare(program: expr.Program) -> Callable[..., Any]:
        if kind is bool and program.kind == "bool":
            return program.function
        inner = _json(program)

        def evaluate(*arguments: Any) -> Any:
            value = inner(*arguments)
            if value.__class__ is kind:
                return value
            raise _wrong(program, f"must evaluate to {name}, got {_cel_kind(value)}")

        return evaluate

    return prepare


def _wrong(program: expr.Program, message: str, hint: str = "") -> ExprError:
    return ExprError("OCTO-E301", message, hint=hint, text=program.text)


def _cel_kind(value: object) -> str:
    kinds = {bool: "a bool", int: "an int", float: "a double", str: "a string", list: "a list", dict: "a map"}
    return kinds.get(type(value), "null" if value is None else type(value).__name__.lower())


_EVALUATE: dict[type, Callable[[expr.Program], Callable[..., Any]]] = {
    object: _json,
    str: _text,
    bool: _exactly(bool, "a bool"),
    int: _exactly(int, "an int"),
    list: _exactly(list, "a list"),
    dict: _exactly(dict, "a map"),
}


# --- sub-flows and references ------------------------------------------------------------------------------------


class Steps:
    """A chain inside a composite block: `{name?, process: [...]}` or a bare list of blocks.

    Validation only takes note of what was written; the configuration parses the blocks, the engine compiles them and
    sets `run`. Then the composite calls it like any processor. `address` is its place, `flow.composite[branch]`.
    """

    __slots__ = ("address", "blocks", "name", "path", "raw", "run")

    def __init__(self, raw: list[Any], name: str, path: tuple[str | int, ...]) -> None:
        self.raw = raw
        self.name = name
        self.path = path
        self.blocks: tuple[Any, ...] = ()
        self.address = ""
        self.run: Processor = _unbuilt

    def __call__(self, message: Message) -> Result:
        return self.run(message)

    def __deepcopy__(self, memo: object) -> Steps:
        """What was written, to be compiled anew."""
        copied = Steps(self.raw, self.name, self.path)
        copied.blocks, copied.address = self.blocks, self.address
        return copied

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        reference = {"anyOf": [{"$ref": "#/$defs/SubFlow"}, {"$ref": "#/$defs/Chain"}]}
        return core_schema.no_info_plain_validator_function(
            cls._validate, metadata={"pydantic_js_functions": [lambda _schema, _handler: reference]}
        )

    @classmethod
    def _validate(cls, value: object) -> Steps:
        if isinstance(value, Steps):
            return value
        if value is None or isinstance(value, list):
            return cls(value or [], "", ())
        if not isinstance(value, dict):
            raise PydanticCustomError("steps", "expected a list of blocks, or a mapping with `process:`")
        for key in value:
            if key in ("source", "workers", "buffer", "pool", "error"):
                raise PydanticCustomError("steps", "`{key}` belongs to a flow, not to a sub-flow", {"key": key})
            if key not in ("name", "process"):
                raise PydanticCustomError(
                    "steps", "unknown key `{key}`; a sub-flow has `name` and `process`", {"key": key}
                )
        process = value.get("process") or []
        if not isinstance(process, list):
            raise PydanticCustomError("steps", "`process` must be a list of blocks")
        return cls(process, str(value.get("name") or ""), ("process",))


def _unbuilt(_: Message) -> Result:
    raise RuntimeError("this chain was never compiled")


class FlowRef:
    """The name of another flow; once built, `settings.flow.call(message)` runs it."""

    __slots__ = ("name", "target")

    def __init__(self, name: str) -> None:
        self.name = name
        self.target: Callee | None = None

    def __deepcopy__(self, memo: object) -> FlowRef:
        return FlowRef(self.name)

    def call(self, message: Message) -> Result:
        assert self.target is not None
        return self.target.call(message)

    async def send(self, message: Message) -> None:
        assert self.target is not None
        await self.target.send(message)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(min_length=1),
            metadata={"pydantic_js_functions": [lambda _schema, _handler: {"type": "string", "x-octo-ref": "flow"}]},
        )


def sockets(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every `Expr`, `Steps` and `FlowRef` inside settings, with its path in YAML names."""
    if isinstance(value, Expr | Steps | FlowRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from sockets(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from sockets(each, (*path, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from sockets(each, (*path, index))


def field_docs(model: type[BaseModel]) -> dict[str, str]:
    """The string under each field of a model, by Python name.

    Read from the source on demand: pydantic could do it for every class at import, which would cost each start of
    `octo` what only the reference, the schema and the editor need.
    """
    docs: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls not in (BaseModel, Settings):
            docs |= _class_docs(cls)
    return docs


def _class_docs(cls: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[statement.target.id] = inspect.cleandoc(following.value.value)
    return docs
