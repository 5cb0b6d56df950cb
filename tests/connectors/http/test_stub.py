"""Requests without a network: everything of the connector is real but the port."""

from __future__ import annotations

import asyncio
import sys

import pytest
from pydantic import ValidationError

from octo.connectors.http.stub import Request
from octo.core.errors import Permanent
from octo.testing.clock import virtual

SHOP = """
connectors:
  - {name: p, type: probe}
  - name: api
    type: http
    settings:
      port: 1
      basePath: /v1
      requestTimeout: 30s
      responseHeaders: {X-Served-By: octo}
      cors: {allowedOrigins: ["https://shop.example"]}
flows:
  - name: take
    source:
      connector: api
      type: http
      settings: {path: /orders, methods: [POST], headers: [X-Tenant], responseHeaders: [Location], maxBodyBytes: 100}
    process:
      - type: set-variable
        settings: {name: httpStatus, value: "201"}
      - type: set-variable
        settings: {name: Location, value: '"/v1/orders/" + body.id'}
      - type: set-payload
        settings: {value: '{"id": body.id, "tenant": vars["X-Tenant"], "dry": vars.query.?dry.orValue("")}'}
  - name: show
    source: {connector: api, type: http, settings: {path: "/orders/{id}", methods: [GET]}}
    process:
      - type: set-payload
        settings: {value: '{"id": vars.id}'}
  - name: slow
    source: {connector: api, type: http, settings: {path: /slow, timeout: 5s}}
    process:
      - {type: wait, connector: p, settings: {for_: never}}
  - name: plain
    source: {connector: api, type: http, settings: {path: /plain, rawBody: true}}
  - name: gone
    source: {connector: api, type: http, settings: {path: /gone}}
    process:
      - type: filter
        settings: {expr: "false"}
  - name: broken
    source: {connector: api, type: http, settings: {path: /broken}}
    process:
      - {type: fail, connector: p, settings: {text: secret detail}}
"""


@virtual()
async def test_a_request_runs_its_flow_and_answers_as_the_server_would(stubbed):
    given = {"X-Tenant": "acme", "X-Correlation-Id": "c1"}
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("take", json={"id": "7"}, query={"dry": True}, headers=given)

    assert reply == {
        "status": 201,
        "headers": {
            "content-type": "application/json",
            "x-served-by": "octo",
            "vary": "Origin",
            "x-correlation-id": "c1",
            "location": "/v1/orders/7",
        },
        "body": {"id": "7", "tenant": "acme", "dry": "true"},
    }


@virtual()
async def test_no_port_is_opened_and_no_server_loaded(stubbed, monkeypatch):
    """The configured port, 1, could not even be bound; and the server's library is not imported."""
    monkeypatch.setitem(sys.modules, "httptools", None)
    monkeypatch.delitem(sys.modules, "octo.connectors.http.connection", raising=False)
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("show", path="/v1/orders/7")

    assert reply["body"] == {"id": "7"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"path": "/v1/orders/7?x=1"}, 200),
        ({"path": "/v1/orders/a%20b"}, 200),
        ({"path": "/orders/7"}, 404),
        ({"path": "/v1/orders/7", "method": "DELETE"}, 405),
        ({"path": "/v1/orders", "json": {"id": "x" * 200}}, 413),
        ({"path": "/v1/orders", "method": "POST", "headers": {"Content-Length": 101}}, 413),
        ({"path": "/v1/orders", "text": "{"}, 400),
        ({"path": "/v1/gone"}, 204),
        ({"path": "/v1/broken"}, 500),
        ({"path": "/v1/slow"}, 504),
    ],
)
@virtual()
async def test_whatever_the_server_refuses_is_refused(stubbed, request_, status):
    """Routes, methods, limits, parsing, deadlines and failures: the code that answers is the real one."""
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("show", **request_)

    assert reply["status"] == status
    assert "secret detail" not in str(reply)


@virtual()
async def test_a_deadline_passes_in_virtual_time(stubbed):
    """The five seconds of the route's `timeout` take no real time."""
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("slow")

        assert (reply["status"], reply["body"]["error"]) == (504, "flow timed out")
        assert asyncio.get_running_loop().time() == 5.0
        assert app.kinds("slow") == ["started", "failed"]


