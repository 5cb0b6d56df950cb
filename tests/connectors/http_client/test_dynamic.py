"""`rest-dynamic`: the message chooses the request, within what its author allows."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.connectors.http_client import RestDynamic
from octo.core.errors import OctoError
from octo.core.message import Message
from octo.expr import ExprError

GET = {"method": '"GET"', "path": "vars.path"}


async def test_the_message_chooses_everything(calling, upstream):
    """And the answer is that of `rest`."""
    message = Message(
        {"a": 1}, {"method": " patch ", "path": "users/7?x=1", "query": {"q": ["a", 2]}, "head": {"X-A": "b", "X-N": 1}}
    )
    async with calling(baseURL=f"{upstream.url}/v1") as calls:
        answer = await calls.dynamic(
            message, method="vars.method", path="vars.path", query="vars.query", headers="vars.head", body="body"
        )

    request = upstream.requests[0]
    assert (request.method, request.raw_path, upstream.bodies) == ("PATCH", "/v1/users/7?x=1&q=a&q=2", [b'{"a":1}'])
    assert (request.headers["X-A"], request.headers["X-N"]) == ("b", "1")
    assert (answer.body, answer.vars["statusCode"]) == ({"ok": True}, 200)


@pytest.mark.parametrize(
    "path",
    [
        "http://evil.example/",
        "//evil.example/",
        "/a/../b",
        "..",
        "%2e%2e/b",
        "/a/%2E%2e%2fb",
        "/a/%252e%252e/b",
        "/a/..;x/b",
        "\\\\evil.example",
        "/a//b",
        "/a\r\nX: y",
        None,
        7.5j,
    ],
)
async def test_no_path_leads_out_of_the_base(calling, upstream, path):
    """In any spelling."""
    async with calling(baseURL=f"{upstream.url}/v1") as calls:
        with pytest.raises((OctoError, ExprError)):
            await calls.dynamic(Message(vars={"path": path}), **GET)

    assert upstream.requests == []


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/users", True),
        ("users/7", True),
        ("/users/", True),
        ("/users?x=1", True),
        ("/users2", False),
        ("/user", False),
        ("/users%2f7", False),
        ("/admin?/users", False),
        ("/USERS", False),
        ("", False),
        ("/users/../admin", False),
    ],
)
async def test_every_path_is_below_the_prefix(calls, upstream, path, allowed):
    """Segment by segment."""
    message = Message(vars={"path": path})
    if allowed:
        await calls.dynamic(message, pathPrefix="/users", **GET)
    else:
        with pytest.raises(OctoError):
            await calls.dynamic(message, pathPrefix="/users/", **GET)

    assert len(upstream.requests) == allowed


@pytest.mark.parametrize(
    ("method", "allow", "sent"),
    [
        ("get", None, True),
        ("OPTIONS", None, True),
        ("TRACE", None, False),
        ("CONNECT", None, False),
        ("GET / HTTP/1.1\r\n", None, False),
        ("", None, False),
        ("DELETE", ["get", "HEAD"], False),
        ("HEAD", ["get", "HEAD"], True),
    ],
)
async def test_only_allowed_methods_are_sent(calls, upstream, method, allow, sent):
    settings = {"method": "vars.method", "path": '"/"', **({"allowMethods": allow} if allow else {})}
    message = Message(vars={"method": method})
    if sent:
        await calls.dynamic(message, **settings)
    else:
        with pytest.raises(OctoError, match="none of `allowMethods`") as caught:
            await calls.dynamic(message, **settings)
        assert caught.value.code == "OCTO-H168"

    assert len(upstream.requests) == sent


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x"}, "OCTO-H168"),
        ({"aUTHORIZATION": "Bearer x"}, "OCTO-H168"),
        ({"Host": "evil"}, "OCTO-H168"),
        ({"Proxy-Authorization": "Basic x"}, "OCTO-H168"),
        ({"Content-Length": "0"}, "OCTO-H168"),
        ({"Transfer-Encoding": "chunked"}, "OCTO-H168"),
        ({"X A": "b"}, "OCTO-H168"),
        ({"X-A\r\nX-B": "b"}, "OCTO-H168"),
        ({"X-A": "b\r\nX-B: c"}, "OCTO-H155"),
        ({"X-A": None}, "OCTO-H168"),
        ({"X-A": [1]}, "OCTO-H168"),
        (["X-A"], "OCTO-H168"),
    ],
)
async def test_headers_that_a_message_may_not_choose(calls, upstream, headers, code):
    with pytest.raises(OctoError) as caught:
        await calls.dynamic(Message(vars={"path": "/", "head": headers}), headers="vars.head", **GET)

    assert (caught.value.code, upstream.requests) == (code, [])


async def test_the_credentials_are_the_connectors_or_those_of_auth(calls, calling, upstream):
    async with calling(auth={"type": "bearer", "token": "of the connector"}) as other:
        await other.dynamic(Message(vars={"path": "/"}), **GET)
    await calls.dynamic(Message(vars={"path": "/"}), auth='"Bearer of-the-block"', **GET)

    sent = [each.headers["Authorization"] for each in upstream.requests]
    assert sent == ["Bearer of the connector", "Bearer of-the-block"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": '"/"'}, "method"),
        ({"method": '"GET"'}, "path"),
        ({**GET, "allowMethods": []}, "at least 1"),
        ({**GET, "allowMethods": ["FETCH"]}, "is not a method"),
        ({**GET, "pathPrefix": "users"}, "a prefix is a path such as `/users`"),
        ({**GET, "pathPrefix": "/a/.."}, "a prefix is a path such as `/users`"),
    ],
)
def test_what_is_wrong_is_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        RestDynamic.model_validate(settings)


@pytest.mark.parametrize(
    ("methods", "effect"),
    [(["GET", "HEAD"], "safe"), (["GET", "DELETE"], "idempotent"), (["PUT", "PATCH"], "once"), (None, "once")],
)
def test_its_effect_is_that_of_its_most_harmful_method(methods, effect):
    more = {"allowMethods": methods} if methods else {}
    assert RestDynamic.model_validate({**GET, **more}).effect == effect


async def test_a_message_may_not_choose_what_the_connector_has(calling, upstream):
    """It would call as somebody else; what it wants to be given is another matter."""
    async with calling(headers={"X-Api-Key": "k1", "Accept": "text/plain"}) as calls:
        with pytest.raises(OctoError, match="x-api-key: the connector has it") as caught:
            await calls.dynamic(Message(vars={"path": "/"}), headers='{"x-api-key": "k2"}', **GET)
        await calls.dynamic(Message(vars={"path": "/"}), headers='{"accept": "text/csv"}', **GET)

    assert caught.value.code == "OCTO-H168"
    sent = [(each.headers["X-Api-Key"], each.headers["Accept"]) for each in upstream.requests]
    assert sent == [("k1", "text/csv")]
