"""The settings of `mcp-router`: what it offers, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from octo.ai.settings import ToolSchema
from octo.core.durations import Duration, OrZero
from octo.core.expressions import rendering
from octo.core.message import Message
from octo.core.settings import Advanced, Secret, Settings
from octo.core.sockets import Steps
from octo.core.state import State


class Annotations(Settings):
    """What a client may assume of a tool, e.g. whether to ask its user first. These are hints: no client relies on
    those of a server that it does not trust.
    """

    title: str | None = None
    """A name for people."""
    read_only_hint: bool | None = None
    """It changes nothing."""
    destructive_hint: bool | None = None
    """What it changes may be lost."""
    idempotent_hint: bool | None = None
    """Calling it again with the same arguments changes nothing more."""
    open_world_hint: bool | None = None
    """It reaches things outside of a closed system, such as the web."""


class ToolSettings(Settings):
    """A chain that a client's model can call."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$", examples=["find-order"])]
    """Name of the tool: letters, digits, `_`, `-`, `.`."""
    description: Annotated[str, Field(min_length=1)]
    """What it does and when to use it: the model reads this."""
    input_schema: ToolSchema | None = None
    """What the arguments must fit. Others are not passed on: the model is told what is wrong."""
    process: Steps
    """Runs with the arguments as the body. The resulting body is the result; one with `vars.httpStatus` of 400 or more,
    such as a refusal of `validate`, is an error whose body the model reads."""
    title: str = ""
    """A name for people."""
    annotations: Annotations | None = None
    """What a client may assume of it."""
    output_schema: ToolSchema | None = None
    """What the resulting body fits. It is sent as `structuredContent`, too."""


_TEMPLATE = r"^([^{}]|\{[+#./;?&]?[A-Za-z0-9_.]+\*?(,[A-Za-z0-9_.]+\*?)*\})+$"
"""What templates of addresses look like (RFC 6570); the library that reads them takes a while to import."""


class ResourceSettings(Settings):
    """Something to read: a template of the configuration, or what a chain makes."""

    uri: str | None = Field(default=None, min_length=1, max_length=2000, examples=["docs://terms"])
    """Address of a resource."""
    uri_template: str | None = Field(default=None, pattern=_TEMPLATE, max_length=2000, examples=["docs://orders/{id}"])
    """Addresses with `{variables}`, whose values become the body."""
    name: Annotated[str, Field(min_length=1)]
    """Name of the resource."""
    description: str = ""
    """What it holds."""
    mime_type: str = "text/plain"
    """Media type, unless the chain makes a raw body, which says its own."""
    resource: str | None = None
    """The template that is rendered: its `as:` under `resources: templates:`, or its path."""
    process: Steps | None = None
    """Runs instead of a template; the resulting body is the content."""
    _render: Callable[[Message], str] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _is_one(self, info: ValidationInfo) -> Self:
        if (self.uri is None) is (self.uri_template is None):
            raise ValueError("it has a `uri` or a `uriTemplate`")
        self._render = _rendering(self.resource, self.process, info)
        return self


class ArgumentSettings(Settings):
    """A value that a client gives for a prompt."""

    name: Annotated[str, Field(min_length=1)]
    """Name of the argument; in the template it is `body.NAME`."""
    description: str = ""
    """What it is."""
    required: bool = False
    """Whether the prompt makes no sense without it."""
    values: list[str] = Field(default_factory=list)
    """What a client may suggest to its user (completion)."""


class PromptSettings(Settings):
    """A text to begin with, which a user chooses."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$", examples=["summary"])]
    """Name of the prompt."""
    description: str = ""
    """What it is for."""
    title: str = ""
    """A name for people."""
    arguments: list[ArgumentSettings] = Field(default_factory=list)
    """What it needs. The values become the body."""
    resource: str | None = None
    """The template that is rendered: its `as:` under `resources: templates:`, or its path."""
    process: Steps | None = None
    """Runs instead of a template; the resulting body is the text."""
    _render: Callable[[Message], str] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _is_one(self, info: ValidationInfo) -> Self:
        self._render = _rendering(self.resource, self.process, info)
        return self


def _rendering(resource: str | None, process: Steps | None, info: ValidationInfo) -> Callable[[Message], str] | None:
    if (resource is None) is (process is None):
        raise ValueError("it has a `resource` or a `process`")
    return None if resource is None else rendering(resource, info)


class Router(Settings):
    """What an MCP server behind a route of HTTP offers."""

    server_name: str | None = Field(default=None, min_length=1)
    """Name of the server; default: that of the block, else `octo-mcp`."""
    instructions: str = ""
    """How to use the server, for the client's model."""
    tools: list[ToolSettings] = Field(default_factory=list)
    """Chains that a model can call."""
    resources: list[ResourceSettings] = Field(default_factory=list)
    """Texts and data that a client can read."""
    prompts: list[PromptSettings] = Field(default_factory=list)
    """Texts to begin with that a user can choose."""
    allowed_origins: list[str] = Field(default_factory=list)
    """Origins of web pages that may send requests, e.g. `https://chat.example`, besides those of this machine. They are
    checked if the source lists the header `Origin`."""
    list_ttl: Annotated[Duration, OrZero, Advanced] = timedelta(minutes=1)
    """For how long a client may keep the lists of tools, resources and prompts."""
    max_result_bytes: Annotated[int, Advanced] = Field(default=1 << 20, ge=1024, le=1 << 28)
    """Bytes of one result, at most. A larger one is an error."""
    state_key: Annotated[Secret | None, Advanced] = None
    """With what the state of `mcp-ask` is sealed, which clients send back: at least 32 characters. Default: a new one
    for each process, so set it where several processes serve the route."""
    _served: tuple[Any, Any] | None = PrivateAttr(None)

    @field_validator("state_key")
    @classmethod
    def _is_long(cls, key: Secret | None) -> Secret | None:
        if key is not None and len(key.get_secret_value().encode()) < 32:
            raise ValueError("it has less than 32 bytes")
        return key

    @model_validator(mode="after")
    def _offers_something(self) -> Self:
        if not (self.tools or self.resources or self.prompts):
            raise ValueError("it needs `tools`, `resources` or `prompts`")
        for kind, names in (
            ("tools", [each.name for each in self.tools]),
            ("resources", [each.uri or each.uri_template or "" for each in self.resources]),
            ("prompts", [each.name for each in self.prompts]),
        ):
            if twice := {each for each in names if names.count(each) > 1}:
                raise ValueError(f"two {kind} are {min(twice)!r}")
        if not find_spec("mcp"):
            raise ValueError("it needs the package mcp: pip install 'octo-flows[mcp]'")
        return self

    def shape_after(self, before: State) -> State:
        inside = before.unknown()
        for tool in self.tools:
            inside.chain(tool.process)
        for process in [each.process for each in self.resources] + [each.process for each in self.prompts]:
            inside.chain(process)
        return before.with_body().without_var("httpStatus")
