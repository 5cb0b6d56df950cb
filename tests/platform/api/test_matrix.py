"""Each role at each route: what the policy says is what happens, by cookie and by key, here and in other workspaces.

The routes come from the application, so a new one is covered without a line here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from itertools import product
from typing import get_args

import pytest

from octo_platform.api.app import OUTSIDE, PREFIX, SLICES
from octo_platform.auth import policy
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.web.routing import ACTION

ORIGIN = "http://127.0.0.1:8321"
PEOPLE = [role for role in get_args(Role) if role != "runtime"]

LAST = ("session.delete",)
"""What ends the session that asks, and so comes after everything else."""

OF_ITS_OWN = ("session.create", "session.delete", "setup.create", "password.write")
"""Actions that answer 401 or 403 for a reason of their own, e.g. a wrong password."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    action: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def in_workspace(self) -> bool:
        return "{workspace}" in self.path

    def at(self, workspace: str) -> str:
        """A path of it: below this workspace, and with ids of nothing."""
        path = self.path.replace("{workspace}", workspace)
        return re.sub(r"\{[^}]+\}", "01890000-0000-7000-8000-000000000000", path)


def routes(app) -> list[Route]:
    found = [
        Route(method.upper(), path, operation[ACTION])
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    ]
    return sorted(found, key=lambda each: (each.action in LAST, each.name))


async def ask(app, route: Route, workspace: str, headers: dict[str, str]) -> tuple[int, str]:
    """The status, and the code of a problem. A stream is left as soon as it has begun."""
    began = asyncio.Event()
    status, media, body = 0, "", b""
    given = b"{}" if route.method in ("POST", "PUT", "PATCH") else b""
    sent = [{"type": "http.request", "body": given, "more_body": False}]

    async def receive():
        if sent:
            return sent.pop()
        return await asyncio.Event().wait()

    async def send(message):
        nonlocal status, media, body
        if message["type"] == "http.response.start":
            status = message["status"]
            media = dict(message["headers"]).get(b"content-type", b"").decode()
        else:
            body += message.get("body", b"")
        if status and media.startswith("text/event-stream"):
            began.set()

    all_ = {"host": "127.0.0.1:8321", "origin": ORIGIN, "content-type": "application/json", **headers}
    path = route.at(workspace)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": route.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in all_.items()],
        "client": ("127.0.0.1", 4711),
        "server": ("127.0.0.1", 8321),
    }
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(app(scope, receive, send))
        leaving = tasks.create_task(began.wait())
        await asyncio.wait([asking, leaving], return_when=asyncio.FIRST_COMPLETED)
        for each in (asking, leaving):
            each.cancel()
    with contextlib.suppress(ValueError):
        return status, json.loads(body).get("code", "") if "problem" in media else ""
    return status, ""


def expected(route: Route, role: str | None, where: str, workspace: str, *, by_key: bool) -> str:
    """What the policy says: "in", or the code of the problem. where: where they have the role, "*" or a workspace."""
    if route.action in policy.OPEN:
        return "in"
    if route.action in policy.KEYED:
        return "in" if by_key else "not-allowed"
    if route.in_workspace and (role is None or where not in (EVERYWHERE, workspace)):
        return "not-found"
    if by_key and route.action in policy.PERSONAL:
        return "not-allowed"
    if route.action in policy.OWN:
        return "in"
    is_wide = not route.in_workspace or route.action in policy.PLATFORM_WIDE
    is_held = where == EVERYWHERE if is_wide else where in (EVERYWHERE, workspace)
    return "in" if role is not None and is_held and role in policy.POLICY[route.action] else "not-allowed"


def check(route: Route, wanted: str, status: int, code: str) -> str | None:
    """What is wrong; None if nothing is."""
    if wanted == "in" and route.action in OF_ITS_OWN:
        is_right = code not in ("not-allowed", "cross-site")
    elif wanted == "in":
        is_right = status not in (401, 403) and status < 500
    else:
        is_right = code == wanted
    return None if is_right else f"{route.name} ({route.action}): {status} {code}, expected {wanted}"


@pytest.fixture
async def places(house):
    await house.person("boss", "admin")
    return {name: await house.workspace(name) for name in ("sales", "stock")}


async def cookie_of(browser) -> dict[str, str]:
    return {"cookie": "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)}


@pytest.mark.parametrize("by", ["cookie", "key"])
async def test_each_route_lets_in_whom_the_policy_says_and_nobody_else(house, places, by):
    wrong = []
    for role, where in product([*PEOPLE, None], [EVERYWHERE, "sales"]):
        name = f"{role}-{where.strip('*')}"
        browser = await house.signed_in(name, role, places.get(where, where))
        headers = await cookie_of(browser)
        if by == "key":
            headers = {"authorization": (await house.key(browser)).headers["Authorization"]}
        for route in routes(house.app):
            for workspace in ("sales", "stock") if route.in_workspace and where == "sales" else ("sales",):
                wanted = expected(route, role, where, workspace, by_key=by == "key")
                if found := check(route, wanted, *await ask(house.app, route, workspace, headers)):
                    wrong.append(f"{name} in {workspace}: {found}")
    assert wrong == []


async def test_who_has_not_signed_in_reaches_only_what_is_open(house, places):
    for route in routes(house.app):
        status, code = await ask(house.app, route, "sales", {})
        if route.action in policy.OPEN:
            assert check(route, "in", status, code) is None
        else:
            assert (status, code) == (401, "not-signed-in"), route.name


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer octo_" + "A" * 43},
        {"authorization": "Bearer octod_" + "A" * 43},
        {"authorization": "Basic YW5uOmFubg=="},
        {"cookie": "octo-session=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJyb2xlcyI6eyIqIjoiYWRtaW4ifX0."},
    ],
)
async def test_what_shows_nothing_opens_nothing(house, places, headers):
    for route in routes(house.app):
        if route.action not in policy.OPEN:
            assert (await ask(house.app, route, "sales", headers))[0] in (401, 429), route.name


async def test_a_key_with_one_scope_opens_the_routes_of_that_scope(house, places):
    browser = await house.signed_in("ann", "admin")
    robot = await house.key(browser, scopes=["members.read"], workspace="sales")
    headers = {"authorization": robot.headers["Authorization"]}
    for route in routes(house.app):
        if route.action in policy.OPEN:
            continue
        for workspace in ("sales", "stock") if route.in_workspace else ("sales",):
            status, code = await ask(house.app, route, workspace, headers)
            if workspace == "stock":
                assert code == "not-found", route.name
            elif route.action == "members.read":
                assert status == 200, route.name
            elif route.action in policy.KEYED:
                assert code == "", route.name
            else:
                assert code == "not-allowed", route.name


async def test_a_write_by_cookie_from_another_site_is_refused_at_each_route(house, places):
    browser = await house.signed_in("ann", "admin")
    headers = await cookie_of(browser) | {"origin": "https://evil.example"}
    for route in routes(house.app):
        if route.method != "GET" and route.action not in policy.OPEN:
            assert (await ask(house.app, route, "sales", headers))[1] == "cross-site", route.name


async def test_there_are_routes_and_each_has_an_action_of_the_policy(house):
    declared = {
        (method, prefix + each.path_format)
        for prefix, slices in ((PREFIX, SLICES), ("", OUTSIDE))
        for slice_ in slices
        for each in slice_.routes
        for method in each.methods
    }
    found = routes(house.app)
    assert {(each.method, each.path) for each in found} == declared
    assert all(policy.is_known(each.action) for each in found)
