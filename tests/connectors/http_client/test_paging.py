"""One page after the other, until the last: how it is found, what becomes of each, and where it must end."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from aiohttp import web
from pydantic import ValidationError

from octo.connectors.http_client import Rest
from octo.core.errors import OctoError, Permanent, Transient
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.expr import ExprError

ITEMS = list(range(1, 8))


def by_number(request, size=3):
    """Pages that count from 1."""
    at = (int(request.query.get("page", 1)) - 1) * size
    return web.json_response(ITEMS[at : at + size])


def by_offset(request):
    at = int(request.query["skip"])
    return web.json_response({"data": ITEMS[at : at + 3]})


def by_link(request):
    """The header names the next page, relative."""
    page = int(request.query.get("page", 1))
    headers = {"Link": f'<?page={page + 1}&q={request.query["q"]}>; rel="next"'} if page < 3 else {}
    return web.json_response([page], headers=headers)


def by_cursor(request):
    pages = {None: ([1, 2], "a b&c"), "a b&c": ([3], 7), "7": ([4], None)}
    items, cursor = pages[request.query.get("after")]
    return web.json_response({"items": items, **({"next": cursor} if cursor is not None else {})})


def by_address(request):
    page = int(request.query.get("page", 1))
    return web.json_response({"items": [page], "next": f"/v1/a?page={page + 1}" if page < 3 else None})


@pytest.mark.parametrize(
    ("answer", "follow", "items", "asked"),
    [
        (by_link, "link", [1, 2, 3], ["/v1/a?q=x", "/v1/a?page=2&q=x", "/v1/a?page=3&q=x"]),
        (by_link, {"link": "next"}, [1, 2, 3], ["/v1/a?q=x", "/v1/a?page=2&q=x", "/v1/a?page=3&q=x"]),
        (
            by_address,
            {"next": "body.next", "items": "body.items"},
            [1, 2, 3],
            ["/v1/a?q=x", "/v1/a?page=2", "/v1/a?page=3"],
        ),
        (
            by_cursor,
            {"cursor": "body.next", "param": "after", "items": "body.items"},
            [1, 2, 3, 4],
            ["/v1/a?q=x", "/v1/a?q=x&after=a+b%26c", "/v1/a?q=x&after=7"],
        ),
        (by_number, {"page": "page"}, ITEMS, [f"/v1/a?q=x&page={n}" for n in (1, 2, 3, 4)]),
        (by_number, {"page": "page", "size": 3}, ITEMS, [f"/v1/a?q=x&page={n}" for n in (1, 2, 3)]),
        (by_number, {"page": "page", "first": 2, "size": 3}, ITEMS[3:], [f"/v1/a?q=x&page={n}" for n in (2, 3)]),
        (
            by_offset,
            {"offset": "skip", "items": "body.data"},
            ITEMS,
            [f"/v1/a?q=x&skip={n}" for n in (0, 3, 6, 7)],
        ),
        (
            by_number,
            {"page": "page", "until": "body.exists(x, x == 5)"},
            ITEMS[:6],
            [f"/v1/a?q=x&page={n}" for n in (1, 2)],
        ),
    ],
)
async def test_the_items_of_all_pages_become_the_body(calling, upstream, answer, follow, items, asked):
    """However the next page is found."""
    upstream.answer = answer
    async with calling(baseURL=f"{upstream.url}/v1") as calls:
        message = await calls.rest(path="/a", query={"q": '"x"'}, follow=follow)

    assert (message.body, message.vars) == (items, {"statusCode": 200})
    assert [request.raw_path for request in upstream.requests] == asked


@pytest.mark.parametrize("last", [{}, {"next": None}, {"next": ""}, {"next": False}, None])
@pytest.mark.parametrize("way", ["next", "cursor"])
async def test_a_page_without_a_next_one_is_the_last(calls, upstream, last, way):
    """Also an empty answer, or a field that is not there."""
    answer = web.Response(status=204) if last is None else web.json_response(last)
    upstream.answers(web.json_response({"items": [1], "next": "x"}), answer)

    message = await calls.rest(
        follow={way: "body.next", "items": "has(body.items) ? body.items : []"}
        if last
        else {way: "body.next", "items": "body == null ? null : body.?items"}
    )

    assert (message.body, len(upstream.requests)) == ([1], 2)


async def test_expressions_see_the_answer(calls, upstream):
    """Its headers too."""
    upstream.answers(
        web.json_response([1], headers={"X-Next": "/b?page=2"}), web.json_response([2], headers={"X-Next": ""})
    )

    message = await calls.rest(headersVar="head", follow={"next": 'vars.head["x-next"]'})

    assert (message.body, upstream.requests[1].raw_path) == ([1, 2], "/b?page=2")
    assert message.vars["head"]["x-next"] == ""


async def test_an_empty_page_may_name_the_next_one(calls, upstream):
    """In its headers; nothing can be selected from its body."""
    upstream.answers(web.Response(status=204, headers={"X-Next": "/b"}), web.json_response([2]))

    message = await calls.rest(headersVar="head", follow={"next": 'vars.head[?"x-next"]'})

    assert message.body == [2]


async def test_an_expression_that_fails_otherwise_is_an_error(calls, upstream):
    """A number is no address, and no division is a last page."""
    upstream.answer = lambda request: web.json_response([1])
    with pytest.raises(Permanent, match="a number or a token is a `cursor`"):
        await calls.rest(follow={"next": "2"})
    with pytest.raises(ExprError, match="division by zero"):
        await calls.rest(follow={"next": "1 / 0"})


async def test_method_body_and_headers_stay(calls, upstream):
    """Searches are often a POST."""
    upstream.answers(web.json_response({"items": [1], "next": "c"}), web.json_response({"items": [2]}))

    await calls.rest(
        Message({"q": "x"}),
        method="POST",
        headers={"X-A": '"b"'},
        body="body",
        follow={"cursor": "body.next", "items": "body.items"},
    )

    assert upstream.bodies == [b'{"q":"x"}'] * 2
    assert [(each.method, each.headers["X-A"]) for each in upstream.requests] == [("POST", "b")] * 2


async def test_a_cursor_may_be_anywhere_in_the_request(calls, upstream):
    """In the body of a search, in a path, in a header; the query is left as it is."""
    upstream.answers(
        web.json_response({"items": [1], "next": "c1"}),
        web.json_response({"items": [2], "next": "c/2"}),
        web.json_response({"items": [3]}),
    )
    message = await calls.rest(
        Message({"q": "x"}, {"kept": 1}),
        method="POST",
        path='/search/{vars.at == null ? "first" : vars.at}',
        headers={"X-At": 'vars.at == null ? "none" : vars.at'},
        body='{"q": body.q, "after": vars.at}',
        follow={"cursor": "body.next", "items": "body.items", "as": "at"},
    )

    assert (message.body, message.vars) == ([1, 2, 3], {"kept": 1, "statusCode": 200})
    assert [json.loads(each)["after"] for each in upstream.bodies] == [None, "c1", "c/2"]
    assert [each.raw_path for each in upstream.requests] == ["/search/first", "/search/c1", "/search/c%2F2"]
    assert [each.headers["X-At"] for each in upstream.requests] == ["none", "c1", "c/2"]


@pytest.mark.parametrize(("way", "sent"), [({"page": "p"}, [1, 2, 3]), ({"offset": "o", "first": 5}, [5, 7, 9])])
async def test_a_number_may_be_anywhere_in_the_request(calls, upstream, way, sent):
    upstream.answers(web.json_response([1, 2]), web.json_response([3, 4]), web.json_response([]))

    message = await calls.rest(method="POST", body="vars.n", follow={**way, "as": "n"})

    assert (message.body, [json.loads(each) for each in upstream.bodies]) == ([1, 2, 3, 4], sent)
    assert {each.raw_path for each in upstream.requests} == {"/"}


async def test_a_cursor_that_comes_again_is_a_circle_wherever_it_is(calls, upstream):
    upstream.answer = lambda request: web.json_response({"items": [], "next": "c"})
    with pytest.raises(Permanent, match="the pages would never end"):
        await calls.rest(method="POST", body="vars.c", follow={"cursor": "body.next", "items": "body.items", "as": "c"})

    assert len(upstream.requests) == 2


# --- a chain for each page ---------------------------------------------------------------------------------------

FLOW = """
connectors: [{name: api, type: http-client, settings: {baseURL: "https://api.test", retry: {maxAttempts: 1}}}]
flows:
  - name: sync
    process:
      - {type: set-variable, settings: {name: sum, value: "0"}}
      - type: rest
        name: pages
        settings:
          connector: api
          path: /items
          follow:
            page: page
            each:
              - type: foreach
                settings:
                  items: body
                  body: [{type: set-variable, settings: {name: sum, value: vars.sum + vars.item}}]
      - {type: set-payload, settings: {value: "{'sum': vars.sum, 'pages': body.pages, 'items': body.items}"}}
