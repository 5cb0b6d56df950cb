"""A list of answers in place of a server: which one a request gets; everything else of the connector is real."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from octo.connectors.http_client.rest import Rest
from octo.connectors.http_client.stub import Stub
from octo.core.flow import Failure
from octo.testing.clock import virtual

SHOP = """
connectors:
  - name: shop
    type: http-client
    settings:
      baseURL: https://shop.test/v1
      timeout: 10s
      maxResponseBytes: 200
      retry: {maxAttempts: 3, minBackoff: 1s}
      cache: {enabled: true, ttl: 60s}
      EXTRA: {}
flows:
  - name: get
    process:
      - {type: rest, connector: shop, settings: {path: /orders/7, query: {page: vars.page}}}
  - name: post
    process:
      - {type: rest, connector: shop, settings: {method: POST, path: /orders, body: body}}
""".replace("      EXTRA: {}\n", "")

TOKEN = SHOP.replace(
    "      timeout: 10s\n",
    """      timeout: 10s
      auth:
        type: oauth2
        tokenURL: https://login.test/oauth/token
        clientID: me
        clientSecret: quite-a-secret
""",
)


def order(**answer):
    return {"path": "/orders/7", **answer}


async def fails(app, flow="get", body=None):
    """The error of the block."""
    with pytest.raises(Failure) as caught:
        await app.call(flow, body, {"page": "1"})
    return caught.value.cause


@virtual()
async def test_the_first_answer_that_fits_is_given(stubbed):
    answers = [
        {"method": "POST", "body": "no"},
        {"path": "/orders", "body": "no"},
        order(query={"page": 2}, body="no"),
        order(when="size(request.headers) > 5", body="no"),
        {"path": "/orders/{id}", "query": {"page": 1}, "body": {"id": 7, "price": None}},
        order(body="late"),
    ]
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        message = await app.call("get", None, {"page": "1"})

    assert (message.body, message.vars["statusCode"]) == ({"id": 7, "price": None}, 200)


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/orders/7", True),
        ("/orders/{id}", True),
        ("/{kind}/{id}", True),
        ("*", True),
        ("/orders/*", True),
        ("/*7", True),
        ("https://shop.test/v1/orders/7", True),
        ("https://shop.test/*", True),
        ("/orders", False),
        ("/{id}", False),
        ("/v1/orders/7", False),
        ("/orders/.", False),
        ("https://shop.test/orders/7", False),
    ],
)
@virtual()
async def test_a_path_is_exact_but_for_names_and_stars(stubbed, path, fits):
    async with stubbed(SHOP, shop={"answers": [{"path": path, "body": 1}, {"body": 2}]}) as app:
        message = await app.call("get", None, {"page": "1"})

    assert message.body == (1 if fits else 2)


@virtual()
async def test_a_condition_sees_the_whole_request(stubbed):
    condition = (
        'request.method == "POST" && request.path == "/orders" && request.query == {} && '
        'request.headers["content-type"] == "application/json" && request.body.items[0].quantity > 1'
    )
    async with stubbed(SHOP, shop={"answers": [{"when": condition, "status": 201}]}) as app:
        message = await app.call("post", {"items": [{"quantity": 2}]})

    assert (message.body, message.vars["statusCode"]) == (None, 201)


@virtual()
async def test_an_answer_has_headers_and_a_text(stubbed):
    answers = [order(text="a;b", headers={"Content-Type": "text/csv", "X-Pages": 3})]
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        message = await app.call("get", None, {"page": "1"})

    assert message.body == {"contentType": "text/csv", "rawData": "a;b"}


@pytest.mark.parametrize("answer", [{"body": 1}, {"text": "1"}])
@virtual()
async def test_an_answer_to_head_has_no_body(stubbed, answer):
    """Even if the list has one: no server sends it."""
    head = SHOP.replace("settings: {path: /orders/7,", "settings: {path: /orders/7, method: HEAD,")
    async with stubbed(head, shop={"answers": [order(status=203, **answer)]}) as app:
        message = await app.call("get", "before", {"page": "1"})

    assert (message.body, message.vars["statusCode"]) == (None, 203)


@virtual()
async def test_an_answer_may_be_bytes(stubbed):
    kinds = [({"Content-Type": "image/jpeg"}, "image/jpeg"), ({}, "application/octet-stream")]
    for headers, kind in kinds:
        async with stubbed(SHOP, shop={"answers": [order(text=b"\xff\xd8", headers=headers)]}) as app:
            message = await app.call("get", None, {"page": "1"})

        assert message.body == {"contentType": kind, "rawData": b"\xff\xd8"}


@virtual()
async def test_a_used_up_answer_makes_room_for_the_next(stubbed):
    """Retries are real: they wait after a passing failure of the server, in virtual time."""
    answers = [order(status=503, headers={"Retry-After": 7}, times=1), order(error="broken", times=1), order(body=1)]
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        message = await app.call("get", None, {"page": "1"})

        assert message.body == 1
        assert 7 < asyncio.get_running_loop().time() <= 9


@virtual()
async def test_the_cache_is_real_and_ages_in_virtual_time(stubbed):
    answers = [order(body=1, times=1), order(body=2)]
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        bodies = []
        for pause in (0, 59, 2):
            await asyncio.sleep(pause)
            bodies.append((await app.call("get", None, {"page": "1"})).body)

    assert bodies == [1, 1, 2]


@virtual()
async def test_tokens_are_fetched_from_the_same_answers(stubbed):
    """The stub matches the token request by its whole path; the token is used until shortly before its expiry."""
    answers = [
        {"path": "/oauth/token", "body": {"access_token": "first", "expires_in": 300}, "times": 1},
        {"path": "https://login.test/oauth/token", "body": {"access_token": "second", "expires_in": 300}},
        {"when": 'request.headers.authorization == "Bearer first"', "body": 1},
        {"when": 'request.headers.authorization == "Bearer second"', "body": 2},
    ]
    async with stubbed(TOKEN.replace("enabled: true", "enabled: false"), shop={"answers": answers}) as app:
        bodies = []
        for pause in (0, 200, 80):
            await asyncio.sleep(pause)
            bodies.append((await app.call("get", None, {"page": "1"})).body)

    assert bodies == [1, 1, 2]


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "text"),
    [
        ({"error": "connect"}, "OCTO-H152", True, "cannot connect: its stub says so"),
        ({"error": "broken"}, "OCTO-H152", True, "the connection broke"),
        ({"error": "timeout"}, "OCTO-H153", True, "no answer within 10s"),
        ({"delay": "11s"}, "OCTO-H153", True, "no answer within 10s"),
        ({"status": 404, "body": {"why": "gone"}}, "OCTO-H150", False, 'returned 404: {"why":"gone"}'),
        ({"text": "x" * 201}, "OCTO-H154", False, "larger than `maxResponseBytes` (200)"),
    ],
)
@virtual()
async def test_failures_read_as_those_of_a_server(stubbed, answer, code, retryable, text):
    async with stubbed(SHOP, shop={"answers": [answer]}) as app:
        cause = await fails(app)

    assert (cause.code, cause.retryable) == (code, retryable)
    assert text in str(cause)


@virtual()
async def test_a_delay_takes_virtual_time(stubbed):
    async with stubbed(SHOP, shop={"answers": [order(delay="9s", body=1)]}) as app:
        await app.call("get", None, {"page": "1"})

        assert asyncio.get_running_loop().time() == 9


@pytest.mark.parametrize(
    ("answers", "advice"),
    [
        ([], "it has no `answers` at all"),
        ([{"path": "/users", "method": "PUT"}, {"path": "/x"}], "it answers PUT /users, any method /x"),
        ([{"path": "/x"}, {"path": "/order/7", "method": "GET"}], "the nearest is answer 2 (GET /order/7)"),
        ([{"method": "POST"}], "the nearest is answer 1 (POST any path), but it is for POST"),
        (
            [order(method="POST"), order(query={"page": 2})],
            "the nearest is answer 2 (any method /orders/7), but the query parameter page is not '2'",
        ),
        (
            [order(when="request.body != null")],
            "the nearest is answer 1 (any method /orders/7), but `request.body != null` is false",
        ),
    ],
)
@virtual()
async def test_a_request_without_an_answer_fails_naming_the_nearest(stubbed, answers, advice):
    """It is not tried again, and the error shows the request without its query, which may be secret."""
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        cause = await fails(app)

        assert cause.code == "OCTO-H160"
        assert str(cause) == f"the stub has no answer to GET https://shop.test/v1/orders/7; {advice}"
        assert asyncio.get_running_loop().time() == 0


@virtual()
async def test_an_answer_that_is_used_up_is_said_to_be(stubbed):
    async with stubbed(SHOP.replace("enabled: true", "enabled: false"), shop={"answers": [order(times=1)]}) as app:
        await app.call("get", None, {"page": "1"})

        assert str(await fails(app)).endswith("but its `times: 1` is used up")


@virtual()
async def test_a_condition_that_fails_is_named(stubbed):
    async with stubbed(SHOP, shop={"answers": [order(when="request.body.id == 1")]}) as app:
        cause = await fails(app)

    assert (cause.code, cause.retryable) == ("OCTO-H160", False)
    assert str(cause).startswith("`when` of answer 1 (any method /orders/7): ")


@virtual()
async def test_every_attempt_is_an_effect(stubbed, recorded):
    """As with a real server: method, address, status or error, and how long it took."""
    answers = [order(status=503, times=1, delay="2s"), order(error="connect", times=1), order(body=1)]
    async with stubbed(SHOP, shop={"answers": answers}) as app:
        await app.call("get", None, {"page": "1"})

    asked = {"method": "GET", "url": "https://shop.test/v1/orders/7"}
    assert recorded == [
        ("http", {**asked, "status": 503, "seconds": 2.0}),
        ("http", {**asked, "status": None, "error": "OCTO-H152", "seconds": 0.0}),
        ("http", {**asked, "status": 200, "seconds": 0.0}),
    ]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ({"path": "orders"}, "starts with a slash: write `/orders`"),
        ({"path": "/a?b=1"}, "under `query`"),
        ({"path": "/{rest...}"}, "stands for one segment"),
        ({"body": 1, "text": "1"}, "one body"),
        ({"error": "broken", "status": 500}, "remove `status`"),
        ({"error": "slow"}, "'connect', 'timeout' or 'broken'"),
        ({"times": 0}, "greater than or equal to 1"),
        ({"when": "body.x"}, "undeclared name 'body'"),
        ({"headers": {"Content-Length": 1}}, "written by the connector itself"),
        ({"code": 200}, "Extra inputs"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(answer, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Stub.model_validate({"answers": [answer]})


@pytest.mark.parametrize(
    ("written", "effect"),
    [
        ({}, "safe"),
        ({"method": "PUT"}, "idempotent"),
        ({"method": "DELETE"}, "idempotent"),
        ({"method": "POST"}, "once"),
        ({"method": "POST", "headers": {"Idempotency-Key": "eventID"}}, "idempotent"),
        ({"method": "PATCH", "headers": {"idempotency-key": "eventID"}}, "idempotent"),
    ],
)
def test_a_request_says_whether_it_may_be_sent_twice(written, effect):
    assert Rest.model_validate(written).effect == effect


LISTS = SHOP.replace(
    "query: {page: vars.page}", 'query: {id: "[1, 2]"}, headersVar: head, urlVar: from, download: true'
)


@virtual()
async def test_a_repeated_parameter_is_matched_as_a_list(stubbed):
    """Its first value, or all of them; `when` sees both."""
    answers = [
        order(query={"id": [1]}, text="no"),
        order(query={"id": [2, 1]}, text="no"),
        order(query={"id": [1, 2]}, when="request.queryAll.id == ['1', '2'] && request.query.id == '1'", text="yes"),
    ]
    async with stubbed(LISTS, shop={"answers": answers}) as app:
        message = await app.call("get")

    assert message.body["rawData"] == "yes"


@virtual()
async def test_its_headers_and_address_become_variables(stubbed):
    """And bytes are a download."""
    answer = order(text=b"\xff\xd8", headers={"Content-Type": "image/jpeg", "X-Total": 3, "Set-Cookie": "a=1"})
    async with stubbed(LISTS, shop={"answers": [answer]}) as app:
        message = await app.call("get")

    head = {"content-type": "image/jpeg", "x-total": "3", "set-cookie": ["a=1"]}
    assert (message.body, message.raw) == ({"contentType": "image/jpeg", "rawData": b"\xff\xd8"}, True)
    assert (message.vars["head"], message.vars["from"]) == (head, "https://shop.test/v1/orders/7?id=1&id=2")
