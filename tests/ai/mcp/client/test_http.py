"""Bad days of a server at a URL: each ends one call, with an error that says who must act."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp_day import Day, Older, answered, result

from octo.ai.mcp.client import codes
from octo.core.errors import Disconnected, NotConnected, Permanent, Transient


def status(code, text="oops", **headers):
    async def answer(request, message):
        return web.Response(status=code, text=text, headers=headers)

    return answer


async def refused(request, message):
    error = {"code": -32602, "message": "no such thing"}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=400)


async def cut(request, message):
    """A stream that ends before the answer."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": wait for it\n\n")
    request.transport.close()
    return response


async def half(request, message):
    """An answer that is cut in the middle."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"jsonrpc": "2.0", "id"')
    request.transport.close()
    return response


async def dropped(request, message):
    request.transport.close()
    return web.Response()


async def garbage(request, message):
    return web.Response(text='{"jsonrpc": "2.0", "id": 1, "result"', content_type="application/json")


async def page(request, message):
    return web.Response(text="<h1>Welcome</h1>", content_type="text/html")


async def foreign(request, message):
    return result(message, {"resultType": "complete", "content": "not a list"})


async def endless(request, message):
    """More than anybody wants."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(400):
        await response.write(b'"' + b"x" * 20_000)
    return response


async def elsewhere(request, message):
    raise web.HTTPTemporaryRedirect("http://127.0.0.1:1/mcp")


@pytest.fixture
async def day():
    day = Day()
    app = web.Application()
    app.router.add_post("/mcp", day.serve)
    async with TestServer(app) as server:
        day.url = str(server.make_url("/mcp"))
        yield day


