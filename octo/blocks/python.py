"""python: call a function of your own for what CEL cannot do.

The function is found and checked when the flow is built. Its arguments are copies, so it can change them without
changing the message. Its annotations count: a parameter typed as a dataclass, a pydantic model or `date` gets one, and
a value that does not fit fails the message before the function runs.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import inspect
import typing
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    PydanticSchemaGenerationError,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticSerializationError, core_schema

from octo.blocks import unrun as read
from octo.blocks.origin import origin, place
from octo.blocks.plain import copied, plain
from octo.blocks.printed import printed
from octo.core import unrun
from octo.core.block import Site, block
from octo.core.errors import Bug, OctoError, Permanent
from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.state import State
from octo.core.threads import threads_of
from octo.expr import ExprError, nearest

_GIVEN = ("vars", "message")
"""Parameters that are filled by their name if `with` is not used."""


@dataclass(frozen=True)
class Function:
    """A function that was found by its name, with its parameters.

    adapters: they convert arguments, by parameter; parameters without a type have none.
    required: parameters without a default, in order.
    is_open: whether it takes any keyword argument (`**options`).
    """

    name: str
    call: Callable[..., Any]
    parameters: tuple[str, ...]
    required: tuple[str, ...]
    adapters: Mapping[str, TypeAdapter[Any]]
    is_open: bool

    @property
    def takes_body(self) -> str | None:
        """The parameter that gets the body if `with` is not used: the first that is not filled by name."""
        return next((each for each in self.parameters if each not in _GIVEN), None)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        schema = {"type": "string", "pattern": r"^[\w.]+:[\w.]+$", "examples": ["shop.orders:price"]}
        return core_schema.no_info_plain_validator_function(
            find, metadata={"pydantic_js_functions": [lambda _schema, _handler: schema]}
        )


class Python(Settings):
    call: Function = Field(examples=["shop.orders:price"])
    """The function, as `package.module:function`: from a module in the config's folder or an installed package. A plain
    function runs in a thread, an `async` one in the event loop, where it must not block. Each block has up to 64
    threads of its own; one whose function does not return after its caller gave up is replaced, up to 64 times."""

    with_: Annotated[dict[str, Expr[object]], Field(alias="with", default_factory=dict)]
    """Keyword arguments, parameter name to expression, e.g. `amount: body.total`. Without them the first parameter gets
    the body; parameters named `vars` and `message` get the variables and the whole message."""

    as_: Annotated[str | None, Field(alias="as", min_length=1)] = None
    """Name of the variable that takes the result. Default: the result becomes the body."""

    @model_validator(mode="after")
    def _arguments_fit(self) -> Self:
        function = self.call
        if not self.with_:
            left = [each for each in function.required if each not in (*_GIVEN, function.takes_body)]
            if left:
                raise ValueError(f"{function.name} also needs {_listed(left)}: give its arguments under `with:`")
            return self
        for name in self.with_:
            if name not in function.parameters and not function.is_open:
                hint = nearest(name, function.parameters)
                advice = f"did you mean `{hint}`?" if hint else f"it has {_listed(function.parameters) or 'none'}"
                raise ValueError(f"{function.name} has no parameter `{name}`; {advice}")
        if missing := [each for each in function.required if each not in self.with_]:
            raise ValueError(f"{function.name} needs {_listed(missing)} under `with:`")
        return self

    def shape_after(self, before: State) -> State:
        for each in self.with_.values():
            before.of(each)
        return before.unknown() if self.as_ is None else before.without_var(self.as_)


@block("python")
async def python(settings: Python, message: Message, site: Site) -> Message:
    """Call a Python function; its result becomes the body, or a variable."""
    function = settings.call
    try:
        with printed(function.name):
            result = await _called(site.address, function, _arguments(settings, message))
        if isinstance(result, Message) and settings.as_ is None:
            return result
        value = _value(function, result)
    except BaseException as error:
        if _comes_from_outside(error):
            raise
        _fail(function, error)
    return message.with_body(value) if settings.as_ is None else message.with_var(settings.as_, value)


async def _called(block: str, function: Function, arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function.call):
        return await function.call(**arguments)
    result = await _in_thread(block, partial(_call, function, arguments))
    return await result if inspect.isawaitable(result) else result


def _call(function: Function, arguments: dict[str, Any]) -> Any:
    """Call a plain function. Its errors are told here: a future cannot carry every exception."""
    try:
        result = function.call(**arguments)
        return list(result) if isinstance(result, Generator) else result
    except BaseException as error:  # noqa: BLE001  a function must end neither its thread nor the process
        _fail(function, error)


def _comes_from_outside(error: BaseException) -> bool:
    """Whether the message itself is cut off: its task is cancelled, or its coroutine is closed.

    A function that raises the same exceptions has failed, as with any other.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    # Closing raises the exception where the coroutine waits, so there is no frame below.
    return isinstance(error, GeneratorExit) and error.__traceback__ is not None and error.__traceback__.tb_next is None


