"""From a request to a message."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tracemalloc
from io import BytesIO

import pytest

from octo.core import content
from octo.core.spool import FOLDER, Content


async def test_path_parameters_query_method_and_headers_become_variables(site):
    """Every request sets `method` and `query`; listed headers are there even when absent."""
    async with site.route(path="/orders/{id}/{rest...}", headers=["X-Tenant", "X-None"]) as inlet:
        await site.ask("PUT", "/orders/a%20b/c/d?x=1&x=2&y=%C3%A9+z&flag&=v&b;c=1", headers={"x-tenant": "acme"})

    assert inlet.messages[0].vars == {
        "id": "a b",
        "rest": "c/d",
        "method": "PUT",
        "query": {"x": "1", "y": "\u00e9 z", "flag": "", "": "v"},
        "queryAll": {"x": ["1", "2"], "y": ["\u00e9 z"], "flag": [""], "": ["v"]},
        "headersAll": {"X-Tenant": ["acme"], "X-None": []},
        "X-Tenant": "acme",
        "X-None": "",
    }
    assert inlet.messages[0].body is None


async def test_query_is_always_there(site):
    """So that `vars.query.x` fails only if x is missing."""
    async with site.route() as inlet:
        await site.ask()

    assert inlet.messages[0].vars == {"method": "GET", "query": {}, "queryAll": {}}


async def test_pairs_of_the_query_that_nobody_can_decode_are_left_out(site):
    """The others are there."""
    async with site.route() as inlet:
        await site.raw(b"GET /?a=%zz&%4=1&b=100%&c=%20d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert inlet.messages[0].vars["query"] == {"c": " d"}


async def test_every_value_is_there_in_its_order(site):
    """Of the query and of the headers; where one value is expected it is the first."""
    request = (
        b"GET /?a=1&b=x&a=2&a=&%61=3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"X-Forwarded-For: 1.1.1.1\r\nCookie: a=1\r\nx-forwarded-for: 2.2.2.2, 3.3.3.3\r\n\r\n"
    )
    async with site.route(headers=["X-Forwarded-For", "X-None"]) as inlet:
        await site.raw(request)

    found = inlet.messages[0].vars
    assert found["query"] == {"a": "1", "b": "x"}
    assert found["queryAll"] == {"a": ["1", "2", "", "3"], "b": ["x"]}
    assert found["X-Forwarded-For"] == "1.1.1.1"
    assert found["headersAll"] == {"X-Forwarded-For": ["1.1.1.1", "2.2.2.2, 3.3.3.3"], "X-None": []}


@pytest.mark.parametrize("value", ["\u00e9", "\u00e9\u20ac\U0001f600"])
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_header_values_that_are_not_ascii_are_text(site, value, charset):
    """In UTF-8, else in Latin-1; and they can go out again."""
    sent = value.encode(charset, "replace")
    async with site.route(headers=["X-Name"], responseHeaders=["X-Name"]) as inlet:
        answer = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Name:  " + sent + b" \r\n\r\n")

    assert inlet.messages[0].vars["X-Name"] == sent.decode(charset)
    assert inlet.messages[0].vars["headersAll"] == {"X-Name": [sent.decode(charset)]}
    assert f"\r\nx-name: {sent.decode(charset)}\r\n".encode() in answer


async def test_the_correlation_id_comes_from_its_header_and_goes_back(site):
    """A caller that sent none gets a fresh one, in the same header."""
    async with site.route(correlationIdHeader="X-Request-Id") as inlet:
        _, given, _ = await site.ask(headers={"X-Request-ID": "abc"})
        _, fresh, _ = await site.ask()
    ids = [message.correlation_id for message in inlet.messages]

    assert ids[0] == given["X-Request-Id"] == "abc"
    assert ids[1] == fresh["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", ids[1])


@pytest.mark.parametrize("sent", ["x" * 129, "\u00e9", "", "   ", "a\tb"])
async def test_a_correlation_id_that_is_not_fit_for_logs_is_replaced(site, sent):
    async with site.route() as inlet:
        head = f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Correlation-Id: {sent}\r\n\r\n"
        answer = await site.raw(head.encode())

    [fresh] = [message.correlation_id for message in inlet.messages]
    assert re.fullmatch("[0-9a-f]{32}", fresh)
    assert f"\r\nx-correlation-id: {fresh}\r\n".encode() in answer


@pytest.mark.parametrize("off", ["", None])
async def test_the_correlation_id_can_be_off(site, off):
    async with site.route(correlationIdHeader=off) as inlet:
        _, headers, _ = await site.ask(headers={"X-Correlation-Id": "abc"})

    assert inlet.messages[0].correlation_id == ""
    assert "X-Correlation-Id" not in headers


@pytest.mark.parametrize(
    "body",
    [
        {"a": [1, 2.5, None, True, "\u00e9"]},
        9007199254740993,
        18446744073709551615,
        -9223372036854775809,
        123456789012345678901234567890,
        {"id": 1234567890123456789012, "card": "1234567890123456789012", "f": 0.1234567890123456789},
        "text",
        [],
    ],
)
async def test_json_arrives_exactly(site, body):
    """No integer is rounded, however long, and it goes out as it came in."""
    async with site.route() as inlet:
        status, _, text = await site.ask("POST", data=json.dumps(body).encode())

    assert inlet.messages[0].body == body
    assert type(inlet.messages[0].body) is type(body)
    assert (status, json.loads(text)) == (200, body)


@pytest.mark.parametrize("data", [b"", b"  \n "])
async def test_empty_body_is_null(site, data):
    """An empty body is no error."""
    async with site.route() as inlet:
        await site.ask("POST", data=data)

    assert inlet.messages[0].body is None


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"{", "not valid JSON"),
        (b"NaN", "not valid JSON"),
        (b"[Infinity]", "not valid JSON"),
        (b"\xff\xff", "not valid JSON"),
        (b"\xff\xfe{", "the content is not utf-16"),
        (b'"\xc3\x28"', "not valid JSON"),
        (b'"\\ud800"', "not valid JSON"),
        (b"[" * 1000 + b"1" * 25 + b"]" * 1000, "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "not valid JSON"),
        (b"1" * 5000, "too many digits"),
    ],
)
async def test_what_is_no_json_never_reaches_the_flow(site, data, detail):
    """It gets 400 with a general reason that quotes nothing."""
    async with site.route() as inlet:
        status, headers, text = await site.ask("POST", data=data)

    assert status == 400
    assert headers["content-type"] == "application/json"
    assert json.loads(text)["error"] == "invalid request body"
    assert detail in json.loads(text)["detail"]
    assert inlet.messages == []


async def test_chunked_bodies_are_read(site):
    """A body may come without a length."""

    async def chunks():
        yield b'{"a":'
        yield b"1}"

    async with site.route() as inlet:
        await site.ask("POST", data=chunks())

    assert inlet.messages[0].body == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\nZZ\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX Trailer: 1\r\n\r\n",
    ],
)
async def test_a_malformed_body_is_not_taken_for_a_whole_one(site, body):
    """`[]` alone would be valid JSON."""
    async with site.route() as inlet:
        answer = await site.raw(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + body)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert inlet.messages == []


@pytest.mark.parametrize(
    ("data", "content_type", "value"),
    [
        ("5 \u20ac".encode("windows-1252") + b' "', "application/json; charset=windows-1252", None),
        ('"\u00e9"'.encode("iso-8859-1"), "application/json; charset=ISO-8859-1", "\u00e9"),
        ('"\u00e9"'.encode("utf-16"), "application/json", "\u00e9"),
        (b'\xef\xbb\xbf"a"', "application/json", "a"),
        (b"0.1234567890123456789", "", 0.1234567890123456789),
    ],
)
async def test_json_is_read_in_its_charset(site, data, content_type, value):
    """A body that is not text in its charset is refused, and so is an unknown charset."""
    async with site.route() as inlet:
        status, _, _ = await site.ask("POST", data=data, headers={"content-type": content_type})
        unknown, _, text = await site.ask("POST", data=b"1", headers={"content-type": "application/json; charset=x-no"})

    assert [each.body for each in inlet.messages] == ([] if value is None else [value])
    assert status == (400 if value is None else 200)
    assert (unknown, json.loads(text)["detail"]) == (400, "not valid JSON: the charset 'x-no' is not known")


async def test_numbers_pass_digit_for_digit(site):
    sent = f'{{"big":{2**100},"fine":0.1234567890123456789,"far":1e400}}'
    async with site.route():
        _, _, text = await site.ask("POST", data=sent.encode())

    assert text == sent


async def test_raw_body_is_text_with_its_type(site):
    """It need not be JSON, and raw content from the flow goes out as it is."""
    async with site.route(rawBody=True) as inlet:
        status, headers, text = await site.ask(
            "POST", data="<a>\u00e9</a>".encode(), headers={"content-type": "text/xml"}
        )
        await site.ask("POST")

    assert inlet.messages[0].body == {"contentType": "text/xml", "rawData": "<a>\u00e9</a>"}
    assert inlet.messages[0].raw
    assert (status, headers["content-type"], text) == (200, "text/xml", "<a>\u00e9</a>")
    assert (inlet.messages[1].body, inlet.messages[1].raw) == (
        {"contentType": "application/octet-stream", "rawData": ""},
        True,
    )


@pytest.mark.parametrize(
    ("data", "content_type", "value"),
    [
        (b"\x89PNG\r\n\x1a\n\0\xff", "image/png", b"\x89PNG\r\n\x1a\n\0\xff"),
        (b"\xff", "text/csv", b"\xff"),
        (b"a", None, b"a"),
        ("K\u00e4se".encode("iso-8859-1"), "text/csv; charset=ISO-8859-1", "K\u00e4se"),
        ("\ufeff<\u00e4/>".encode("utf-16-be"), "application/xml; charset=UTF-16", "<\u00e4/>"),
    ],
)
async def test_raw_bodies_come_back_byte_for_byte(site, data, content_type, value):
    """Text in its charset if its type is one of text, else bytes."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with (
        site.route(rawBody=True) as inlet,
        site.client.request(
            "POST", site.http.url, data=data, headers=headers, skip_auto_headers=["Content-Type"]
        ) as response,
    ):
        back = await response.read()

    kind = content_type or "application/octet-stream"
    assert inlet.messages[0].body == {"contentType": kind, "rawData": value}
    assert (response.status, response.headers["Content-Type"], back) == (200, kind, data)


