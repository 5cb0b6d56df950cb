"""The `rest` block: what it sends, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl

import pytest
from aiohttp import web

from octo.connectors.http_client import Client, HttpClient, Rest
from octo.core import content
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.core.message import Message
from octo.core.spool import Spool


async def test_request_is_built_from_the_message(calls, upstream):
    """Path, query, headers and body; values that are not text are sent as compact JSON."""
    message = Message({"id": 7, "name": "a&b \u00e9"}, {"tenant": "acme"}, correlation_id="c")
    await calls.rest(
        message,
        method="post",
        path="orders",
        query={"name": "body.name", "filter": "body"},
        headers={"X-Tenant": "vars.tenant"},
        body='{"order": body.id}',
    )

    request = upstream.requests[0]
    assert (request.method, request.path) == ("POST", "/orders")
    assert request.query["name"] == "a&b \u00e9"
    assert json.loads(request.query["filter"]) == message.body
    assert request.headers["X-Tenant"] == "acme"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "octo"
    assert upstream.bodies[0] == b'{"order":7}'


@pytest.mark.parametrize(
    ("settings", "body", "content_type"),
    [
        ({"body": '"as it is"'}, b"as it is", "application/json"),
        ({"body": '"as it is"', "headers": {"Content-Type": '"text/plain"'}}, b"as it is", "text/plain"),
        ({"body": "null"}, b"null", "application/json"),
        ({"body": "[1]", "headers": {"content-type": '"text/x"'}}, b"[1]", "text/x"),
        ({}, b"", None),
    ],
)
async def test_bodies(calls, upstream, settings, body, content_type):
    """A text verbatim, anything else as JSON, unless the author says otherwise."""
    await calls.rest(method="POST", **settings)

    request = upstream.requests[0]
    assert (upstream.bodies[0], request.headers.get("Content-Type")) == (body, content_type)


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("", "", "/"),
        ("", "a", "/a"),
        ("/", "/a/", "/a/"),
        ("/v1", "", "/v1"),
        ("/v1/", "/a", "/v1/a"),
        ("/v1", "a/b?x=1", "/v1/a/b?x=1"),
        ("/v1?key=k", "a?x=1", "/v1/a?key=k&x=1"),
        ("/v1", "items:search", "/v1/items:search"),
        ("/v1", "a b/%2F", "/v1/a%20b/%2F"),
    ],
)
async def test_base_and_path_are_joined_with_one_slash(calling, upstream, base, path, expected):
    """Their queries follow one another."""
    async with calling(baseURL=upstream.url + base) as calls:
        await calls.rest(path=path)

    assert upstream.requests[0].raw_path == expected


@pytest.mark.parametrize(("ours", "theirs"), [("X-A", "x-a"), ("x-a", "X-A"), ("X-A", "X-A")])
async def test_connector_headers_yield_to_the_blocks(calling, upstream, ours, theirs):
    """In any letter case of their names."""
    async with calling(headers={ours: "connector", "X-B": "connector"}) as calls:
        await calls.rest(headers={theirs: '"block"'})

    headers = upstream.requests[0].headers
    assert (headers.getall("X-A"), headers["X-B"]) == (["block"], "connector")


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("headers", "parents", "states"),
    [
        ({}, [PARENT], ["vendor=1"]),
        ({"traceparent": '"own"'}, ["own"], []),
        ({"Traceparent": '"own"'}, ["own"], []),
        ({"TraceState": '"own=1"'}, [], ["own=1"]),
    ],
)
async def test_the_trace_goes_along_unless_the_author_writes_one(calls, upstream, headers, parents, states):
    """Both headers belong together: the author's own, in whatever case, replace the message's."""
    await calls.rest(Message(traceparent=f"{PARENT}\nvendor=1"), headers=headers)

    sent = upstream.requests[0].headers
    assert (sent.getall("traceparent", []), sent.getall("tracestate", [])) == (parents, states)


@pytest.mark.parametrize("value", ["a\0b", "a\nb", "a\rb", "a\x1fb", "a\x7fb", "a\ud800b"])
async def test_control_characters_have_no_place_in_a_header(calls, upstream, value):
    """None but the tab, which is a space."""
    with pytest.raises(Permanent, match="line break or control character"):
        await calls.rest(Message(value), headers={"X-A": "body"})
    await calls.rest(Message("a\tb"), headers={"X-A": "body"})

    assert [request.headers["X-A"] for request in upstream.requests] == ["a\tb"]


async def test_the_type_of_a_raw_body_is_a_header_too(calls, upstream):
    """It may come from a caller."""
    message = Message({"contentType": "text/plain\r\nX-Evil: 1", "rawData": "x"}, raw=True)
    with pytest.raises(Permanent, match="the header Content-Type") as caught:
        await calls.rest(message, method="POST", body="body")

    assert (caught.value.code, upstream.requests) == ("OCTO-H155", [])


async def test_half_a_character_is_not_left_out_of_a_query(calls, upstream):
    """The server would look for something else."""
    with pytest.raises(Permanent, match="the query parameter name has half a character") as caught:
        await calls.rest(Message("a\ud800b"), query={"name": "body"})

    assert (caught.value.code, upstream.requests) == ("OCTO-H156", [])


async def test_a_header_cannot_smuggle_another(calls, upstream):
    """CR and LF end the request before it is sent."""
    with pytest.raises(Permanent, match="X-A") as caught:
        await calls.rest(Message("a\r\nX-Evil: 1"), headers={"X-A": "body"})

    assert caught.value.code == "OCTO-H155"
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("answer", "content_type", "body", "raw"),
    [
        (b'{"id": 9007199254740993}', "application/json", {"id": 9007199254740993}, False),
        (b"123456789012345678901234", "text/plain", 123456789012345678901234, False),
        (b"", "application/json", None, False),
        ("<a>\u00e9</a>".encode(), "text/xml", {"contentType": "text/xml", "rawData": "<a>\u00e9</a>"}, True),
        (
            "\u00e9".encode("latin-1"),
            "text/plain; charset=iso-8859-1",
            {"contentType": "text/plain; charset=iso-8859-1", "rawData": "\u00e9"},
            True,
        ),
    ],
)
async def test_answers_become_bodies(calls, upstream, answer, content_type, body, raw):
    """JSON as a value, an empty answer as null, other text as raw content."""
    upstream.answer = lambda request: web.Response(body=answer, headers={"Content-Type": content_type})

    message = await calls.rest(Message("before", {"kept": 1}, event_id="e", correlation_id="c"))

    assert (message.body, message.raw) == (body, raw)
    assert message.vars == {"kept": 1, "statusCode": 200}
    assert (message.event_id, message.correlation_id) == ("e", "c")


@pytest.mark.parametrize(
    ("data", "kind", "value"),
    [
        (b"\xff\xd8\xff", "image/jpeg", b"\xff\xd8\xff"),
        (b"1", "image/jpeg", b"1"),
        (b"\xff", "text/csv", b"\xff"),
        ("K\u00e4se".encode("iso-8859-1"), "text/csv; charset=ISO-8859-1", "K\u00e4se"),
        ("\ufeff<a/>".encode("utf-16-be"), "application/xml; charset=utf-16", "<a/>"),
    ],
)
async def test_an_answer_that_is_no_json_is_raw_content(calls, upstream, data, kind, value):
    """Text in its charset if its type is one of text, else bytes; sent on, the same bytes with their type."""
    upstream.answer = lambda request: web.Response(body=data, headers={"Content-Type": kind})

    message = await calls.rest()
    await calls.rest(message, method="POST", body="body")

    assert (message.body, message.raw) == ({"contentType": kind, "rawData": value}, True)
    assert (upstream.bodies[1], upstream.requests[1].headers["Content-Type"]) == (data, kind)


@pytest.mark.parametrize(
    ("body", "headers", "sent", "kind"),
    [
        ("b'\\xff'", {}, b"\xff", "application/octet-stream"),
        ("b'\\xff'", {"content-type": "'image/x'"}, b"\xff", "image/x"),
        ("'\u00e9'", {"Content-Type": "'text/csv; charset=iso-8859-1'"}, b"\xe9", "text/csv; charset=iso-8859-1"),
        ("'\u00e9'", {}, b"\xc3\xa9", "application/json"),
        ("{'at': timestamp(0), 'b': b'a'}", {}, b'{"at":"1970-01-01T00:00:00Z","b":"YQ=="}', "application/json"),
    ],
)
async def test_what_is_sent_is_bytes_text_in_its_charset_or_json(calls, upstream, body, headers, sent, kind):
    await calls.rest(method="POST", body=body, headers=headers)

    assert (upstream.bodies, upstream.requests[0].headers.get("Content-Type")) == ([sent], kind)


async def test_a_character_that_the_charset_lacks_is_an_error(calls, upstream):
    with pytest.raises(Permanent, match="the text cannot be written as iso-8859-1") as caught:
        await calls.rest(method="POST", body="'5 \u20ac'", headers={"Content-Type": "'text/csv; charset=iso-8859-1'"})

    assert (caught.value.code, upstream.bodies) == ("OCTO-H156", [])


async def test_large_content_is_streamed_and_sent_again(calls, upstream):
    """With its length, from its beginning, in each attempt."""
    spool = Spool()
    spool.write(b"x" * 3_000_000)
    message = Message(content.raw(spool.finish(), "video/mp4"), raw=True)
    upstream.answers(503, web.Response(text="done"))

    await calls.rest(message, method="PUT", body="body")

    assert upstream.bodies == [b"x" * 3_000_000] * 2
    assert [each.headers["Content-Length"] for each in upstream.requests] == ["3000000"] * 2


async def test_numbers_pass_digit_for_digit(calls, upstream):
    text = f'{{"big":{2**100},"fine":0.1234567890123456789,"far":1e400}}'
    upstream.answer = lambda request: web.Response(text=text, content_type="application/json")

    await calls.rest(await calls.rest(), method="POST", body="body")

    assert upstream.bodies[1] == text.encode()


@pytest.mark.parametrize("content_type", ['text/plain; Charset="ISO-8859-1"', "text/plain;x=y;charset = latin-1"])
async def test_the_charset_of_an_answer_is_read_as_it_may_be_written(calls, upstream, content_type):
    """In quotes, in any case, among others."""
    upstream.answer = lambda request: web.Response(
        body="\u00e9".encode("latin-1"), headers={"Content-Type": content_type}
    )

    assert (await calls.rest()).body == {"contentType": content_type, "rawData": "\u00e9"}


async def test_an_empty_charset_is_utf_8(calls, upstream):
    content_type = 'text/plain; charset=""'
    upstream.answer = lambda request: web.Response(body="\u00e9".encode(), headers={"Content-Type": content_type})

    assert (await calls.rest()).body == {"contentType": content_type, "rawData": "\u00e9"}


async def test_an_answer_in_a_charset_that_nobody_knows_is_bytes(calls, upstream):
    upstream.answer = lambda request: web.Response(body=b"x", headers={"Content-Type": "text/plain; charset=martian"})

    assert (await calls.rest()).body == {"contentType": "text/plain; charset=martian", "rawData": b"x"}


async def test_the_status_replaces_that_of_a_call_before(calls, upstream):
    """The variable has the status of the last call."""
    upstream.answer = lambda request: web.Response(status=202)

    assert (await calls.rest(Message(vars={"statusCode": 500}))).vars == {"statusCode": 202}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Permanent, "OCTO-H150"),
        (404, Permanent, "OCTO-H150"),
        (408, Transient, "OCTO-H151"),
        (425, Transient, "OCTO-H151"),
        (429, Transient, "OCTO-H151"),
        (500, Transient, "OCTO-H151"),
        (503, Transient, "OCTO-H151"),
    ],
)
async def test_error_statuses_are_errors(calls, upstream, status, kind, code):
    """The error path can read the status; the text has no query and at most 200 characters of the answer."""
    upstream.answer = lambda request: web.Response(status=status, text="x" * 500)

    with pytest.raises(kind) as caught:
        await calls.rest(path="/a", query={"token": '"s3cret"'}, statusVar="code")

    assert str(caught.value) == f"rest request to {upstream.url}/a returned {status}: {'x' * 200}"
    assert (caught.value.status, caught.value.vars, caught.value.code) == (status, {"code": status}, code)


async def test_fail_on_error_false_makes_it_a_result(calls, upstream):
    """Then the flow decides what it means."""
    upstream.answer = lambda request: web.json_response({"why": "no"}, status=422)

    message = await calls.rest(failOnError=False)

    assert (message.body, message.vars) == ({"why": "no"}, {"statusCode": 422})


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_too_large_is_an_error_never_cut(calling, upstream, packed):
    """Its size counts after decompression."""
    data = b'"' + b"x" * 1000 + b'"'
    headers = {"Content-Encoding": "gzip"} if packed else {}
    upstream.answer = lambda request: web.Response(body=gzip.compress(data) if packed else data, headers=headers)

    async with calling(maxResponseBytes=1002) as calls:
        assert (await calls.rest()).body == "x" * 1000
    async with calling(maxResponseBytes=1001) as calls:
        with pytest.raises(Permanent, match="larger than `maxResponseBytes`") as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H154"


async def test_what_never_ends_is_not_read_to_its_end(calling, upstream):
    """Beyond the limit the connection is closed, and the server sees it."""
    left = asyncio.Event()

    async def endless(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 1000)
        finally:
            left.set()

    upstream.answer = endless
    async with calling(maxResponseBytes=1000) as calls:
        with pytest.raises(Permanent, match="larger than `maxResponseBytes`") as caught:
            await calls.rest()
        await asyncio.wait_for(left.wait(), 20)

    assert caught.value.status == 200


async def test_an_answer_that_breaks_off_is_transient(calls, upstream):
    """Half an answer is none; a harmless request is repeated."""

    async def half(request):
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x" * 10)
        request.transport.close()
        return answer

    upstream.answer = half
    with pytest.raises(Transient, match="the connection broke") as caught:
        await calls.rest()

    assert caught.value.code == "OCTO-H152"
    assert len(upstream.requests) == 3


async def test_a_host_that_cannot_be_a_name_is_an_error(calling):
    """An error of the request, not a bug."""
    async with calling(baseURL=f"http://{'a' * 64}.test") as calls:
        with pytest.raises(OctoError, match=r"rest request: GET http://a+\.test"):
            await calls.rest()


async def test_no_answer_in_time_is_a_timeout(calling, upstream):
    """It is not tried again, as the time is over."""
    release = asyncio.Event()

    async def hang(request):
        await release.wait()
        return web.Response()

    upstream.answer = hang
    async with calling(timeout="50ms") as calls:
        with pytest.raises(Timeout, match=r"no answer within 0\.05s") as caught:
            await calls.rest()
    release.set()

    assert caught.value.code == "OCTO-H153"
    assert len(upstream.requests) == 1


async def test_cancelling_aborts_the_request(calls, upstream):
    """The server sees the connection close, so a flow's deadline reaches it."""
    entered, aborted = asyncio.Event(), asyncio.Event()

    async def hang(request):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:  # aiohttp cancels the handler of a connection that closed
            aborted.set()

    upstream.answer = hang
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(calls.rest())
        await entered.wait()
        task.cancel()
    await asyncio.wait_for(aborted.wait(), 20)