def _fail(function: Function, error: BaseException) -> NoReturn:
    """Raise what the message fails with. No exception of a function ends more than its message, not even SystemExit."""
    if isinstance(error, OctoError | ExprError):
        try:
            raise error
        finally:
            del error  # its traceback refers to this frame
    if isinstance(error, ValidationError):
        # Its own text, and so its traceback, would quote parts of values.
        raise Bug(f"{function.name} raised ValidationError: {error.title}: {_complaints(error)}") from None
    raise Bug(f"{function.name} raised {_told(error)}{origin(error)}") from error


def _told(error: BaseException) -> str:
    """The type and the text of an exception, whatever its `__str__` does."""
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except BaseException as second:  # noqa: BLE001  see `_fail`
        return f"{type(error).__name__}, whose text raises {type(second).__name__}"


async def _in_thread(block: str, call: Callable[[], Any]) -> Any:
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(threads_of(block), context.run, call)


# --- finding the function ----------------------------------------------------------------------------------------


def find(value: object) -> Function:
    """Return the function named `package.module:function`. Raises an error that pydantic reports with its place."""
    if isinstance(value, Function):
        return value
    module_name, colon, path = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (isinstance(value, str) and module_name and colon and path):
        raise PydanticCustomError("call", "expected `package.module:function`, e.g. `shop.orders:price`")
    try:
        if (folder := unrun.folder()) is not None and read.owns(folder, module_name):
            return _read(folder, value, module_name, path)
        return _described(value, _target(module_name, path))
    except PydanticCustomError:
        raise
    except BaseException as error:  # noqa: BLE001  annotations and `__getattr__` are an author's code too
        problem = f"`{value}` cannot be used: {_told(error)}"
    raise PydanticCustomError("call", "{problem}", {"problem": problem})