"""


def stub(*pages):
    return {"answers": [{"query": {"page": n}, **page} for n, page in enumerate(pages, 1)]}


async def test_a_chain_takes_each_page(stubbed):
    """Its variables stay; the body says how much there was."""
    pages = stub({"body": [1, 2]}, {"body": [3]}, {"body": []})
    async with stubbed(FLOW, api=pages) as app:
        message = await app.call("sync")

    assert message.body == {"sum": 6, "pages": 3, "items": 3}


async def test_only_one_page_is_in_memory(calls, upstream):
    """However many there are."""
    upstream.answer = lambda request: web.json_response([request.query["p"] + "x" * 200_000])
    settings = Rest.model_validate({"follow": {"page": "p", "maxPages": 100, "onLimit": "stop", "each": []}})
    seen = []

    def count(message):
        seen.append(len(message.body[0]))
        return message

    settings.follow.each.run = count
    tracemalloc.start()
    try:
        message = await calls.client.rest(settings, Message())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (message.body, len(seen)) == ({"pages": 100, "items": 100}, 100)
    assert sum(seen) > 20_000_000
    assert peak < 5_000_000


async def test_a_failure_in_the_chain_ends_it(stubbed):
    """With the way to the block, and nothing more is asked for."""
    pages = stub({"body": [1, 2]}, {"body": ["x"]}, {"body": [3]})
    async with stubbed(FLOW, api=pages) as app:
        with pytest.raises(Failure) as caught:
            await app.call("sync")

    assert caught.value.address == "sync.pages[each].foreach[body].set-variable"
    assert str(caught.value).startswith('block "pages": block "foreach')


async def test_a_failing_page_is_the_error_of_the_block(stubbed):
    """What the chain did before stays done, and the error path sees its status."""
    async with stubbed(FLOW, api=stub({"body": [1]}, {"status": 500})) as app:
        with pytest.raises(Failure) as caught:
            await app.call("sync")

    assert isinstance(caught.value.cause, Transient)
    assert (caught.value.cause.vars, caught.value.label) == ({"statusCode": 500}, "pages")


async def test_a_chain_that_drops_the_message_ends_the_walk(stubbed):
    """As in `foreach`."""
    text = FLOW.replace(
        "            each:\n", '            each:\n              - {type: filter, settings: {expr: "size(body) < 2"}}\n'
    )
    async with stubbed(text, api=stub({"body": [1]}, {"body": [2, 3]})) as app:
        outcome = await app.call("sync")

    assert isinstance(outcome, Drop)


# --- limits ------------------------------------------------------------------------------------------------------


def endless(request):
    page = int(request.query.get("page", 0))
    return web.json_response([page * 2, page * 2 + 1], headers={"Link": f"</?page={page + 1}>; rel=next"})


@pytest.mark.parametrize(
    ("limit", "items", "asked"),
    [
        ({"maxPages": 2}, [0, 1, 2, 3], 2),
        ({"maxItems": 3}, [0, 1, 2], 2),
        ({"maxItems": 4}, [0, 1, 2, 3], 2),
        ({"maxPages": 1, "maxItems": 1}, [0], 1),
    ],
)
async def test_a_limit_is_an_error_unless_the_first_are_enough(calls, upstream, limit, items, asked):
    """Nothing is cut silently, and nothing more is asked for than is needed."""
    upstream.answer = endless
    with pytest.raises(Permanent, match=r"raise the limit, or set `onLimit: stop`") as caught:
        await calls.rest(follow={"link": "next", **limit})
    upstream.requests.clear()
    message = await calls.rest(follow={"link": "next", "onLimit": "stop", **limit})

    assert (caught.value.code, message.body, len(upstream.requests)) == ("OCTO-H171", items, asked)


async def test_limits_that_are_just_met_are_no_error(calls, upstream):
    upstream.answer = by_number
    follow = {"page": "page", "size": 3, "maxItems": 7, "maxPages": 3}

    assert (await calls.rest(follow=follow)).body == ITEMS


async def test_without_a_chain_there_is_a_limit_of_items_and_bytes(calls, upstream, monkeypatch):
    """All of them are in memory."""
    monkeypatch.setattr("octo.connectors.http_client.paging.MOST_BYTES", 100)
    upstream.answer = lambda request: web.json_response([1] * 10_001)
    with pytest.raises(Permanent, match=r"more than 10000 items \(`maxItems`\)"):
        await calls.rest(follow="link")

    upstream.answer = lambda request: web.json_response([1] * 1_001)
    with pytest.raises(Permanent, match="take them with `each`"):
        await calls.rest(follow="link")


@pytest.mark.parametrize(
    ("answer", "follow"),
    [
        (lambda request: web.json_response([1], headers={"Link": "</>; rel=next"}), "link"),
        (
            lambda request: web.json_response(
                [1], headers={"Link": f"</{'b' if request.path == '/a' else 'a'}>; rel=next"}
            ),
            "link",
        ),
        (lambda request: web.json_response({"c": "same", "i": []}), {"cursor": "body.c", "items": "body.i"}),
        (lambda request: web.json_response([1, 2]), {"page": "p"}),
        (lambda request: web.json_response([1, 2]), {"offset": "o"}),
    ],
)
async def test_pages_in_a_circle_are_an_error(calls, upstream, answer, follow):
    """The same next page twice, or the same page."""
    upstream.answer = answer
    with pytest.raises(Permanent, match="the pages would never end") as caught:
        await calls.rest(follow=follow)

    assert caught.value.code == "OCTO-H169"
    assert len(upstream.requests) <= 3


@pytest.mark.parametrize("body", [{"data": []}, "text", 7])
async def test_a_page_is_a_list(calls, upstream, body):
    upstream.answer = lambda request: web.json_response(body)
    with pytest.raises(Permanent, match="the answer is no list: write `items`") as caught:
        await calls.rest(follow="link")

    assert caught.value.code == "OCTO-H172"
    with pytest.raises(Permanent, match=r"`items` \(1\) is no list"):
        await calls.rest(follow={"link": "next", "items": "1"})


async def test_an_accepted_refusal_is_the_end(calls, upstream):
    """Some servers answer 404 beyond the last page."""
    upstream.answers(web.json_response([1]), web.json_response([2]), web.Response(status=404, text="no such page"))

    message = await calls.rest(follow={"page": "p"}, expect=[200, 404])

    assert (message.body, message.vars["statusCode"]) == ([1, 2], 404)


# --- other servers -----------------------------------------------------------------------------------------------


def links_to(url, pages):
    """The first answer names a page at `url`, and all say what they got."""

    def answer(request):
        pages.append(request)
        return web.json_response([1], headers={"Link": f"<{url}>; rel=next"} if len(pages) == 1 else {})

    return answer


async def test_only_the_same_server_gets_credentials(calling, start, upstream):
    """Another one gets what says what is wanted, and not who wants it."""
    other = await start()
    other.answer = lambda request: web.json_response([2], headers={"Link": f"<{upstream.url}/back>; rel=next"})
    upstream.answer = links_to(f"{other.url}/b", [])
    auth = {"type": "bearer", "token": "secret-of-api"}
    async with calling(auth=auth, headers={"X-Key": "k", "Accept": "a/b"}, privateAddresses="allow") as calls:
        message = await calls.rest(Message(correlation_id="c"), headers={"X-B": '"b"'}, follow="link")

    first, back, away = upstream.requests[0].headers, upstream.requests[1].headers, other.requests[0].headers
    assert message.body == [1, 2, 1]
    assert (first["Authorization"], first["X-Key"], first["X-B"]) == ("Bearer secret-of-api", "k", "b")
    for lost in (away, back):
        assert not {"Authorization", "X-Key", "X-B", "X-Correlation-Id"} & set(lost)
    assert away["Accept"] == "a/b"


@pytest.mark.parametrize(
    ("url", "settings", "said"),
    [
        ("ftp://h/x", {}, "is no address of HTTP"),
        ("http://u:p@127.0.0.1/", {}, "with credentials in the address"),
        ("http://[", {}, "is no address"),
        ("OTHER", {"followRedirects": "same-origin"}, "that is another server"),
    ],
)
async def test_where_no_request_may_go(calling, start, upstream, url, settings, said):
    other = await start()
    upstream.answer = links_to(url.replace("OTHER", other.url), [])
    async with calling(**settings) as calls:
        with pytest.raises(Permanent, match=said) as caught:
            await calls.rest(follow="link")

    assert (caught.value.code, other.requests, len(upstream.requests)) == ("OCTO-H170", [], 1)


async def test_a_stranger_does_not_lead_into_a_private_network(calling, start, upstream):
    """By default only the connector's own server may be private."""
    other = await start()
    upstream.answer = links_to(f"{other.url}/metadata", [])
    async with calling() as calls:
        with pytest.raises(Permanent, match="privateAddresses"):
            await calls.rest(follow="link")

    assert other.requests == []