async def test_a_body_in_tiny_pieces_takes_little_more_room_than_in_large_ones(site):
    """Each piece by itself would take more room than its bytes."""
    lines, size = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 200_000
    async with site.route(rawBody=True) as inlet:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        tracemalloc.start()
        try:
            writer.write(lines + b"2\r\nab\r\n" * (size // 2) + b"0\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        writer.close()

    assert inlet.messages[0].body["rawData"] == b"ab" * (size // 2)
    # The client's own buffers hold what is sent: 7 bytes for 2.
    assert most < 14 * size


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_raw_body_is_spooled(site, chunked):
    """Beyond 1 MiB it is in a file, and goes out again as it came in."""
    data = bytes(range(256)) * 5000

    async def pieces():
        for start in range(0, len(data), 100_000):
            yield data[start : start + 100_000]

    async with (
        site.route(rawBody=True, maxBodyBytes=2_000_000) as inlet,
        site.client.post(
            site.http.url, data=pieces() if chunked else BytesIO(data), headers={"Content-Type": "image/png"}
        ) as response,
    ):
        back = await response.read()

    assert isinstance(content.data(inlet.messages[0].body), Content)
    assert (response.status, back) == (200, data)


async def test_a_large_raw_body_that_ends_early_is_refused(site):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1500000\r\n\r\n"
    async with site.route(rawBody=True, maxBodyBytes=2_000_000) as inlet:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(head + b"x" * 1_200_000)
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert b"400 Bad Request" in answer or answer == b""
    assert inlet.messages == []


async def test_a_body_for_which_the_disk_has_no_room_is_refused(site, monkeypatch, tmp_path, caplog):
    """With a status that says that it may be sent again; the log says where there is no room."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "gone"))
    async with site.route(rawBody=True, maxBodyBytes=2_000_000) as inlet:
        status, headers, text = await site.ask("POST", data=BytesIO(bytes(1_500_000)))

    assert (status, headers["Retry-After"], inlet.messages) == (503, "10", [])
    assert text == '{"error":"no room for the body"}'
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert record.fields["error"].endswith("No such file or directory")


async def test_raw_body_var_holds_what_is_no_text_as_bytes(site):
    """So that a signature over it can be checked."""
    data = '{"a": "\u00e9"}'.encode("iso-8859-1")
    async with site.route(rawBodyVar="payload") as inlet:
        await site.ask("POST", data=data, headers={"content-type": "application/json; charset=iso-8859-1"})

    assert (inlet.messages[0].vars["payload"], inlet.messages[0].body) == (data, {"a": "\u00e9"})


async def test_a_text_that_the_charset_lacks_is_an_error_of_ours(site, caplog):
    """500 without its text; the log says why, and nothing is replaced by a question mark."""
    body = {"contentType": "text/csv; charset=iso-8859-1", "rawData": "5 \u20ac"}
    async with site.route(lambda message: message.with_body(body, raw=True)):
        status, _, text = await site.ask()

    assert (status, json.loads(text)["error"]) == (500, "internal server error")
    assert "cannot write the response" in caplog.text


async def test_raw_body_var_holds_the_exact_text(site):
    """Signatures are computed over bytes, not over values."""
    async with site.route(rawBodyVar="payload") as inlet:
        await site.ask("POST", data=b'{ "a" : 1 }')

    assert inlet.messages[0].vars["payload"] == '{ "a" : 1 }'
    assert inlet.messages[0].body == {"a": 1}


async def test_the_flow_gets_the_routes_timeout(serve):
    """The route's timeout wins over the connector's; 0 means the default."""
    async with (
        serve(requestTimeout="7s") as site,
        site.route(path="/a") as ours,
        site.route(path="/b", timeout="250ms") as own,
    ):
        await site.ask("GET", "/a")
        await site.ask("GET", "/b")
    async with serve(requestTimeout="0s") as site, site.route() as default:
        await site.ask()

    assert (ours.timeouts, own.timeouts, default.timeouts) == ([7.0], [0.25], [30.0])


async def test_base_path_is_in_front_of_every_route(serve):
    """And in the connector's url."""
    async with serve(basePath="/api") as site, site.route(path="/x") as inlet:
        status, _, _ = await site.ask("GET", "/x")
        other = await site.raw(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert status == 200
    assert other.startswith(b"HTTP/1.1 404 ")
    assert len(inlet.messages) == 1


async def test_the_route_of_a_slash_serves_the_base_path_itself(serve):
    async with serve(basePath="/api") as site, site.route(path="/", methods=["GET"]):
        answers = [
            (await site.raw(f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()))[9:12]
            for line in ("GET /api", "GET /api?a=1", "GET /api/", "POST /api", "GET /")
        ]

    assert answers == [b"200", b"200", b"200", b"405", b"404"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/items/a%2Fb", "a/b"),
        ("/items/a%2fb%2Fc", "a/b/c"),
        ("/items/%2F", "/"),
        ("/items/a%3Fb", "a?b"),
        ("/items/a%23b", "a#b"),
        ("/items/a%00b", "a\x00b"),
        ("/items/%2e%2e", ".."),
        ("/items/..", ".."),
        ("/items/%2e%2e%2fother", "../other"),
        ("/items/%252F", "%2F"),
        ("/items/%25", "%"),
        ("/items/a;b=c", "a;b=c"),
        ("/items/a+b%2B", "a+b+"),
        ("/items/%C3%A9", "é"),
        ("/%69tems/a", "a"),
    ],
)
async def test_what_a_value_holds_chooses_no_route(site, path, value):
    """Paths are split first and decoded afterwards, once; also while other routes would match the decoded path."""
    async with (
        site.route(path="/items/{id}") as items,
        site.route(path="/") as everything,
        site.route(path="/items/{id}/{part}") as parts,
        site.route(path="/other") as other,
        site.route(path="/{$}") as root,
    ):
        answer = await site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert [message.vars["id"] for message in items.messages] == [value]
    assert [inlet.messages for inlet in (everything, parts, other, root)] == [[], [], [], []]


@pytest.mark.parametrize("path", ["/items/%ff", "/items/%C3", "/items/%c0%af", "/items/%", "/items/%zz", "/items/%2"])
async def test_escapes_that_mean_nothing_are_400(site, path):
    """Not UTF-8, too short or no hexadecimal digits."""
    async with site.route(path="/items/{id}") as items, site.route(path="/") as everything:
        answer = await site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert items.messages == everything.messages == []


@pytest.mark.parametrize(
    "path", ["/items//a", "/items/a/", "/items/", "/Items/a", "//items/a", "/items%2Fa", "/./items/a"]
)
async def test_paths_that_only_look_alike_are_others(site, path):
    """Nothing is merged, cleaned or folded, so that no proxy's rule for paths can be led round."""
    async with site.route(path="/items/{id}") as items:
        answer = await site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert items.messages == []


async def test_the_rest_of_a_path_is_decoded_by_segments(site):
    """As Go does."""
    async with site.route(path="/files/{rest...}") as files:
        await site.raw(b"GET /files/a%2Fb/%2e%2e//c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert files.messages[0].vars["rest"] == "a/b/..//c"


async def test_a_redirect_keeps_the_escapes(site):
    """Decoded they would be another path."""
    async with site.route(path="/{id}/"):
        answer = await site.raw(b"GET /a%2Fb?c=%2F HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 308 ")
    assert b"\r\nlocation: /a%2Fb/?c=%2F\r\n" in answer


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "image/png", ""])
async def test_an_empty_raw_body_has_an_empty_text(site, kind):
    """`rawData` is there, whatever the content type."""
    async with site.route(rawBody=True) as inlet:
        await site.ask("POST", data=b"", headers={"Content-Type": kind})

    assert inlet.messages[0].body == {"contentType": kind or "application/octet-stream", "rawData": ""}
    assert inlet.messages[0].raw


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "x-gzip", "identity, gzip"])
async def test_a_compressed_body_is_415(site, encoding):
    """With what would be accepted, and before it is read. Raw bodies may be what they are."""
    packed = gzip.compress(b'{"a":1}')
    lines = ("Host: x", "Connection: close", f"Content-Encoding: {encoding}", f"Content-Length: {len(packed)}")
    head = "\r\n".join([*lines, "", ""]).encode()
    async with site.route(path="/json") as json_inlet, site.route(path="/raw", rawBody=True) as raw_inlet:
        refused = await site.raw(b"POST /json HTTP/1.1\r\n" + head + packed)
        taken = await site.raw(b"POST /raw HTTP/1.1\r\n" + head + packed)

    assert refused.startswith(b"HTTP/1.1 415 ")
    assert b"\r\naccept-encoding: identity\r\n" in refused
    assert json_inlet.messages == []
    assert taken.startswith(b"HTTP/1.1 200 ")
    assert raw_inlet.messages[0].body["rawData"] == packed


