"""mcp-router: an MCP server behind a route of HTTP; the body is a request of the protocol, the result its response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from octo import __version__
from octo.ai.mcp.serving.offer import Argument, Offer, Prompt, Resource, Run, Shape, Tool
from octo.ai.mcp.serving.settings import PromptSettings, ResourceSettings, Router, ToolSettings
from octo.core import codec, content
from octo.core.block import Site, block
from octo.core.message import Message
from octo.core.schema import BodySchema
from octo.core.spool import Content

if TYPE_CHECKING:
    from octo.mcp.exchange import Reply, Seen

_PARSE, _NOT_ALLOWED = -32700, -32600
_LOCAL = ("localhost", "127.0.0.1", "::1")


async def prepare(settings: Router) -> None:  # noqa: ARG001  what the work of a block gets
    """Import the library, which takes a while, before the first message comes."""
    await asyncio.to_thread(_library)


def _library() -> Any:
    return import_module("octo.ai.mcp.serving.server"), import_module("octo.mcp.exchange")


@block("mcp-router", tending=prepare)
async def mcp_router(settings: Router, message: Message, site: Site) -> Message:
    """Answer a request of the Model Context Protocol, of revision 2026-07-28 or of those since 2024-11-05.

    It stands behind an `http` source whose route takes POST. The body is the request, and becomes the response;
    `vars.httpStatus` is set with it. List the headers `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name` and `Origin` in
    the source, so that they are checked; with `rawBody: true` JSON that cannot be read is answered as the protocol
    asks. Chains of tools begin with the variables of the request, such as `vars.user`, and change none of them.
    """
    server, exchange = settings._served or await _served(settings, site)  # noqa: SLF001  see there
    seen = _seen(message, exchange)
    origin = seen.values.get("origin", "")
    if origin and not _is_allowed(origin, settings.allowed_origins):
        refused = exchange.refusal(_NOT_ALLOWED, "requests from pages of this origin are not allowed")
        return _replied(message, refused._replace(status=403))
    try:
        body = codec.body(_bytes(message)) if message.raw else message.body
    except codec.NotJson:
        return _replied(message, exchange.refusal(_PARSE, "the body is not valid JSON"))
    return _replied(message, await exchange.exchange(server, body, seen, message))


async def _served(settings: Router, site: Site) -> tuple[Any, Any]:
    """Return the server, and what answers requests to it. Both belong to the settings, whose chains they call."""
    made, exchange = await asyncio.to_thread(_library)
    settings._served = made.server_of(_offer(settings, site.label)), exchange  # noqa: SLF001  so made once
    return settings._served  # noqa: SLF001


def _offer(settings: Router, label: str) -> Offer:
    return Offer(
        name=settings.server_name or ("octo-mcp" if label == "mcp-router" else label),
        version=__version__,
        instructions=settings.instructions,
        tools=[_tool(each) for each in settings.tools],
        resources=[_resource(each) for each in settings.resources],
        prompts=[_prompt(each) for each in settings.prompts],
        ttl=settings.list_ttl.total_seconds(),
        most=settings.max_result_bytes,
        key=settings.state_key.get_secret_value() if settings.state_key is not None else "",
    )


def _tool(settings: ToolSettings) -> Tool:
    hints = settings.annotations
    return Tool(
        name=settings.name,
        description=settings.description,
        input=_shape(settings.input_schema),
        run=settings.process,
        title=settings.title,
        annotations=None if hints is None else hints.model_dump(by_alias=True, exclude_none=True),
        output=None if settings.output_schema is None else _shape(settings.output_schema),
    )


def _shape(schema: BodySchema | None) -> Shape:
    return Shape.of({}) if schema is None else Shape.of(schema.plain, schema)


def _resource(settings: ResourceSettings) -> Resource:
    return Resource(
        uri=settings.uri or settings.uri_template or "",
        name=settings.name,
        run=_run(settings),
        description=settings.description,
        mime_type=settings.mime_type,
        is_template=settings.uri is None,
    )


def _prompt(settings: PromptSettings) -> Prompt:
    return Prompt(
        name=settings.name,
        run=_run(settings),
        description=settings.description,
        title=settings.title,
        arguments=[Argument(each.name, each.description, each.required, each.values) for each in settings.arguments],
    )


def _run(settings: ResourceSettings | PromptSettings) -> Run:
    if settings.process is not None:
        return settings.process
    return _rendered(settings._render)  # noqa: SLF001  made when the settings were read


def _rendered(render: Callable[[Message], str] | None) -> Run:
    assert render is not None
    return lambda message: message.with_body(render(message))


def _seen(message: Message, exchange: Any) -> Seen:
    """Return the headers that the source lists."""
    every = message.vars.get("headersAll")
    given = every if isinstance(every, Mapping) else {}
    found = {name.lower(): values for name, values in given.items() if isinstance(values, list)}
    values = {name: those[0] for name, those in found.items() if those}
    repeated = next((name for name in exchange.ROUTING if len(found.get(name, ())) > 1), "")
    return exchange.Seen(values, all(name in found for name in exchange.ROUTING), repeated)  # type: ignore[no-any-return]


def _is_allowed(origin: str, allowed: list[str]) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host in _LOCAL or origin in allowed


def _bytes(message: Message) -> bytes:
    data = content.data(message.body)
    if isinstance(data, Content):
        data = data.read()
    return data.encode() if isinstance(data, str) else data


def _replied(message: Message, reply: Reply) -> Message:
    if reply.body is None:
        empty = {"contentType": "application/json", "rawData": ""}
        return message.with_body(empty, raw=True).with_var("httpStatus", reply.status)
    return message.with_body(reply.body).with_var("httpStatus", reply.status)