async def test_a_post_goes_to_one_server(calling, start, upstream):
    other = await start()
    upstream.answer = links_to(other.url, [])
    async with calling(privateAddresses="allow") as calls:
        with pytest.raises(Permanent, match="a POST and its body are meant for one server"):
            await calls.rest(method="POST", body="1", follow="link")

    assert other.requests == []


async def test_relative_links_belong_to_the_server_that_answered(calling, start, upstream):
    """After a redirect that is another one, which gets no credentials."""
    other = await start()
    other.answer = lambda request: web.json_response(
        [request.path], headers={"Link": "<c>; rel=next"} if request.path == "/x/b" else {}
    )
    upstream.answer = lambda request: web.Response(status=302, headers={"Location": f"{other.url}/x/b"})
    auth = {"type": "bearer", "token": "secret-of-api"}
    async with calling(auth=auth, privateAddresses="allow") as calls:
        message = await calls.rest(path="/a", follow="link")

    assert message.body == ["/x/b", "/x/c"]
    assert [each.headers.get("Authorization") for each in other.requests] == [None, None]


async def test_each_page_is_retried_for_itself(calls, upstream):
    upstream.answers(
        web.json_response([1], headers={"Link": "</?p=2>; rel=next"}), 503, web.Response(body=json.dumps([2]))
    )

    assert (await calls.rest(follow="link")).body == [1, 2]