async def test_nobody_listening_is_transient(calling, port):
    """A server may listen there later."""
    async with calling(baseURL=f"http://127.0.0.1:{port}/a?key=k") as calls:
        with pytest.raises(
            Transient, match=f"rest request: POST http://127.0.0.1:{port}/a: cannot connect: Connection refused"
        ) as caught:
            await calls.rest(method="POST")

    assert caught.value.code == "OCTO-H152"
    assert len(calls.pauses) == 2  # a connection that never was may be tried again, also for POST


async def test_redirects_are_followed_without_credentials_to_strangers(calling, upstream, start):
    """Authorization goes only to the host that it was meant for."""
    stranger = await start()
    upstream.answers(
        web.Response(status=302, headers={"Location": "/b"}),
        web.Response(status=302, headers={"Location": f"{stranger.url}/c"}),
    )
    async with calling(auth={"type": "bearer", "token": "t"}, privateAddresses="allow") as calls:
        message = await calls.rest(path="/a")

    assert message.body == {"ok": True}
    assert [request.headers.get("Authorization") for request in upstream.requests] == ["Bearer t", "Bearer t"]
    assert "Authorization" not in stranger.requests[0].headers


async def test_endless_redirects_are_an_error(calls, upstream):
    """A loop of redirects ends with an error."""
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": "/a"})

    with pytest.raises(Permanent, match="too many redirects"):
        await calls.rest()