BAD = {
    "401": (status(401), Permanent, codes.REFUSED, "answered 401: it refuses the credentials"),
    "403": (status(403), Permanent, codes.REFUSED, "answered 403"),
    "404": (status(404), Permanent, codes.BROKEN, "Not Found"),
    "429": (status(429, **{"Retry-After": "7"}), Transient, codes.NOT_NOW, "answered 429"),
    "500": (status(500), Transient, codes.NOT_NOW, "answered 500"),
    "503": (status(503), Transient, codes.NOT_NOW, "answered 503"),
    "refused": (refused, Permanent, codes.BROKEN, r"no such thing \(error -32602\)"),
    "cut": (cut, Transient, codes.UNREACHABLE, "the answer was cut off"),
    "half": (half, Transient, codes.UNREACHABLE, "MCP server at"),
    "dropped": (dropped, Transient, codes.UNREACHABLE, "MCP server at"),
    "garbage": (garbage, Permanent, codes.BROKEN, "its answer is no answer of MCP"),
    "page": (page, Permanent, codes.BROKEN, "Unexpected content type: text/html"),
    "foreign": (foreign, Permanent, codes.BROKEN, "its answer is no answer of MCP"),
    "endless": (endless, Permanent, codes.TOO_LARGE, "an answer with more than"),
    "elsewhere": (elsewhere, Permanent, codes.BROKEN, "not followed"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_fails_its_call_alone(day, opened, name):
    """Another call that is under way meanwhile is answered, and so is the next."""
    bad, kind, code, text = BAD[name]
    held = asyncio.Event()

    async def later(request, message):
        await held.wait()
        return await answered(request, message)

    async with opened(url=day.url) as client, asyncio.TaskGroup() as tasks:
        listing = await client._link.listing()
        day.answers = [later, bad]
        other = tasks.create_task(client.call("greet", {}))
        while len(day.answers) == 2:
            await asyncio.sleep(0.01)
        dialogue = client._link.dialogue(listing.tools[0], {})

        with pytest.raises(kind, match=text) as caught:
            await dialogue.next()
        held.set()

        assert (await other).content == "hello"
        assert (await client.call("greet", {})).content == "hello"
    assert caught.value.code == code
    assert not isinstance(caught.value, Disconnected)
    if name == "429":
        assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    "answer",
    [
        (404, ""),
        (404, '{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Session not found"}}'),
        (404, '{"jsonrpc": "2.0", "id": 2, "error": {"code": -32001, "message": "Session not found"}}'),
        (400, '{"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": "No valid session ID provided"}}'),
    ],
    ids=["empty", "python", "typescript", "example"],
)
async def test_a_server_that_has_forgotten_the_session(opened, answer):
    """After its restart a server does not know the session: the connection is gone, so it is opened again."""
    older = Older()
    async with older.serving() as settings:
        async with opened(**settings) as client:
            await client.call("greet", {})
            older.knows.clear()
            older.answer = answer
            with pytest.raises(Disconnected, match="does not know the session any more"):
                await client.call("greet", {})
            with pytest.raises(Disconnected):
                client._link.check()
        async with opened(**settings) as client:
            await client.call("greet", {})


@pytest.mark.parametrize("cursor", ["", "again"])
async def test_a_list_that_goes_in_a_circle_ends(day, opened, cursor, caplog):
    """Many servers say after their only page that there is more, and send it again: they are asked twice at most."""
    day.cursor = cursor

    async with opened(url=day.url) as client:
        listing = await client._link.listing()

    assert [each.original for each in listing.tools] == ["greet"]
    assert day.pages == 2
    assert not caplog.records


async def test_credentials_and_headers_are_sent_with_every_request(day, opened):
    async with opened(url=day.url, token="s3cret-token", headers={"X-Team": "blue"}) as client:
        await client.call("greet", {})

    assert len(day.seen) == 3
    assert {each["Authorization"] for each in day.seen} == {"Bearer s3cret-token"}
    assert {each["X-Team"] for each in day.seen} == {"blue"}


async def test_a_certificate_is_checked(day, opened, tmp_path):
    """And the authority that signed it can be named."""
    names = [tmp_path / "cert.pem", tmp_path / "key.pem"]
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tools"
    named = "-addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*made.split(), *named.split(), "-out", names[0], "-keyout", names[1]], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*names)
    app = web.Application()
    app.router.add_post("/mcp", day.serve)
    server = TestServer(app)
    await server.start_server(ssl=context)
    async with server:
        url = f"https://127.0.0.1:{server.port}/mcp"
        with pytest.raises(NotConnected, match="TLS: self-signed certificate"):
            async with opened(url=url):
                pass
        with pytest.raises(Permanent, match=r"`tls.ca`: cannot use"):
            async with opened(url=url, tls={"ca": "/nowhere.pem"}):
                pass
        async with opened(url=url, tls={"ca": str(names[0])}) as client:
            assert (await client.call("greet", {})).content == "hello"


async def test_a_proxy_is_used(day, opened):
    """The address of the server means what it means to the proxy."""
    async with opened(url="http://tools.test/mcp", proxy=day.url.removesuffix("/mcp")) as client:
        assert (await client.call("greet", {})).content == "hello"

    assert {each["Host"] for each in day.seen} == {"tools.test"}


async def test_a_server_that_refuses_the_credentials_is_an_error_at_the_start(opened):
    async def refuse(request):
        return web.Response(status=401)

    app = web.Application()
    app.router.add_post("/mcp", refuse)
    async with TestServer(app) as server:
        with pytest.raises(Permanent, match="answered 401: it refuses the credentials") as caught:
            async with opened(url=str(server.make_url("/mcp"))):
                pass

    assert caught.value.code == codes.REFUSED


async def test_a_token_that_the_server_repeats_is_not_in_an_error(day, opened):
    async def repeats(request, message):
        error = {"code": -32603, "message": json.dumps(dict(request.headers))}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})

    day.answers = [repeats]
    async with opened(url=day.url, token="another-s3cret") as client:
        answer = await client.call("greet", {})

    assert answer.is_error
    assert "Bearer «secret»" in answer.content
    assert "another-s3cret" not in answer.content
