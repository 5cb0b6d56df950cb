"""An offer as a server of the SDK, which knows the revisions of the protocol; here is what each request means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp.shared.path_security import contains_path_traversal, is_absolute_path
from mcp.shared.uri_template import UriTemplate

from octo.ai.mcp.serving import content, rounds
from octo.ai.mcp.serving.called import Refused, is_refusal, log
from octo.ai.mcp.serving.offer import Offer, Prompt, Resource, Run, Tool
from octo.ai.mcp.serving.rounds import Context, principal
from octo.ai.mcp.serving.tasks import Job, Tasks
from octo.core.bounded import bounded
from octo.core.errors import Permanent
from octo.core.log import fields
from octo.core.message import Message
from octo.core.secrets import masked

T = TypeVar("T")

PAGE = 100
"""Entries of a list in one response."""
_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
)
_STATE_TTL = 3600.0


@asynccontextmanager
async def _fresh(_: Server[Message]) -> AsyncIterator[Message]:
    """The lifespan of a server whose calls begin with nothing."""
    yield Message()


def server_of(offer: Offer, tasks: Tasks | None = None) -> Server[Message]:
    """Return the server. The value of its lifespan is the message that each call begins with.

    tasks: where calls go that take long; None lets every client wait.
    Over HTTP with tokens, `vars.jwt` has the claims of the caller's token, and `vars.sub` says who that is.
    """
    offered = _Offered(offer, tasks)
    handlers: dict[str, Any] = {}
    if offer.tools:
        handlers |= {"on_list_tools": offered.list_tools, "on_call_tool": offered.call_tool}
    if offer.resources:
        handlers |= {
            "on_list_resources": offered.list_resources,
            "on_list_resource_templates": offered.list_templates,
            "on_read_resource": offered.read_resource,
        }
    if offer.prompts:
        handlers |= {"on_list_prompts": offered.list_prompts, "on_get_prompt": offered.get_prompt}
        handlers |= {"on_completion": offered.complete}
    hint = CacheHint(int(offer.ttl * 1000), "private")
    server: Server[Message] = Server(
        offer.name,
        version=offer.version,
        instructions=offer.instructions or None,
        cache_hints=dict.fromkeys((*_LISTS, "resources/read"), hint),
        get_tool_input_schema=offered.schema,
        lifespan=_fresh,
        **handlers,
    )
    keys = RequestStateSecurity(
        keys=[offer.key] if offer.key else None,
        codec=None if offer.key else RequestStateSecurity.ephemeral().codec,
        ttl=_STATE_TTL,
        bind_principal=principal,
    )
    server.middleware[:] = [RequestStateBoundary(keys, default_audience=offer.name)]
    if tasks is not None:
        tasks.join(server, principal)
    return server


class _Offered:
    """The handlers of the requests."""

    def __init__(self, offer: Offer, tasks: Tasks | None) -> None:
        self._offer = offer
        self._waiting = tasks
        self._tools = {tool.name: tool for tool in offer.tools}
        self._prompts = {prompt.name: prompt for prompt in offer.prompts}
        self._fixed = {each.uri: each for each in offer.resources if not each.is_template}
        self._templates = [(UriTemplate.parse(each.uri), each) for each in offer.resources if each.is_template]

    # --- tools ---------------------------------------------------------------------------------------------------

    async def list_tools(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        tools, cursor = _page(self._offer.tools, params)
        return types.ListToolsResult(tools=[_tool(each) for each in tools], next_cursor=cursor)

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """Return the schema of a tool's arguments, None if there is no such tool."""
        tool = self._tools.get(name)
        return None if tool is None else tool.input.written

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult | dict[str, Any]:
        """A tool that is unknown, is called wrongly or fails is told to the model, which may do better."""
        tool = self._tools.get(params.name)
        if tool is None:
            return _wrong(f"unknown tool {bounded(params.name, 100)!r}")
        arguments = params.arguments or {}
        if faults := tool.input.judge.faults(arguments):
            return _wrong("\n".join(["the arguments do not fit the inputSchema of the tool:", *map(str, faults)]))
        work = partial(self._called, context, params, tool)
        return await (work(None) if self._waiting is None else self._waiting.call(context, work))

    async def _called(
        self, context: Context, params: types.CallToolRequestParams, tool: Tool, job: Job | None
    ) -> types.CallToolResult | types.InputRequiredResult:
        try:
            ended = await rounds.ended(
                context, params, f"the tool {tool.name!r}", tool.run, params.arguments or {}, job
            )
            return ended if isinstance(ended, types.InputRequiredResult) else self._result(tool, ended)
        except Refused as error:
            return _wrong(str(error))

    def _result(self, tool: Tool, message: Message) -> types.CallToolResult:
        blocks = self._blocks(f"the tool {tool.name!r}", message)
        is_error = is_refusal(message)
        structured = None
        if tool.output is not None and not is_error:
            structured = content.plain(message.body)
            if faults := tool.output.judge.faults(structured):
                where = "; ".join(map(str, faults))
                raise Refused(f"the result of the tool {tool.name!r} does not fit its outputSchema: {where}")
            structured = structured if isinstance(structured, dict) else None
        return types.CallToolResult(content=blocks, structured_content=structured, is_error=is_error)

    # --- resources -----------------------------------------------------------------------------------------------

    async def list_resources(
        self, _: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        found, cursor = _page([each for each in self._offer.resources if not each.is_template], params)
        resources = [
            types.Resource(uri=each.uri, name=each.name, description=each.description or None, mime_type=each.mime_type)
            for each in found
        ]
        return types.ListResourcesResult(resources=resources, next_cursor=cursor)

    async def list_templates(
        self, _: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        found, cursor = _page([each for each in self._offer.resources if each.is_template], params)
        templates = [
            types.ResourceTemplate(
                uri_template=each.uri, name=each.name, description=each.description or None, mime_type=each.mime_type
            )
            for each in found
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates, next_cursor=cursor)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult | types.InputRequiredResult:
        uri = str(params.uri)
        found = self._resource(uri)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f'unknown resource "{bounded(uri, 200)}"', {"uri": bounded(uri, 500)})
        resource, values = found
        ended = await self._answer(context, params, f"the resource {resource.name!r}", resource.run, values)
        if isinstance(ended, types.InputRequiredResult):
            return ended
        contents = content.contents(ended, uri, resource.mime_type)
        if len(getattr(contents, "text", "") or getattr(contents, "blob", "")) > self._offer.most:
            raise MCPError(types.INTERNAL_ERROR, f"the resource {resource.name!r} is too large")
        return types.ReadResourceResult(contents=[contents])

    def _resource(self, uri: str) -> tuple[Resource, dict[str, Any]] | None:
        if uri in self._fixed:
            return self._fixed[uri], {}
        for template, resource in self._templates:
            values = template.match(uri)
            if values is not None and all(values.values()):
                # Another template might take what this one must not.
                return (resource, dict(values)) if all(map(_is_harmless, values.values())) else None
        return None

    # --- prompts -------------------------------------------------------------------------------------------------

    async def list_prompts(self, _: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        found, cursor = _page(self._offer.prompts, params)
        return types.ListPromptsResult(prompts=[_prompt(each) for each in found], next_cursor=cursor)

    async def get_prompt(
        self, context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult | types.InputRequiredResult:
        prompt = self._prompts.get(params.name)
        if prompt is None:
            raise MCPError(types.INVALID_PARAMS, f'unknown prompt "{bounded(params.name, 100)}"')
        arguments = dict(params.arguments or {})
        if missing := [each.name for each in prompt.arguments if each.required and each.name not in arguments]:
            raise MCPError(types.INVALID_PARAMS, f"the prompt {prompt.name!r} needs {', '.join(missing)}")
        what = f"the prompt {prompt.name!r}"
        ended = await self._answer(context, params, what, prompt.run, arguments)
        if isinstance(ended, types.InputRequiredResult):
            return ended
        try:
            blocks = self._blocks(what, ended, is_prompt=True)
        except Refused as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        messages = [types.PromptMessage(role="user", content=each) for each in blocks]
        return types.GetPromptResult(description=prompt.description or None, messages=messages)

    async def complete(self, _: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Suggest the values of a prompt's argument that begin with what was typed."""
        ref = params.ref
        prompt = self._prompts.get(ref.name) if isinstance(ref, types.PromptReference) else None
        known = {each.name: each.values for each in prompt.arguments} if prompt is not None else {}
        typed = params.argument.value.lower()
        found = [each for each in known.get(params.argument.name, ()) if each.lower().startswith(typed)]
        some = found[:PAGE]
        return types.CompleteResult(
            completion=types.Completion(values=some, total=len(found), has_more=len(found) > len(some))
        )

    # --- calls ---------------------------------------------------------------------------------------------------

    async def _answer(
        self, context: Context, params: types.InputResponseRequestParams, what: str, run: Run, body: object
    ) -> Message | types.InputRequiredResult:
        """Run the chain of a resource or prompt; a failure is an error of the protocol."""
        try:
            ended = await rounds.ended(context, params, what, run, body)
        except Refused as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        if isinstance(ended, Message) and is_refusal(ended):
            raise MCPError(types.INVALID_PARAMS, f"{what} was refused", content.plain(ended.body))
        return ended

    def _blocks(self, what: str, message: Message, *, is_prompt: bool = False) -> list[Any]:
        """Return the content of a result. Raises `Refused` if it is too large, or no content."""
        try:
            blocks = content.blocks(message, is_prompt=is_prompt)
        except Permanent as error:
            log.warning("%s failed", what, extra=fields(code=error.code, error=str(error)))
            raise Refused(f"{what} failed: an internal error") from None
        if sum(len(each.model_dump_json()) for each in blocks) > self._offer.most:
            raise Refused(f"the result of {what} is larger than {self._offer.most:,} bytes")
        return blocks


def _is_harmless(value: str | list[str]) -> bool:
    """Whether a value of a template stays where an author puts it, as a part of a path too. `%2F` is a slash in it."""
    parts = [value] if isinstance(value, str) else value
    return not any("\0" in each or contains_path_traversal(each) or is_absolute_path(each) for each in parts)


def _page(entries: Sequence[T], params: types.PaginatedRequestParams | None) -> tuple[Sequence[T], str | None]:
    """Return a page of a list, and where the next one begins."""
    cursor = None if params is None else params.cursor
    start = int(cursor) if cursor is not None and cursor.isascii() and cursor.isdecimal() and len(cursor) < 9 else 0
    if cursor is not None and not 0 < start < len(entries):
        raise MCPError(types.INVALID_PARAMS, "no list has this cursor")
    end = start + PAGE
    return entries[start:end], str(end) if end < len(entries) else None


def _tool(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title or None,
        description=tool.description or None,
        input_schema=dict(tool.input.written),
        output_schema=None if tool.output is None else dict(tool.output.written),
        annotations=types.ToolAnnotations.model_validate(tool.annotations) if tool.annotations else None,
    )


def _prompt(prompt: Prompt) -> types.Prompt:
    arguments = [
        types.PromptArgument(name=each.name, description=each.description or None, required=each.required)
        for each in prompt.arguments
    ]
    return types.Prompt(
        name=prompt.name,
        title=prompt.title or None,
        description=prompt.description or None,
        arguments=arguments or None,
    )


def _wrong(text: str) -> types.CallToolResult:
    """A result that tells the model what is wrong."""
    return types.CallToolResult(content=[types.TextContent(text=masked(bounded(text)))], is_error=True)