async def test_cookies_are_not_remembered(calling, upstream):
    """One message's session is not another's. Jars ignore servers without a name, so this one has one."""
    upstream.answer = lambda request: web.Response(headers={"Set-Cookie": "a=b"})

    async with calling(baseURL=upstream.url.replace("127.0.0.1", "localhost")) as calls:
        await calls.rest()
        await calls.rest()

    assert "Cookie" not in upstream.requests[1].headers


async def test_the_surroundings_add_nothing_to_a_request(calls, upstream, monkeypatch, tmp_path):
    """No credentials of a `.netrc`: the configuration alone says what is sent."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    await calls.rest()

    assert "Authorization" not in upstream.requests[0].headers


async def test_idle_connections_are_kept_up_to_the_limit(calling, upstream):
    """The pool limits unused connections, not open ones."""
    peers = []

    def note(request):
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    upstream.answer = note
    async with calling(pool={"maxIdleConnsPerHost": 1}) as calls:
        for _ in range(2):
            await asyncio.gather(*(calls.rest() for _ in range(5)))
        await calls.rest()
        await calls.rest()

    assert len(set(peers[:5])) == 5
    assert peers[-1] == peers[-2]
    assert len(set(peers)) == 9  # of the second five one took the kept connection
    async with calling(pool={"disableKeepAlives": True}) as calls:
        await calls.rest()
        await calls.rest()
    assert peers[-1] != peers[-2]


@pytest.mark.parametrize(
    ("pool", "kept"),
    [
        ({"maxIdleConns": 2}, 2),
        ({"maxIdleConns": 2, "maxIdleConnsPerHost": 3}, 2),
        ({"maxIdleConns": 3, "maxIdleConnsPerHost": 2}, 2),
        ({"maxIdleConns": 3, "maxIdleConnsPerHost": 0}, 3),
        ({"maxIdleConns": 0, "maxIdleConnsPerHost": 3}, 3),
        ({"maxIdleConns": 0, "maxIdleConnsPerHost": 0}, 5),
    ],
)
async def test_the_smaller_limit_of_idle_connections_counts(calling, upstream, pool, kept):
    """0 is no limit. Of five connections used at once, the rest is closed."""
    peers = []

    def note(request):
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    upstream.answer = note
    async with calling(pool=pool) as calls:
        for _ in range(2):
            await asyncio.gather(*(calls.rest() for _ in range(5)))

    assert len(set(peers[:5]) & set(peers[5:])) == kept


async def test_an_idle_connection_ends_at_its_time(calling, upstream):
    """In this test at once."""
    peers = []

    def note(request):
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    upstream.answer = note
    async with calling(pool={"idleConnTimeout": "0s"}) as calls:
        await calls.rest()
        await calls.rest()

    assert peers[0] != peers[1]


async def test_open_connections_are_not_limited(calls, upstream):
    """A hundred slow answers do not keep the next request from being sent."""
    everybody = asyncio.Event()

    async def together(request):
        if len(upstream.requests) == 101:
            everybody.set()
        await everybody.wait()
        return web.Response()

    upstream.answer = together
    async with asyncio.timeout(20):
        await asyncio.gather(*(calls.rest() for _ in range(101)))


async def test_idle_connections_to_all_servers_count_together(calling, upstream, start):
    """A redirect leads to another server; keeping its connection, too, would exceed the limit."""
    peers = []

    def note(request):
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    def send_on(request):
        note(request)
        return web.Response(status=302, headers={"Location": stranger.url})

    stranger = await start()
    stranger.answer, upstream.answer = note, send_on
    async with calling(pool={"maxIdleConns": 1}, privateAddresses="allow") as calls:
        await calls.rest()
        await calls.rest()

    first, second, first_again, second_again = peers
    assert first == first_again
    assert second != second_again


async def test_a_wrong_certificate_is_permanent(calling, secure):
    """No authority has signed this one: trying again cannot help, and the request was never sent."""
    async with calling(baseURL=secure.url) as calls:
        with pytest.raises(Permanent, match=f"rest request: GET {secure.url}/?: .*self.signed certificate") as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H158"
    assert (calls.pauses, secure.requests) == ([], [])


async def test_an_authority_of_ones_own_is_trusted_for_its_names(calling, secure, certificate):
    """`tls.ca` replaces the machine's authorities; a name that is not in the certificate is still refused."""
    async with calling(baseURL=secure.url, tls={"ca": str(certificate)}) as calls:
        assert (await calls.rest()).body == {"ok": True}
    async with calling(baseURL=secure.url.replace("localhost", "127.0.0.1"), tls={"ca": str(certificate)}) as calls:
        with pytest.raises(Permanent, match=r"not valid for '127\.0\.0\.1'") as caught:
            await calls.rest()

    assert caught.value.code == "OCTO-H158"


