"""Every request gets a response, and no response shows internals."""

from __future__ import annotations

import pytest

from octo.operations.guard import Guard
from octo.operations.web import App, Refused, Request, Route, as_json, text


async def show(state, request):
    return as_json({"state": state, **request.parts})


async def last(state, request):
    return text("the last one")


async def refuse(state, request):
    raise Refused(409, "not now")


async def break_(state, request):
    raise KeyError("/etc/secret")


ROUTES = (
    Route("GET", "/traces/last", last),
    Route("GET", "/traces/{id}", show, guarded=True),
    Route("PUT", "/refused", refuse),
    Route("GET", "/broken", break_),
)

OPEN = Guard()


async def ask(method, path, guard=OPEN):
    return await App("s", guard, ROUTES)(Request(method, path, {}, {"host": "localhost"}))


async def test_a_path_may_have_parts_and_the_first_route_that_fits_answers():
    assert (await ask("GET", "/traces/42")).body == b'{\n  "state": "s",\n  "id": "42"\n}\n'
    assert (await ask("GET", "/traces/last")).body == b"the last one\n"
    assert (await ask("HEAD", "/traces/last")).status == 200


@pytest.mark.parametrize("path", ["/nope", "/traces", "/traces/1/2", "//traces/1"])
async def test_an_unknown_path_is_404_and_points_to_the_index(path):
    response = await ask("GET", path)

    assert (response.status, response.body) == (404, b"there is no such path; / lists the paths\n")


async def test_another_method_is_405_with_those_allowed():
    response = await ask("DELETE", "/refused")

    assert (response.status, response.headers) == (405, (("allow", "PUT"),))


async def test_a_refusal_is_told_as_it_is():
    response = await ask("PUT", "/refused")

    assert (response.status, response.body) == (409, b"not now\n")


async def test_an_error_of_a_handler_tells_nothing(caplog):
    response = await ask("GET", "/broken")

    assert (response.status, response.body) == (500, b"internal error; see the log\n")
    assert "/etc/secret" in caplog.text


async def test_a_guarded_route_is_refused_where_the_guard_does_not_trust():
    response = await ask("GET", "/traces/42", Guard(trusts=False))

    assert response.status == 403
    assert b"--admin-token-file" in response.body


async def test_every_route_is_refused_under_a_strange_host():
    assert (await ask("GET", "/traces/last", Guard(frozenset({"ops"})))).status == 403


async def test_the_end_of_a_path_may_be_a_part():
    """With all its slashes; there must be something."""
    route = Route("GET", "/files/{path*}", show)

    assert route.match("/files/a") == {"path": "a"}
    assert route.match("/files/a/b/c.yaml") == {"path": "a/b/c.yaml"}
    assert route.match("/files") is None
    assert route.match("/other/a/b") is None
