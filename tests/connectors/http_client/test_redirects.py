"""Redirects: how a request goes on, what it takes along, and where it never goes."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from octo.core import content
from octo.core.errors import NotConnected, Permanent, Transient
from octo.core.message import Message
from octo.core.spool import Spool

ALLOW = {"privateAddresses": "allow"}


def to(where, status=302):
    return web.Response(status=status, headers={"Location": where})


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("DELETE", 303, "GET"),
        ("GET", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("HEAD", 301, "HEAD"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "PUT"),
        ("PATCH", 302, "PATCH"),
        ("DELETE", 307, "DELETE"),
    ],
)
async def test_the_method_after_a_redirect(calls, upstream, method, status, then):
    """As browsers do it. A request that became a GET has no body, and no header says it had one."""
    upstream.answers(to("/b", status), web.json_response({}))
    headers = {"Content-Language": "'de'", "X-A": "'kept'", "Idempotency-Key": "'k'"}
    has_body = method in ("POST", "PUT", "PATCH")

    await calls.rest(method=method, path="/a", headers=headers, **({"body": "{'a': 1}"} if has_body else {}))

    last = upstream.requests[1]
    assert (last.method, last.path, last.headers["X-A"]) == (then, "/b", "kept")
    kept = then != "GET" or method == "GET"
    names = ["Content-Type"] * has_body + ["Content-Language", "Idempotency-Key"]
    assert [name in last.headers for name in names] == [kept] * len(names)
    assert upstream.bodies[1] == (b'{"a":1}' if has_body and then == method else b"")
    if not kept:
        assert "Content-Length" not in last.headers


OURS = {"X-Api-Key": "s3cret", "Accept": "text/csv"}
THEIRS = {
    "Host": "'tenant.example'",
    "Cookie": "'s3cret'",
    "X-Tenant": "'s3cret'",
    "Authorization": "'s3cret'",
    "Range": "'bytes=0-9'",
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_to_strangers_goes_only_what_is_harmless(calling, upstream, start, status):
    """Neither the connector's headers nor the block's, nor the trace."""
    stranger = await start()
    upstream.answer = lambda request: to(f"{stranger.url}/b", status)
    trace = Message(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    async with calling(headers=OURS, **ALLOW) as calls:
        await calls.rest(trace, headers=THEIRS)

    sent = {name.lower(): value for name, value in stranger.requests[0].headers.items()}
    host = f"127.0.0.1:{stranger.server.port}"
    assert sent == {
        "host": host,
        "accept": "text/csv",
        "range": "bytes=0-9",
        "accept-encoding": "gzip, deflate",
        "user-agent": "octo",
    }


async def test_the_host_stays_on_the_way_to_the_same_server(calling, upstream):
    upstream.answers(to("/b"), web.json_response({}))
    async with calling() as calls:
        await calls.rest(headers={"Host": "'tenant.example'"})

    assert [each.headers["Host"] for each in upstream.requests] == ["tenant.example"] * 2


async def test_a_way_back_does_not_bring_credentials_back(calling, upstream, start):
    """A stranger who sends us back chooses the address; it must not be asked for in our name."""
    stranger = await start()
    upstream.answers(to(f"{stranger.url}/b"), web.json_response({}))
    stranger.answer = lambda request: to(f"{upstream.url}/delete-all")
    async with calling(headers=OURS, auth={"type": "bearer", "token": "t"}, **ALLOW) as calls:
        await calls.rest()

    first, last = upstream.requests
    assert ("X-Api-Key" in first.headers, "X-Api-Key" in last.headers) == (True, False)
    assert ("Authorization" in first.headers, "Authorization" in last.headers) == (True, False)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_body_goes_to_strangers(calling, upstream, start, method, status):
    """Nor a request that changes something there."""
    stranger = await start()
    upstream.answer = lambda request: to(f"{stranger.url}/b?token=s3cret", status)
    async with calling(**ALLOW) as calls:
        with pytest.raises(Permanent, match=f"answers {status} and redirects to {stranger.url}/b; not foll") as caught:
            await calls.rest(method=method, **({} if method == "DELETE" else {"body": "'b'"}))

    assert (caught.value.code, caught.value.status, stranger.requests) == ("OCTO-H161", status, [])


@pytest.mark.parametrize("status", [307, 308])
async def test_on_the_same_server_all_goes_along(calling, upstream, status):
    """Large content, too: from its beginning."""
    spool = Spool()
    spool.write(b"x" * 3_000_000)
    message = Message(content.raw(spool.finish(), "video/mp4"), raw=True)
    upstream.answers(to("/b", status), web.json_response({}))
    async with calling(headers=OURS) as calls:
        await calls.rest(message, method="POST", body="body")

    assert upstream.bodies == [b"x" * 3_000_000] * 2
    assert upstream.requests[1].headers["X-Api-Key"] == "s3cret"


async def test_never_makes_a_redirect_the_result(calling, upstream):
    """With its status and its body."""
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": "/b"}, text="moved")
    async with calling(followRedirects="never") as calls:
        message = await calls.rest()

    assert (message.vars["statusCode"], message.body["rawData"]) == (302, "moved")
    assert len(upstream.requests) == 1


async def test_same_origin_stays_there(calling, upstream, start):
    """Another port is another server."""
    stranger = await start()
    upstream.answers(to("/b"), to(stranger.url))
    async with calling(followRedirects="same-origin", **ALLOW) as calls:
        with pytest.raises(Permanent, match="another server, and `followRedirects` is `same-origin`"):
            await calls.rest(path="/a")

    assert (len(upstream.requests), stranger.requests) == (2, [])


async def test_never_from_https_to_http(calling, secure, upstream, certificate):
    """Not even on the same host."""
    secure.answer = lambda request: to(upstream.url.replace("127.0.0.1", "localhost"))
    async with calling(baseURL=secure.url, tls={"ca": str(certificate)}, **ALLOW) as calls:
        with pytest.raises(Permanent, match="without TLS everyone on the way can read and change it"):
            await calls.rest()

    assert upstream.requests == []


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("ftp://example.com/x", "redirects to ftp://example.com/x, which is no address of HTTP"),
        ("mailto:a@example.com", "which is no address of HTTP"),
        ("file:///etc/passwd", "which is no address of HTTP"),
        ("http://[::1", "no address"),
        ("http://h:99999/", "no address"),
        ("http://xn--/", "no address"),
        ("http://a..b/", "its host is neither a name nor an address"),
        ("http://user:s3cret@example.com/", "redirects to example.com with credentials in the address"),
        ("x:" + "y" * 5000, "no address"),
    ],
)
async def test_an_address_that_cannot_be_used_is_named(calls, upstream, location, why):
    """The error is short and shows no credentials."""
    upstream.answer = lambda request: to(location)

    with pytest.raises(Permanent, match=why) as caught:
        await calls.rest()

    assert caught.value.code == "OCTO-H159"
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("headers", [{}, {"Location": ""}])
@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_to_nowhere_is_an_answer(calls, upstream, status, headers):
    """There is nothing to follow."""
    upstream.answer = lambda request: web.Response(status=status, headers=headers)

    assert (await calls.rest()).vars["statusCode"] == status


@pytest.mark.parametrize(
    "more", [{"text": "x" * 3_000_000}, {"body": b"x", "headers": {"Location": "/b", "Content-Encoding": "br"}}]
)
async def test_the_body_of_a_redirect_is_nobodys(calls, upstream, more):
    """Neither too large nor undecodable."""
    upstream.answers(web.Response(**{"status": 302, "headers": {"Location": "/b"}, **more}), web.json_response("there"))

    assert (await calls.rest(path="/a")).body == "there"


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("/p%2Fq%7e?sig=a%2fb%2B%3D&y=a+b;c", "/p%2Fq%7e?sig=a%2fb%2B%3D&y=a+b;c"),
        ("?page=2", "/a/b?page=2"),
        ("c#part", "/a/c"),
        ("/a b/\u00e9", "/a%20b/%C3%A9"),
    ],
)
async def test_an_address_is_asked_for_as_it_is_written(raw, calling, location, asked):
    """It may be signed. Only what has no place in an address is encoded."""
    raw.answer(b"HTTP/1.1 302 F\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n", raw.ok(b"1"))
    async with calling(baseURL=raw.url) as calls:
        assert (await calls.rest(path="/a/b")).body == 1

    assert raw.heads[1].split()[1] == asked


async def test_ten_are_followed(calls, upstream):
    """The eleventh is one too many."""
    upstream.answer = lambda request: (
        web.json_response("there") if request.path == "/10" else to(f"/{int(request.path[1:]) + 1}")
    )

    assert (await calls.rest(path="/0")).body == "there"
    assert len(upstream.requests) == 11


async def test_too_many_are_an_error_that_names_the_circle(calls, upstream):
    """Without the queries, which may have secrets."""
    upstream.answer = lambda request: to("/b?s3cret" if request.path == "/a" else "/a")

    with pytest.raises(Permanent, match="too many redirects: more than 10, in a circle: http") as caught:
        await calls.rest(path="/a")

    base = upstream.url
    assert str(caught.value).endswith(f"in a circle: {base}/b -> {base}/a -> {base}/b")
    assert len(upstream.requests) == 11


async def test_too_many_without_a_circle(calls, upstream):
    """The error names the last."""
    upstream.answer = lambda request: to(f"/{len(upstream.requests)}")

    with pytest.raises(Permanent, match=r"more than 10, the last to .*/11"):
        await calls.rest()


async def test_what_was_carried_out_is_not_sent_again_for_what_follows(calls, upstream):
    """The POST was answered; that nobody listens where it redirects does not make it one that was never sent."""
    upstream.answers(to("/b", 303), lambda request: request.transport.abort() or web.Response())
    with pytest.raises(Transient, match="/b: the connection broke") as caught:
        await calls.rest(method="POST", path="/a")

    assert not isinstance(caught.value, NotConnected)
    assert [request.method for request in upstream.requests] == ["POST", "GET"]


async def test_nor_if_no_connection_can_be_made_there(calling, upstream, port):
    """To the next server."""
    upstream.answer = lambda request: to(f"http://127.0.0.1:{port}/b", 303)
    async with calling(**ALLOW) as calls:
        with pytest.raises(Transient, match="cannot connect") as caught:
            await calls.rest(method="POST")

    assert not isinstance(caught.value, NotConnected)
    assert (len(upstream.requests), calls.pauses) == (1, [])


async def test_all_of_a_chain_has_the_time_of_one_attempt(calling, upstream):
    """A redirect does not begin it anew."""
    hold = asyncio.Event()

    async def slow(request):
        await hold.wait()
        return web.Response()

    upstream.answers(to("/b"), slow)
    async with calling(timeout="300ms") as calls:
        with pytest.raises(Transient, match=r"/b: no answer within 0\.3s"):
            await calls.rest()
    hold.set()


@pytest.mark.parametrize("headers", [{"Cache-Control": "no-store"}, {"Set-Cookie": "a=b"}, {"Vary": "*"}])
async def test_what_one_answer_of_a_chain_forbids_is_not_kept(calling, upstream, headers):
    """The cache looks at all of them."""
    upstream.answer = lambda request: (
        web.Response(status=302, headers={"Location": "/b", **headers})
        if request.path == "/a"
        else web.json_response(len(upstream.requests))
    )
    async with calling(cache={"enabled": True}) as calls:
        assert [(await calls.rest(path="/a")).body for _ in range(2)] == [2, 4]
