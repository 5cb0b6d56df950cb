"""Routes, each with the action of the policy that it is. A route without one cannot be declared.

Every request goes the same way: who asks, in which workspace, may they; then the answer; then, if it was a write, the
audit log. Somebody who may see nothing of a workspace is told that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel

from octo_platform.auth import policy
from octo_platform.auth.principal import Principal
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.tables import Workspace
from octo_platform.web import repeats
from octo_platform.web.call import Call, workspace_named

ACTION = "x-octo-action"
TOOL = "x-octo-tool"
"""What says in the document of the API that assistants may call the route, and by which name."""
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
                response = await repeats.answered_once(request, call, lambda: endpoint(request))
            except Problem as problem:
                await _note(request, call, problem.status)
                raise
            except RequestValidationError:
                await _note(request, call, 422)
                raise
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


async def _let_in(request: Request, action: str) -> Call:
    installation: Installation = request.app.state.installation
    address = request.client.host if request.client else ""
    principal = await installation.identity.of(request.headers, request.cookies, address)
    name = request.path_params.get("workspace")
    if action not in policy.OPEN and principal is None:
        await _refuse_unknown(installation)
    workspace = await _workspace(installation, principal, name) if name is not None else None
    call = Call(installation, principal, workspace, action, request.state.id, request.url.path)
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


async def _workspace(installation: Installation, principal: Principal | None, name: str) -> Workspace:
    async with installation.database.read() as session:
        found = await workspace_named(session, name)
    if found is None or principal is None or not principal.roles_in(found.id):
        raise Problem("not-found", f"there is no workspace {name!r}")
    return found


async def _note(request: Request, call: Call, outcome: int) -> None:
    """Keep a write in the audit log that no transaction of its own has kept: most of all, one that was refused."""
    if request.method in ("GET", "HEAD") or call.principal is None or call.is_noted:
        return
    async with call.installation.database.write() as session:
        session.add(call.entry(outcome))