def _read(folder: Path, name: str, module_name: str, path: str) -> Function:
    """The function as its source describes it. Nobody calls it."""
    if (file := read.source(folder, module_name)) is None:
        problem = f"there is no module `{module_name}`; it must be beside the config or in an installed package"
        raise PydanticCustomError("call", "{problem}", {"problem": problem})
    try:
        found = read.signature(file, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" ({place(str(file), error.lineno)})" if isinstance(error, SyntaxError) and error.lineno else ""
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        problem = f"importing `{module_name}` fails: {type(error).__name__}: {told}{where}"
        raise PydanticCustomError("call", "{problem}", {"problem": problem}) from None
    if isinstance(found, list):
        _miss(module_name, path.partition(".")[0], found, str(file))
    return Function(name, _unread, found.parameters, found.required, {}, found.is_open)


def _unread(**given: object) -> NoReturn:
    raise Bug(f"the module of this function was only read; it was called with {len(given)} arguments")


def _miss(module_name: str, name: str, names: list[str], file: str | None) -> NoReturn:
    hint = nearest(name, names)
    where = f" (in {place(file)})" if file else ""
    problem = f"`{module_name}` has no `{name}`" + (f"; did you mean `{hint}`?" if hint else "") + where
    raise PydanticCustomError("call", "{problem}", {"problem": problem})


def _target(module_name: str, path: str) -> Callable[..., Any]:
    target: Any = _module(module_name)
    for name in path.split("."):
        if not hasattr(target, name):
            names = [each for each in dir(target) if not each.startswith("_")]
            _miss(module_name, name, names, getattr(target, "__file__", None))
        target = getattr(target, name)
    if not callable(target):
        problem = f"`{module_name}:{path}` is {type(target).__name__}, not a function"
        raise PydanticCustomError("call", "{problem}", {"problem": problem})
    return target  # type: ignore[no-any-return]


def _module(name: str) -> Any:
    try:
        with printed(name):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            problem = f"there is no module `{error.name}`; it must be beside the config or in an installed package"
        else:
            problem = f"importing `{name}` fails: {error}{origin(error)}"
    except SyntaxError as error:
        where = f" ({place(error.filename, error.lineno)})" if error.filename else ""
        problem = f"importing `{name}` fails: {type(error).__name__}: {error.msg}{where}"
    except BaseException as error:  # noqa: BLE001  an author's module may raise anything when imported
        problem = f"importing `{name}` fails: {_told(error)}{origin(error)}"
    raise PydanticCustomError("call", "{problem}", {"problem": problem})


def _described(name: str, function: Callable[..., Any]) -> Function:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        problem = f"Python cannot tell the parameters of `{name}`; wrap it in a function of your own"
        raise PydanticCustomError("call", "{problem}", {"problem": problem}) from None
    named = {
        each.name: each
        for each in signature.parameters.values()
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    for each in signature.parameters.values():
        if each.kind == each.POSITIONAL_ONLY:
            problem = f"`{name}` takes `{each.name}` by position only; wrap it in a function of your own"
            raise PydanticCustomError("call", "{problem}", {"problem": problem})
    required = tuple(key for key, each in named.items() if each.default is each.empty)
    is_open = any(each.kind == each.VAR_KEYWORD for each in signature.parameters.values())
    return Function(name, function, tuple(named), required, _adapters(name, function, tuple(named)), is_open)


def _adapters(name: str, function: Callable[..., Any], parameters: tuple[str, ...]) -> dict[str, TypeAdapter[Any]]:
    try:
        plain = inspect.unwrap(function)
        hints = typing.get_type_hints(
            plain if hasattr(plain, "__annotations__") else plain.__call__, include_extras=True
        )
        return {
            key: TypeAdapter(hints[key])
            for key in parameters
            if hints.get(key, Any) not in (Any, object) and hints[key] is not Message
        }
    except (NameError, TypeError, PydanticSchemaGenerationError) as error:
        problem = f"the annotations of `{name}` cannot be used: {error}"
        raise PydanticCustomError("call", "{problem}", {"problem": problem}) from None


# --- values in and out -------------------------------------------------------------------------------------------


def _arguments(settings: Python, message: Message) -> dict[str, Any]:
    function = settings.call
    if settings.with_:
        given = {name: value(message) for name, value in settings.with_.items()}
    else:
        by_name = {"vars": dict(message.vars), "message": message}
        given = {name: value for name, value in by_name.items() if name in function.parameters}
        if function.takes_body:
            given[function.takes_body] = message.body
    return {name: _converted(function, name, value) for name, value in given.items()}


def _converted(function: Function, name: str, value: object) -> object:
    given = copied(value)
    adapter = function.adapters.get(name)
    if adapter is None:
        return given
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise Permanent(f"{function.name}: argument `{name}`: {_complaints(error)}") from None


def _complaints(error: ValidationError) -> str:
    """Return what does not fit, and where; never the value."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" if each["loc"] else each["msg"] for each in found[:5]]
    return "; ".join(told) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")


def _value(function: Function, result: object) -> object:
    try:
        return plain(result)
    except (PydanticSerializationError, ValueError, OverflowError, RecursionError, ExprError) as error:
        raise Permanent(
            f"{function.name} returned {type(result).__name__}, which is not JSON: {error}; "
            "return a dict, list, text, number, dataclass or model"
        ) from error


def _listed(names: typing.Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