async def test_a_host_header_says_nothing_of_the_connection(calling, secure, certificate):
    """The certificate must be that of the address, and requests with other hosts go over the same connection."""
    async with calling(baseURL=secure.url, tls={"ca": str(certificate)}) as calls:
        for host in ("tenant-a.example", "tenant-b.example:8443", "[::1]:80"):
            await calls.rest(Message({"host": host}), headers={"Host": "body.host"})

    assert [each.headers["Host"] for each in secure.requests] == [
        "tenant-a.example",
        "tenant-b.example:8443",
        "[::1]:80",
    ]
    assert len({id(each.protocol) for each in secure.requests}) == 1


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a\r\nX: y", "a:b", "ü.example", "[::1"])
async def test_a_host_of_a_message_must_be_one(calling, upstream, host):
    async with calling() as calls:
        with pytest.raises(Permanent, match=r"header host ") as caught:
            await calls.rest(Message(host), headers={"host": "body"})

    assert caught.value.code == "OCTO-H155"
    assert upstream.requests == []


async def test_a_host_of_the_connector_gives_way_to_that_of_the_block(calling, upstream):
    async with calling(headers={"Host": "one.example"}) as calls:
        await calls.rest()
        await calls.rest(headers={"host": "'two.example'"})

    assert [each.headers["Host"] for each in upstream.requests] == ["one.example", "two.example"]


async def test_whoever_asks_for_it_trusts_any_certificate(calling, secure):
    """`insecureSkipVerify`, for tests."""
    async with calling(baseURL=secure.url, tls={"insecureSkipVerify": True}) as calls:
        assert (await calls.rest()).body == {"ok": True}


async def test_a_server_that_asks_for_a_certificate_gets_that_of_the_settings(calling, start, certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    upstream = await start(context)
    url, file = upstream.url.replace("127.0.0.1", "localhost"), str(certificate)
    async with calling(baseURL=url, tls={"ca": file, "cert": file, "key": file}) as calls:
        assert (await calls.rest()).body == {"ok": True}
    async with calling(baseURL=url, tls={"ca": file}) as calls:
        with pytest.raises(OctoError):
            await calls.rest()
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_that_cannot_be_read_is_a_start_error(calling, tmp_path, content):
    """At the start, not at the first message."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(OctoError, match=f"`tls.ca`: cannot use {file}: ") as caught:
        async with calling(tls={"ca": str(file)}):
            pass

    assert caught.value.code == "OCTO-H158"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"path": "https://other.example/a"}, "below the connector's `baseURL`"),
        ({"path": "//other.example/a"}, "below the connector's `baseURL`"),
        ({"path": "a/../../b"}, "would lead out"),
        ({"method": "GTE"}, "did you mean GET"),
        ({"headers": {"a b": '"x"'}}, "not a header name"),
        ({"headers": {"content-length": '"x"'}}, "written by the connector itself"),
        ({"headers": {"Transfer-Encoding": '"x"'}}, "written by the connector itself"),
        ({"headers": {"CONNECTION": '"x"'}}, "written by the connector itself"),
        ({"statusVar": ""}, "at least 1"),
        ({"urll": "x"}, "Extra inputs"),
    ],
)
def test_rest_refuses(settings, why):
    """A mistake is found when the flow is built."""
    with pytest.raises(ValueError, match=why):
        Rest.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "Field required"),
        ({"baseURL": "/a"}, "absolute address"),
        ({"baseURL": "ftp://a"}, "absolute address"),
        ({"baseURL": "http://user:pw@a", "auth": {"type": "bearer", "token": "t"}}, "under `auth`"),
        ({"baseURL": "http://:pw@a"}, "under `auth`"),
        ({"baseURL": "http://a", "headers": {"Host": "a b"}}, "a name or an address"),
        ({"baseURL": "http://a", "headers": {"Host": "a/../b"}}, "a name or an address"),
        ({"baseURL": "http://a", "correlationIdHeader": "Host"}, "names the server"),
        ({"baseURL": "http://a", "headers": {"X": "a\nb"}}, "control characters"),
        ({"baseURL": "http://a", "auth": {"type": "digest"}}, "Input should be"),
        ({"baseURL": "http://a", "auth": {"type": "bearer"}}, "`bearer` needs `token`"),
        ({"baseURL": "http://a", "auth": {"type": "bearer", "token": ""}}, "`bearer` needs `token`"),
        ({"baseURL": "http://a", "auth": {"type": "basic", "password": "p"}}, "`basic` needs `username`"),
        ({"baseURL": "http://a", "auth": {"type": "oauth2", "tokenURL": "http://b"}}, "`oauth2` needs `clientID`"),
        ({"baseURL": "http://a", "auth": {"type": "basic", "username": "u", "token": "t"}}, "does not belong"),
    ],
)
def test_client_refuses(settings, why):
    """Settings that a type of credentials needs are required."""
    with pytest.raises(ValueError, match=why):
        Client.model_validate(settings)


@pytest.mark.parametrize(("written", "seconds"), [({}, 30), ({"timeout": "0s"}, 30), ({"timeout": "5s"}, 5)])
def test_no_timeout_means_the_default(written, seconds):
    assert Client.model_validate({"baseURL": "http://a", **written}).patience == seconds


async def test_opening_sends_nothing(upstream):
    """A server that is down does not keep a flow from starting."""
    async with HttpClient.open(Client.model_validate({"baseURL": upstream.url})):
        pass

    assert upstream.requests == []


async def test_a_request_is_an_effect_of_its_span(calling, upstream, recorded):
    """What was called and how it ended, without the query; for a failure with its code."""
    upstream.answers(web.json_response(1), web.json_response([1, 2, 3]))
    async with calling(maxResponseBytes=5) as calls:
        await calls.rest(path="/a", query={"key": '"secret"'})
        with pytest.raises(Permanent):
            await calls.rest(path="/b")

    assert [(kind, {**details, "seconds": details["seconds"] > 0}) for kind, details in recorded] == [
        ("http", {"method": "GET", "url": f"{upstream.url}/a", "status": 200, "seconds": True}),
        ("http", {"method": "GET", "url": f"{upstream.url}/b", "status": 200, "error": "OCTO-H154", "seconds": True}),
    ]


@pytest.mark.parametrize(
    ("connector", "headers", "correlation", "sent"),
    [
        ({}, {}, "c1", {"x-correlation-id": "c1"}),
        ({}, {}, "", {}),
        ({}, {}, "\u00e9", {}),
        ({"correlationIdHeader": "X-Request-Id"}, {}, "c1", {"x-request-id": "c1"}),
        ({"correlationIdHeader": ""}, {}, "c1", {}),
        ({}, {"x-correlation-ID": '"mine"'}, "c1", {"x-correlation-id": "mine"}),
        ({"headers": {"X-Correlation-Id": "fixed"}}, {}, "c1", {"x-correlation-id": "fixed"}),
    ],
)
async def test_the_correlation_id_is_sent_on(calling, upstream, connector, headers, correlation, sent):
    """Unless it is switched off, or the author sends that header."""
    async with calling(**connector) as calls:
        await calls.rest(Message(None, correlation_id=correlation), headers=headers)

    names = ("x-correlation-id", "x-request-id")
    found = {name.lower(): value for name, value in upstream.requests[0].headers.items() if name.lower() in names}
    assert found == sent
