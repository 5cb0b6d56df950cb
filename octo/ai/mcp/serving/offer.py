"""What an MCP server offers: tools, resources and prompts, each with the chain that runs when a client asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from octo.core.flow import Result
from octo.core.json_schema import Fault, Schema
from octo.core.message import Message

Run = Callable[[Message], Result]


class Judge(Protocol):
    """What says where a value does not fit."""

    def faults(self, value: object) -> list[Fault]: ...


class Shape(NamedTuple):
    """A JSON Schema of maps: as clients see it, and what checks values."""

    written: Mapping[str, Any]
    judge: Judge

    @classmethod
    def of(cls, written: Mapping[str, Any], judge: Judge | None = None) -> Shape:
        """The schema. judge: what checks it, if that is there. Raises `BadSchema`."""
        # Many clients hand it to models as it is, and OpenAI refuses an object without `properties`.
        whole = {"type": "object", "properties": {}, **written}
        return cls(whole, judge or Schema(whole))


class Tool(NamedTuple):
    """run: gets the arguments as the body. output: what its body fits, if that is known."""

    name: str
    description: str
    input: Shape
    run: Run
    title: str = ""
    annotations: Mapping[str, bool | str] | None = None
    output: Shape | None = None


class Resource(NamedTuple):
    """uri: of one resource, or a template with `{variables}`, whose values `run` gets as the body."""

    uri: str
    name: str
    run: Run
    description: str = ""
    mime_type: str = "text/plain"
    is_template: bool = False


class Argument(NamedTuple):
    """values: what completion suggests."""

    name: str
    description: str = ""
    required: bool = False
    values: Sequence[str] = ()


class Prompt(NamedTuple):
    """run: gets the arguments as the body."""

    name: str
    run: Run
    description: str = ""
    title: str = ""
    arguments: Sequence[Argument] = ()


class Offer(NamedTuple):
    """Everything of one server.

    ttl: seconds for which a client may keep the lists. most: bytes of one result, at most. key: seals what a client is
    told to send back, in all processes that have it; "" for one of this process alone.
    """

    name: str
    version: str
    tools: Sequence[Tool] = ()
    resources: Sequence[Resource] = ()
    prompts: Sequence[Prompt] = ()
    instructions: str = ""
    ttl: float = 60.0
    most: int = 1 << 20
    key: str = ""