@pytest.mark.parametrize("page", [web.Response(status=500), web.Response(status=404)])
async def test_a_page_that_fails_fails_the_block(calling, upstream, page):
    """A part of the items is never taken for all."""
    upstream.answers(web.json_response([1], headers={"Link": "</?p=2>; rel=next"}), page)
    async with calling(retry={"maxAttempts": 1}) as calls:
        with pytest.raises(OctoError) as caught:
            await calls.rest(follow="link")

    assert caught.value.vars == {"statusCode": page.status}


@pytest.mark.parametrize(
    ("follow", "said"),
    [
        ({}, "found none"),
        ({"link": "next", "page": "p"}, "found `link` and `page`"),
        ({"link": "next", "param": "p"}, "`param` belongs to `cursor`"),
        ({"link": "next", "first": 0}, "`first` belongs to `page` and `offset`"),
        ({"cursor": "body.c", "size": 3}, "`size` belongs to"),
        ({"page": ""}, "at least 1"),
        ({"link": "next", "as": "x"}, "`as` belongs to"),
        ({"nxt": "body.next"}, "Extra inputs"),
        (["link"], "valid dictionary"),
    ],
)
def test_what_is_wrong_is_refused(follow, said):
    with pytest.raises(ValidationError, match=said):
        Rest.model_validate({"follow": follow})


def test_a_download_has_no_pages():
    with pytest.raises(ValidationError, match="remove one of them"):
        Rest.model_validate({"follow": "link", "download": True})


@pytest.mark.parametrize(
    ("follow", "warned"),
    [
        ({"next": "body.nxt", "items": "body.items"}, True),
        ({"cursor": "body.nexxt", "param": "page", "items": "body.items"}, True),
        ({"next": "body.links.next", "items": "body.items"}, False),
    ],
)
async def test_a_first_page_that_seems_to_be_the_last_by_a_slip_is_told(calls, upstream, caplog, follow, warned):
    """It may have one page only, so it is no error."""
    upstream.answers(by_address)

    assert (await calls.rest(path="/a", follow=follow)).body == [1]
    assert ("taken for the last" in caplog.text) is warned


async def test_a_last_page_without_a_next_is_no_slip(calls, upstream, caplog):
    upstream.answers(by_cursor)

    await calls.rest(path="/a", follow={"cursor": "body.next", "param": "after", "items": "body.items"})
    assert not caplog.records
