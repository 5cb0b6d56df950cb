"""Routes, each with the action of the policy that it is. A route without one cannot be declared.

Every request goes the same way: who asks, in which workspace, may they; then the answer; then, if it was a write, the
audit log. Somebody who may see nothing of a workspace is told that there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from octo_platform.auth import policy
from octo_platform.auth.throttle import network_of
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.tables import Workspace
from octo_platform.web import repeats
from octo_platform.web.call import Call, workspace_named

ACTION = "x-octo-action"
TOOL = "x-octo-tool"
"""What says in the document of the API that assistants may call the route, and by which name."""
UPLOADS = re.compile(r"/api/v1/workspaces/[^/]+/integrations(?:/[^/]+/archive)?")
"""Paths whose requests may have larger bodies than others: of files, as a zip archive or in JSON."""

LARGEST = 2 << 20
"""Bytes of the body of any other request."""

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Told(BaseModel):
    """A problem, as RFC 9457 writes it. code: stable, for programs."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None


_TOLD = {"model": Told, "description": "What went wrong", "content": {"application/problem+json": {}}}
PROBLEM: dict[int | str, dict[str, Any]] = {"default": _TOLD}


class Guarded(APIRoute):
    """See the module."""

    def get_route_handler(self) -> Endpoint:
        endpoint = super().get_route_handler()
        action = (self.openapi_extra or {})[ACTION]
        assert policy.is_known(action), f"{action} is not in the policy"

        async def handle(request: Request) -> Response:
            call = await _let_in(request, action)
            request.state.call = call
            try:
                with _shared(request, call):
                    response = await repeats.answered_once(request, call, lambda: endpoint(request))
            except Problem as problem:
                await _note(request, call, problem.status)
                raise
            except RequestValidationError:
                await _note(request, call, 422)
                raise
            if repeats.REPLAYED not in response.headers:  # it was noted when it was carried out
                await _note(request, call, response.status_code)
            return response

        return handle


class Routes(APIRouter):
    """The routes of one noun."""

    def __init__(self, tag: str) -> None:
        super().__init__(tags=[tag], route_class=Guarded, responses=dict(PROBLEM))

    def on(self, method: str, path: str, action: str, *, tool: bool = False, **extra: Any) -> Callable[[Any], Any]:
        """Declare a route, e.g. `@routes.on("GET", "/workspaces", "workspaces.list")`.

        tool: whether assistants may call it, by the name of its function; see `octo_platform.mcp`.
        """
        extra.setdefault("response_model_exclude_none", True)

        def declare(function: Any) -> Any:
            told = {ACTION: action, **({TOOL: function.__name__} if tool else {}), **extra.pop("openapi", {})}
            return self.api_route(path, methods=[method], openapi_extra=told, **extra)(function)

        return declare


@contextmanager
def _shared(request: Request, call: Call) -> Iterator[None]:
    """A share of what may be under way, before the body is read. Raises `Problem` if there is none."""
    installation, who = call.installation, holder(request, call)
    with ExitStack() as stack:
        stack.enter_context(installation.requests.taken(who))
        if _is_large(request):
            stack.enter_context(installation.uploads.taken(who))
        yield


def _is_large(request: Request) -> bool:
    if request.method == "GET" or not UPLOADS.fullmatch(request.url.path):
        return False
    length = request.headers.get("content-length", "")
    return not length.isdigit() or int(length) > LARGEST


def holder(request: Request, call: Call) -> str:
    """Whose share it is: of the person, with all their keys; of the address where nobody is signed in."""
    if call.principal is not None:
        return call.principal.id
    return network_of(request.client.host if request.client else "")


async def _let_in(request: Request, action: str) -> Call:
    installation: Installation = request.app.state.installation
    address = request.client.host if request.client else ""
    principal = await installation.identity.of(request.headers, request.cookies, address)
    name = request.path_params.get("workspace")
    if action not in policy.OPEN and principal is None:
        await _refuse_unknown(installation)
    call = Call(installation, principal, None, action, request.state.id, request.url.path)
    if name is not None:
        call.workspace = await _workspace(call, request, name)
    workspace = call.workspace
    if action not in policy.OPEN:
        assert principal is not None
        if principal.way in ("cookie", "local"):
            by_cookie = principal.way == "cookie"
            installation.identity.same_site(request.method, request.headers, by_cookie=by_cookie)
        if not principal.may(action, workspace.id if workspace else None):
            await _note(request, call, 403)
            raise Problem("not-allowed", f"`{action}` needs {_needed(action)}")
    return call


def _needed(action: str) -> str:
    if action in policy.KEYED:
        return "an API key"
    return f"one of the roles {', '.join(sorted(policy.POLICY.get(action, policy.ANYBODY)))}"


async def _refuse_unknown(installation: Installation) -> None:
    if not await installation.identity.is_set_up():
        raise Problem("set-up-first")
    raise Problem("not-signed-in").with_headers({"WWW-Authenticate": 'Bearer realm="octo"'})


async def _workspace(call: Call, request: Request, name: str) -> Workspace:
    """The workspace of a request. Raises `Problem`, also for one in which they may nothing."""
    async with call.read() as session:
        found = await workspace_named(session, name)
    if found is None or call.principal is None or not call.principal.roles_in(found.id):
        await _note(request, call, 404)
        raise Problem("not-found", f"there is no workspace {name!r}")
    return found


async def _note(request: Request, call: Call, outcome: int) -> None:
    """Keep a write in the audit log that no transaction of its own has kept: most of all, one that was refused.

    Of those who are not signed in, it has who was refused, so each password that was wrong.
    """
    if call.is_noted or not policy.is_write(request.method, call.action):
        return
    if call.principal is None and not (outcome in (401, 403) and call.installation.strangers.take()):
        return
    async with call.installation.database.write() as session:
        session.add(call.entry(outcome))
