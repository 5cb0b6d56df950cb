"""Sockets: what settings leave open until the flow is built. Sub-flows are compiled into them, callees looked up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from octo.core.expressions import Expr
from octo.core.language import FlowSettings

if TYPE_CHECKING:
    from octo.core.flow import Callee, Processor, Result
    from octo.core.message import Message


T = TypeVar("T")

_OF_A_SUB_FLOW = ("name", "process")
_OF_A_FLOW = FlowSettings.model_fields.keys() - set(_OF_A_SUB_FLOW)


class Steps:
    """A chain inside a composite block: `{name?, process: [...]}` or a bare list of blocks.

    Validation only stores what was written. The configuration parses the blocks; the engine compiles them and sets
    `run`. Then the composite calls it like any processor. `address` is its place, `flow.composite[branch]`.
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
        """A copy of what was written, to be compiled again."""
        copied = Steps(self.raw, self.name, self.path)
        copied.blocks, copied.address = self.blocks, self.address
        return copied

    @classmethod
    def read(cls, value: object) -> Steps | None:
        """The value as a chain, or None if it is no chain."""
        try:
            return cls._validate(value)
        except PydanticCustomError:
            return None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._validate)

    @classmethod
    def _validate(cls, value: object) -> Steps:
        if isinstance(value, Steps):
            return value
        if value is None or isinstance(value, list):
            return cls(value or [], "", ())
        if not isinstance(value, dict):
            raise PydanticCustomError("steps", "expected a list of blocks, or a mapping with `process:`")
        for key in value:
            if key in _OF_A_FLOW:
                raise PydanticCustomError("steps", "`{key}` belongs to a flow, not to a sub-flow", {"key": key})
            if key not in _OF_A_SUB_FLOW:
                raise PydanticCustomError(
                    "steps", "unknown key `{key}`; a sub-flow has `name` and `process`", {"key": key}
                )
        process = value.get("process") or []
        if not isinstance(process, list):
            raise PydanticCustomError("steps", "`process` must be a list of blocks")
        return cls(process, str(value.get("name") or ""), ("process",))


class Always:
    """Annotation for a chain that runs for every message: `Annotated[Steps, Always()]`. `octo check` looks into it for
    calls without end.
    """


class Handler:
    """Annotation for a chain that handles errors: `Annotated[Steps, Handler()]`. It must have a block, because a chain
    without blocks would hide every error.
    """


class Afterwards:
    """Annotation for an expression that a composite evaluates on what its chains left, not on the message that came in:
    `Annotated[Expr[object], Afterwards()]`. Traces do not show a value for it.
    """


@runtime_checkable
class Repeating(Protocol):
    """Settings of a block that may run a chain again for a message for which it has run already.

    `octo check` warns of calls in it that must happen once (`octo.core.settings.Effectful`).
    """

    @property
    def repeated(self) -> Steps | None:
        """The chain; None if its calls cannot happen twice."""
        ...


@runtime_checkable
class Deciding(Protocol):
    """Settings of a block whose chains run in an order that nobody knows again, such as one that a model decides.

    A journal does not go on inside of such a block: after a crash it begins anew.
    """

    decides: ClassVar[bool]


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
            cls, core_schema.str_schema(min_length=1, coerce_numbers_to_str=True)
        )


class Of(NamedTuple):
    """Annotation for the type or family that a connector must be of: `Annotated[ConnectorRef, Of("mcp-client")]`."""

    family: str


class ConnectorRef:
    """The name of a connector that a block uses besides its own; once built, `settings.server.use(call)` reaches it.

    Each call gets the instance of its moment: one that was opened again is found. A lost one raises `Disconnected`.
    """

    __slots__ = ("name", "target")

    def __init__(self, name: str) -> None:
        self.name = name
        self.target: Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]] | None = None

    def __deepcopy__(self, memo: object) -> ConnectorRef:
        return ConnectorRef(self.name)

    async def use(self, call: Callable[[Any], Awaitable[T]]) -> T:
        """Return what the call makes of the opened connector."""
        assert self.target is not None
        return await self.target(call)  # type: ignore[no-any-return]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(min_length=1, coerce_numbers_to_str=True)
        )


_PLAIN = frozenset((str, int, float, bool, type(None), timedelta))


def sockets(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every `Expr`, `Steps`, `FlowRef` and `ConnectorRef` inside settings, with its path in YAML names."""
    if value.__class__ in _PLAIN:  # nearly all values: a large configuration is walked several times
        return
    if isinstance(value, Expr | Steps | FlowRef | ConnectorRef):
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
