"""Calls that take long: the client gets a task in place of the result, and asks for it until it has ended.

That is the extension `io.modelcontextprotocol/tasks` of revision 2026-07-28. The server decides: a call that has not
ended after a while becomes a task, if the client has said that it knows tasks. Tasks live as long as the process.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, Self

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import decode_header_value
from mcp_types import methods
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field

from octo.core.message import Message

Context = ServerRequestContext[Message]
Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
Result = types.CallToolResult | types.InputRequiredResult

EXTENSION = "io.modelcontextprotocol/tasks"
MOST = 1_000
"""Tasks that are kept at once. With more, calls are waited for, as by a client that knows no tasks."""
KEPT = 3600.0
"""Seconds for which a task can be asked for after it has ended."""
POLL = 1.0


class Named(types.RequestParams):
    """The parameters of a request about a task."""

    task_id: str = Field(max_length=100)


class Update(Named):
    """Those of one that has answers to what the task asks."""

    input_responses: dict[str, Any] = Field(default_factory=dict)


class Job:
    """A call under way. is_task: whether the client has its task by now, and no response to wait for."""

    def __init__(self, owner: str | None) -> None:
        self.id = secrets.token_urlsafe(18)
        self.owner = owner
        self.is_task = False
        self.status: Status = "working"
        self.pending: dict[str, Any] = {}
        self.result: Result | None = None
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None
        self.created = self.changed = _now()
        self.ended = time.monotonic()
        self._answers: dict[str, Any] = {}
        self._answered = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self.status in ("completed", "failed", "cancelled")

    def become(self, status: Status) -> None:
        """Note that the task has changed. One that is over stays as it is."""
        if not self.is_over:
            self.status, self.changed, self.ended = status, _now(), time.monotonic()

    async def ask(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        """Wait until the client has answered all of these requests. Returns the answers."""
        self.pending, self._answers = dict(requests), {}
        self._answered.clear()
        self.become("input_required")
        await self._answered.wait()
        self.become("working")
        return self._answers

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Take what was asked for; other answers are ignored."""
        for name in answers.keys() & self.pending.keys():
            self._answers[name] = answers[name]
            del self.pending[name]
        if self.status == "input_required" and not self.pending:
            self._answered.set()

    def as_task(self) -> dict[str, Any]:
        return {
            "taskId": self.id,
            "status": self.status,
            "createdAt": self.created,
            "lastUpdatedAt": self.changed,
            "ttlMs": int(KEPT * 1000),
            "pollIntervalMs": int(POLL * 1000),
        }


class Tasks:
    """The tasks of one server. after: seconds that a call may take before it becomes one."""

    def __init__(self, group: asyncio.TaskGroup, after: float) -> None:
        self._group = group
        self._after = after
        self._jobs: dict[str, Job] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls, after: float) -> AsyncIterator[Self]:
        """The tasks, which are cancelled when the context is left."""
        async with asyncio.TaskGroup() as group:
            tasks = cls(group, after)
            try:
                yield tasks
            finally:
                for job in tasks._jobs.values():
                    if job.task is not None:
                        job.task.cancel()

    def join(self, server: Server[Message], owner: Callable[[Context], str | None]) -> None:
        """Let the server answer what clients ask about tasks. owner: says who asks."""
        self._owner = owner
        server.extensions[EXTENSION] = {}
        server.add_request_handler("tasks/get", Named, self._get)
        server.add_request_handler("tasks/update", Update, self._update)
        server.add_request_handler("tasks/cancel", Named, self._cancel)

    async def call(self, context: Context, work: Callable[[Job | None], Awaitable[Result]]) -> Result | dict[str, Any]:
        """Return the result of the work, or a task if it takes long and the client knows tasks."""
        self._forget()
        if not _knows_tasks(context) or len(self._jobs) >= MOST:
            return await work(None)
        job = Job(self._owner(context))
        job.task = self._group.create_task(_done(job, work))
        try:
            await asyncio.wait((job.task,), timeout=self._after)
        except asyncio.CancelledError:
            job.task.cancel()
            raise
        if not job.task.done():
            job.is_task = True
            self._jobs[job.id] = job
            return {"resultType": "task", **job.as_task()}
        if job.error is not None:
            raise job.error
        assert job.result is not None
        return job.result

    async def _get(self, context: Context, params: Named) -> dict[str, Any]:
        job = self._found(context, params)
        found = {"resultType": "complete", **job.as_task()}
        if job.status == "input_required":
            typed = {
                name: each.model_dump(by_alias=True, mode="json", exclude_none=True)
                for name, each in job.pending.items()
            }
            found["inputRequests"] = typed
        if job.status == "completed" and job.result is not None:
            version = context.protocol_version
            found["result"] = methods.serialize_server_result("tools/call", version, _dumped(job.result))
        if job.status == "failed" and job.error is not None:
            found["error"] = modern_error_data(job.error).model_dump(mode="json", exclude_none=True)
        return found

    async def _update(self, context: Context, params: Update) -> dict[str, Any]:
        self._found(context, params).answer(params.input_responses)
        return {"resultType": "complete"}

    async def _cancel(self, context: Context, params: Named) -> dict[str, Any]:
        job = self._found(context, params)
        job.become("cancelled")
        if job.task is not None:
            job.task.cancel()
        return {"resultType": "complete"}

    def _found(self, context: Context, params: Named) -> Job:
        """Return the task. Raises `MCPError` if there is none, it is somebody else's, or the client knows no tasks."""
        if not _knows_tasks(context):
            needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "the client knows no tasks", needed)
        if context.request is not None:
            given = decode_header_value(context.request.headers.get("mcp-name"))
            if given != params.task_id:
                raise MCPError(types.HEADER_MISMATCH, "the header mcp-name is not the taskId of the body")
        self._forget()
        job = self._jobs.get(params.task_id)
        if job is None or job.owner != self._owner(context):
            raise MCPError(types.INVALID_PARAMS, "there is no such task")
        return job

    def _forget(self) -> None:
        """Forget what has ended long ago."""
        now = time.monotonic()
        for job in [each for each in self._jobs.values() if each.is_over and now - each.ended > KEPT]:
            del self._jobs[job.id]


async def _done(job: Job, work: Callable[[Job | None], Awaitable[Result]]) -> None:
    """Do the work and note how it ended. Raises nothing: an error would end the tasks of all clients."""
    try:
        job.result = await work(job)
    except asyncio.CancelledError:
        job.become("cancelled")
        raise
    except Exception as error:  # noqa: BLE001  the client is told, and nothing of the inside
        job.error = error
        job.become("failed")
    else:
        job.become("completed")


def _knows_tasks(context: Context) -> bool:
    client = context.session.client_capabilities
    is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return is_modern and client is not None and EXTENSION in (client.extensions or {})


def _dumped(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