async def test_identity_is_no_compression(site):
    async with site.route() as inlet:
        status, _, _ = await site.ask("POST", data=b"1", headers={"Content-Encoding": "identity"})

    assert (status, inlet.messages[0].body) == (200, 1)


@pytest.mark.parametrize("body", ['{"a":1,"a":2}', '[{"b":{"a":1,"\\u0061":1}}]', "[" * 2000 + "]" * 2000])
async def test_keys_that_are_there_twice_can_be_refused(site, body):
    """By default the last one counts, as in Python, Go and JavaScript."""
    async with site.route(path="/any") as lax, site.route(path="/once", uniqueKeys=True) as strict:
        await site.ask("POST", "/any", data=body.encode())
        status, _, text = await site.ask("POST", "/once", data=body.encode())
        fine, _, _ = await site.ask("POST", "/once", data=b'{"a":{"a":1},"b":[{"a":1},{"a":2}]}')

    assert [message.body for message in lax.messages] == ([{"a": 2}] if body.startswith("{") else lax_bodies(body))
    assert (status, json.loads(text)["error"]) == (400, "invalid request body")
    assert fine == 200
    assert len(strict.messages) == 1


def lax_bodies(body):
    return [[{"b": {"a": 1}}]] if "b" in body else []


async def test_a_trace_has_one_parent_and_any_number_of_states(site):
    """W3C Trace Context: two parents are none, several states are one list."""
    parent = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    async with site.route() as inlet:
        await site.raw(head + parent + b"tracestate: a=1\r\ntracestate: b=2\r\n\r\n")
        await site.raw(head + parent + parent + b"\r\n")

    assert inlet.messages[0].traceparent.partition("\n")[2] == "a=1,b=2"
    assert inlet.messages[1].traceparent == ""
