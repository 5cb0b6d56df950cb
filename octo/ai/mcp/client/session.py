"""The session with a server: the official SDK's client, in a task of its own, so that its end ends nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import mcp_types as types
from mcp.client.client import Client
from mcp.client.session import ClientSession, IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from octo.ai.mcp.client import child, codes, http, leniency
from octo.ai.mcp.client.floor import Floor, questions_of
from octo.ai.mcp.client.questions import InputRequired
from octo.ai.mcp.client.settings import Server
from octo.ai.mcp.client.shelf import Fetched, Shelf
from octo.ai.mcp.client.tools import MOST_TOOLS, Listing, Tool, listing
from octo.core.backoff import Backoff, Failures
from octo.core.beside import beside
from octo.core.connected import Connected
from octo.core.errors import Disconnected, NotConnected, OctoError, Permanent, Timeout, Transient
from octo.core.secrets import masked

T = TypeVar("T")
Called = types.CallToolResult | types.InputRequiredResult

MOST_PAGES = 100
"""Pages of a list."""
ROOM = 1_048_576
"""Bytes that a message may have besides a result of `maxResultBytes` bytes, which JSON may make twice as long."""
_CALLED: TypeAdapter[Called] = TypeAdapter(types.CallToolResult | types.InputRequiredResult)
NO_ANSWER = "its answer is no answer of MCP"
_GONE = ("Connection closed", "Session terminated")
"""What the SDK says when no further call can succeed."""

logging.getLogger("mcp.client").setLevel(logging.CRITICAL)  # what matters of it becomes an error here
logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of each request


class Session:
    """An open session. place: how errors call the server. shelf: its tools. floor: who answers questions."""

    def __init__(self, settings: Server) -> None:
        self.settings = settings
        self.place = settings.place
        self.shelf: Shelf
        self._tasks: asyncio.TaskGroup
        self._begun: set[asyncio.Task[Any]] = set()
        self._client: Client
        self._connected = Connected(settings.place, codes.UNREACHABLE)
        self._failures = http.Failures()
        self.floor = Floor()
        self._over = asyncio.Event()
        self._ended = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- its life ------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Connect, and stay so until `close`. `ready` raises what connecting failed with."""
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(self._made(await self._transport(stack)))
                async with asyncio.TaskGroup() as self._tasks:
                    self._client = client
                    self._insist()
                    leniency.relax(client.session, client.protocol_version, self.place)
                    self.shelf = Shelf(self.place, self._fetch, self.begin)
                    self.begin(self._listen())
                    self._ready.set_result(None)
                    await self._over.wait()
                    for each in tuple(self._begun):
                        each.cancel()
        except Exception as error:  # noqa: BLE001  the SDK groups what its tasks raise
            self._fail(_first(error))
        finally:
            self._connected.lose("the connector was closed")
            self._ended.set()

    def _insist(self) -> None:
        if self.settings.revision == "2026-07-28" and not self.is_modern:
            text = f"{self.place} speaks {self._client.protocol_version}, not the `revision` 2026-07-28"
            raise Permanent(text, code=codes.BROKEN)

    def _fail(self, error: Exception) -> None:
        known = error if isinstance(error, OctoError) else self._error(error, "")
        self._connected.lose(str(known))
        if not self._ready.done():
            self._ready.set_exception(known)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin a task that ends with the session. It must not raise. Raises `Disconnected` if that has ended."""
        try:
            task = self._tasks.create_task(work)
        except RuntimeError:
            work.close()
            raise self._connected.gone from None
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def ready(self) -> None:
        """Return once it is open. Raises what a person must change, `NotConnected` if the server is away."""
        try:
            async with asyncio.timeout(self.settings.patience):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise NotConnected(f"{self.place}: no answer in time", code=codes.TOO_SLOW) from None
        except Disconnected as error:
            raise NotConnected(str(error), code=error.code) from error

    async def close(self) -> None:
        """End the session, and return once it has ended."""
        self._connected.lose("the connector was closed")
        self._over.set()
        await self._ended.wait()

    async def _transport(self, stack: AsyncExitStack) -> Any:
        most = 2 * self.settings.max_result_bytes + ROOM
        if self.settings.url is None:
            return child.started(self.settings, most, self._connected.lose)
        # The HTTP client reads the files of `tls`.
        made = await asyncio.to_thread(http.Client, self.settings, self._failures, most)
        client = await stack.enter_async_context(made)
        return streamable_http_client(self.settings.url, http_client=client, max_sse_event_size=most)

    def _made(self, transport: Any) -> Client:
        return Client(
            transport,
            mode="legacy" if self.settings.revision == "2025-11-25" else "auto",
            cache=None,  # the shelf keeps all pages of a list, and the old one if a new one cannot be had
            client_info=types.Implementation(name="octo", version=_version()),
            message_handler=self._heard,
            elicitation_callback=self.floor.elicited,
        )

    # --- what the server says by itself --------------------------------------------------------------------------

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.shelf.outdate()

    async def _listen(self) -> None:
        """Hear of changes, as a server of 2026-07-28 tells them: to who asks for them."""
        tools = self._client.server_capabilities.tools
        if not self.is_modern or tools is None or not tools.list_changed:
            return
        failures = Failures(Backoff(1.0, 60.0, 0.5))
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                async with self._client.listen(tools_list_changed=True) as changes:
                    if failures.count:
                        self.shelf.outdate()  # what has changed meanwhile was not heard
                    async for _ in changes:
                        self.shelf.outdate()
            except ListenNotSupportedError:
                return
            except (MCPError, SubscriptionLost, TimeoutError) as error:
                if isinstance(error, MCPError) and error.code == types.METHOD_NOT_FOUND:
                    return
            await asyncio.sleep(failures.failed(asyncio.get_running_loop().time() - begun))

    # --- calls ---------------------------------------------------------------------------------------------------

    @property
    def is_modern(self) -> bool:
        """Whether the server speaks 2026-07-28 or later: without sessions."""
        return self._client.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def gone(self) -> Disconnected:
        """The error of who needs a session that has ended."""
        return self._connected.gone

    def check(self) -> None:
        """Raise `Disconnected` if the session has ended."""
        if self._connected.is_lost:
            raise self.gone

    async def ask(self, what: str, work: Callable[[ClientSession], Awaitable[T]], patience: float | None = None) -> T:
        """Return what the server answers. Raises the errors of Octo alone."""
        self.check()
        seconds = patience or self.settings.patience
        try:
            async with asyncio.timeout(seconds):
                return await work(self._client.session)
        except TimeoutError:
            raise Timeout(f"{self.place}: {what} took longer than {seconds:g}s", code=codes.TOO_SLOW) from None
        except (MCPError, ValidationError, RuntimeError) as error:
            raise self._error(error, what) from error

    async def send(self, what: str, request: Any, kind: Any, patience: float | None = None) -> Any:
        """Return the answer to a request, of this kind. Raises `Permanent` if the request has no JSON form.

        The SDK would find that out where it ends the session.
        """
        try:
            request.model_dump_json(by_alias=True)
        except (ValueError, RecursionError) as error:
            text = f"{what}: what is sent has no JSON form: half characters, or too many levels"
            raise Permanent(text, code=codes.BAD_ARGUMENTS) from error
        return await self.ask(what, lambda session: session.send_request(request, kind), patience)

    async def call(
        self,
        tool: Tool,
        arguments: Mapping[str, Any],
        answers: Mapping[str, Any] | None = None,
        state: str | None = None,
        meta: Mapping[str, str] | None = None,
        patience: float | None = None,
    ) -> Called:
        """Call a tool. answers, state: those of a call before that was answered with questions."""
        params = types.CallToolRequestParams.model_validate(
            {
                "name": tool.original,
                "arguments": dict(arguments),
                "inputResponses": answers,
                "requestState": state,
                "_meta": meta or None,
            }
        )
        request = types.CallToolRequest(params=params)
        what = f"the tool {tool.original!r}"
        self.floor.calls += 1
        try:
            result: Called = await self.send(what, request, _CALLED, patience)
        except _Stale:
            # The server wants headers that the list of tools tells of, and ours is old.
            self.shelf.outdate()
            await self.shelf.listing()
            result = await self.send(what, request, _CALLED, patience)
        finally:
            self.floor.calls -= 1
        if isinstance(result, types.CallToolResult) and not result.is_error:
            self._verify(tool, result)
        return result

    def _verify(self, tool: Tool, result: types.CallToolResult) -> None:
        """Raise `Permanent` if a structured result does not fit the tool's schema of it.

        Not left to the SDK: its regular expressions would let a server stop this process.
        """
        if tool.output is None:
            return
        faults = tool.output.faults(result.structured_content)
        if faults:
            told = "; ".join(map(str, faults))
            text = f"the result of the tool {tool.original!r} does not fit its own output schema: {told}"
            raise Permanent(text, code=codes.BAD_RESULT)

    async def _fetch(self) -> Fetched:
        """All pages of the list of tools: until there is no further one, or one that was there already."""
        found: list[types.Tool] = []
        seen: set[str] = set()
        keep: float | None = None
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            params = types.PaginatedRequestParams(cursor=cursor)
            page = await self.ask("the list of tools", lambda session, params=params: session.list_tools(params=params))  # type: ignore[misc]
            before = {each.name for each in found}
            found += [each for each in page.tools if each.name not in before]
            if self.is_modern and "ttl_ms" in page.model_fields_set:
                keep = min(page.ttl_ms / 1000, keep if keep is not None else page.ttl_ms / 1000)
            cursor = page.next_cursor
            if cursor is None or cursor in seen or len(found) > MOST_TOOLS:
                break
            seen.add(cursor)
        raw = [
            (each.name, each.description or each.title or "", each.input_schema, each.output_schema) for each in found
        ]
        return Fetched(await asyncio.to_thread(self._listed, raw), keep)

    def _listed(self, raw: list[tuple[str, str, Any, Any]]) -> Listing:
        return listing(raw, self.settings.tools, self.settings.approval, self.place)

    # --- errors --------------------------------------------------------------------------------------------------

    def _error(self, error: Exception, what: str) -> OctoError:
        place = f"{self.place}: {what}: " if what else f"{self.place}: "
        if not isinstance(error, MCPError):
            told = NO_ANSWER if isinstance(error, ValidationError) else masked(str(error))
            return Permanent(f"{place}{told}", code=codes.BROKEN)
        if (behind := self._failures.behind(error)) is not None:
            if isinstance(behind, Disconnected):
                self._connected.lose(str(behind))
            return behind.within(what) if what else behind
        if self._connected.is_lost:
            return self._connected.gone
        if error.message in _GONE:
            self._connected.lose(error.message.lower())
            return self._connected.gone
        return _answered(error, place, what)


class _Stale(Permanent):
    """The server refuses a call because of the headers that were made from an old list of tools."""


def _answered(error: MCPError, place: str, what: str) -> OctoError:
    """The error of a server that is there."""
    if error.code == types.HEADER_MISMATCH:
        return _Stale(f"{place}{error.message}", code=codes.BROKEN)
    if error.code == types.REQUEST_TIMEOUT:
        return Timeout(f"{place}{error.message}", code=codes.TOO_SLOW)
    if error.code == types.CONNECTION_CLOSED and error.message.startswith("SSE stream"):
        return Transient(f"{place}the answer was cut off", code=codes.UNREACHABLE)
    if error.code == types.URL_ELICITATION_REQUIRED and (asked := questions_of(error.data)):
        return InputRequired(what or place, asked, None)
    if error.code == types.PARSE_ERROR and error.message.startswith("Failed to parse"):
        return Permanent(f"{place}{NO_ANSWER}", code=codes.BROKEN)  # the SDK says so, at length
    return Permanent(f"{place}{masked(error.message)} (error {error.code})", code=codes.BROKEN)


@asynccontextmanager
async def opened(settings: Server) -> AsyncIterator[Session]:
    """Connect to the server; leaving closes the session."""
    session = Session(settings)
    async with beside(session.live()):
        await session.ready()  # if it raises, a session that is still connecting is cancelled
        try:
            yield session
        finally:
            await session.close()


def _first(error: BaseException) -> Exception:
    """The first error of a group that has one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)


def _version() -> str:
    from octo import __version__

    return __version__