@virtual()
async def test_a_caller_who_stops_in_the_middle_of_a_body_is_408(stubbed):
    """And the connection, with the rest of the body perhaps still on its way, serves no other request."""
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("take", text='{"id"', headers={"Content-Length": 50})

        assert (reply["status"], reply["headers"]["connection"]) == (408, "close")
        assert asyncio.get_running_loop().time() == 30.0


@virtual()
async def test_a_caller_who_goes_away_cancels_the_flow(stubbed):
    async with stubbed(SHOP, api={}) as app:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await app.trigger("slow")
        await asyncio.sleep(0.1)

        assert app.kinds("slow") == ["started", "failed"]
        assert asyncio.get_running_loop().time() < 2


@virtual()
async def test_cors_is_answered(stubbed):
    origin = {"Origin": "https://shop.example"}
    async with stubbed(SHOP, api={}) as app:
        asked = await app.trigger(
            "show",
            path="/v1/orders/7",
            method="options",
            headers={**origin, "Access-Control-Request-Method": "GET"},
        )
        seen = await app.trigger("show", path="/v1/orders/7", headers=origin)

    assert asked["status"] == 204
    assert "GET" in asked["headers"]["access-control-allow-methods"]
    assert seen["headers"]["access-control-allow-origin"] == "https://shop.example"


@virtual()
async def test_only_flows_that_are_fed_answer(stubbed):
    """One flow under test is one route."""
    async with stubbed(SHOP, only="show", api={}) as app:
        assert (await app.trigger("show", path="/v1/orders/7"))["status"] == 200
        assert (await app.trigger("show", path="/v1/gone"))["status"] == 404


@virtual()
async def test_a_body_is_json_text_or_absent(stubbed):
    """`json: null` is a body of four letters; a text answer stays text; HEAD has none."""
    async with stubbed(SHOP, api={}) as app:
        null = await app.trigger("plain", json=None)
        text = await app.trigger("plain", text="hä", headers={"content-type": "text/csv"})
        nothing = await app.trigger("plain")
        head = await app.trigger("show", path="/v1/orders/7", method="HEAD")

    assert (null["body"], null["headers"]["content-type"]) == (None, "application/json")
    assert (text["body"], text["headers"]["content-type"]) == ("hä", "text/csv")
    assert "body" not in nothing
    assert (head["status"], "body" in head) == (200, False)


@virtual()
async def test_a_body_may_be_bytes_or_text_in_its_charset(stubbed):
    async with stubbed(SHOP, api={}) as app:
        picture = await app.trigger("plain", text=b"\xff\xd8")
        latin = await app.trigger("plain", text="hä", headers={"content-type": "text/csv; charset=iso-8859-1"})

    assert (picture["body"], picture["headers"]["content-type"]) == (b"\xff\xd8", "application/octet-stream")
    assert (latin["body"], latin["headers"]["content-type"]) == ("hä", "text/csv; charset=iso-8859-1")


@virtual()
async def test_a_chunked_body_arrives_too(stubbed):
    async with stubbed(SHOP, api={}) as app:
        reply = await app.trigger("take", json={"id": "7"}, headers={"Transfer-Encoding": "chunked", "X-Tenant": "a"})

    assert reply["status"] == 201


@virtual()
async def test_the_trace_of_the_caller_goes_on(stubbed):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with stubbed(SHOP, api={}) as app:
        await app.trigger("show", path="/v1/orders/7", headers={"traceparent": parent})

        assert app.events[-1].message.traceparent == parent


@virtual()
async def test_a_route_with_parameters_needs_a_path(stubbed):
    async with stubbed(SHOP, api={}) as app:
        with pytest.raises(Permanent, match=r"'/v1/orders/\{id\}' has parameters: give `trigger` a `path`"):
            await app.trigger("show")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"json": None, "text": "x"}, "one body"),
        ({"path": "orders"}, "starts with a slash"),
        ({"path": "/a b"}, "no spaces"),
        ({"method": "FETCH"}, "'FETCH' is not a method; did you mean"),
        ({"headers": {"a": "x\ny"}}, "one line"),
        ({"headers": {"Content-Length": "-1"}}, "number of bytes"),
        ({"body": 1}, "Extra inputs"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(spec, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Request.model_validate(spec)
