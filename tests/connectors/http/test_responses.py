"""From an outcome to a response."""

from __future__ import annotations

import asyncio
import json

import pytest

from octo.connectors.http import dispatch
from octo.core.errors import Bug, Overloaded, Permanent, Timeout
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.expr.values import Timestamp


def completing(body=None, *, raw=False, **variables):
    return lambda message: Message(body, variables, event_id=message.event_id, raw=raw)


def raising(error):
    def answer(message):
        raise error

    return answer


async def test_json_body(site):
    """The body as compact JSON."""
    async with site.route(completing({"a": 1})):
        status, headers, text = await site.ask()

    assert (status, headers["content-type"], text) == (200, "application/json", '{"a":1}')


async def test_a_null_body_is_json_too(site):
    async with site.route(completing(None)):
        status, headers, text = await site.ask()

    assert (status, headers["content-type"], text) == (200, "application/json", "null")


async def test_a_status_without_a_body_has_none(site):
    async with site.route(completing(None, httpStatus=204)):
        status, headers, text = await site.ask()

    assert (status, text) == (204, "")
    assert "content-type" not in headers


async def test_raw_content_goes_out_verbatim(site):
    """With its own type, unless that would break the response."""
    async with (
        site.route(completing({"contentType": "text/html", "rawData": "<p>\u00e9"}, raw=True), "/a"),
        site.route(completing({"contentType": "a\r\nX: y", "rawData": "b"}, raw=True), "/b"),
        site.route(completing({"contentType": "text/html", "rawData": "c"}), "/c"),
    ):
        status, headers, text = await site.ask("GET", "/a")
        _, injected, _ = await site.ask("GET", "/b")
        _, alike, _ = await site.ask("GET", "/c")

    assert (status, headers["content-type"], text) == (200, "text/html", "<p>\u00e9")
    assert injected["content-type"] == "application/octet-stream"
    assert "x" not in injected
    assert alike["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("chosen", "status"),
    [
        (201, 201),
        (404.0, 404),
        (599, 599),
        (200, 200),
        ("404", 404),
        ("200", 200),
    ],
)
async def test_the_flow_chooses_the_status(site, chosen, status):
    """A whole number from 200 to 599, or its text."""
    async with site.route(completing({}, httpStatus=chosen)):
        assert (await site.ask())[0] == status


@pytest.mark.parametrize(
    "chosen",
    [
        *(None, True, False, 0, 99, 100, 101, 199, 600, 1000, -200, 10**400, 404.5, float("nan"), float("inf")),
        *("", "abc", " 404", "404 ", "404\n", "4e2", "+404", "0404", "404.0", "\u0664\u0660\u0664", "99", "1"),
        *([404], {}, b"404", "x" * 100_000),
    ],
)
async def test_what_is_no_status_is_an_error_of_the_author(site, caplog, chosen):
    """Not a silent success: 500, and a short line in the log that names the variable and what it was."""
    async with site.route(completing({"secret": 1}, httpStatus=chosen)):
        status, _, text = await site.ask()

    [record] = caplog.records
    assert (status, json.loads(text)["error"]) == (500, "internal server error")
    assert "secret" not in text
    assert (record.fields["flow"], record.fields["code"]) == ("test", "OCTO-H105")
    shown = {"None": "null", "True": "true", "False": "false"}.get(repr(chosen), repr(chosen)[:12])
    assert record.fields["error"].startswith(f"`vars.httpStatus` is {shown}")
    assert len(record.fields["error"]) < 150


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_statuses_without_a_body_have_none(site, status):
    """Even if the flow set one."""
    async with site.route(completing({"a": 1}, httpStatus=status)):
        assert (await site.ask())[::2] == (status, "")


async def test_head_is_get_without_the_body(site):
    """GET implies HEAD."""
    async with site.route(completing({"a": 1}), methods=["GET"]):
        status, headers, text = await site.ask("HEAD")

    assert (status, headers["content-length"], text) == (200, "7", "")


async def test_dropped_is_204(site):
    """A drop is no failure."""
    async with site.route(lambda message: Drop("filtered")):
        assert (await site.ask())[::2] == (204, "")


async def test_failure_is_500_and_says_nothing(site):
    """Ids to find the log by; never the error's text."""
    message = Message()
    async with site.route(
        raising(Failure(Permanent("password=hunter2"), "charge", "orders.charge", message)),
        correlationIdHeader="X-Id",
    ) as inlet:
        status, _, text = await site.ask(headers={"X-Id": "c1"})

    assert status == 500
    assert json.loads(text) == {
        "error": "internal server error",
        "eventID": inlet.messages[0].event_id,
        "correlationID": "c1",
    }


async def test_a_flow_that_fails_by_a_timeout_inside_is_a_failure(site):
    """504 is for the request's own deadline."""
    async with site.route(raising(Failure(Timeout("upstream"), "call", "f.call", Message()))):
        assert (await site.ask())[0] == 500


async def test_deadline_is_504(site):
    """The response says that the flow timed out, and has the ids."""
    async with site.route(raising(Timeout("late"))) as inlet:
        status, _, text = await site.ask()

    [message] = inlet.messages
    assert status == 504
    assert json.loads(text) == {
        "error": "flow timed out",
        "eventID": message.event_id,
        "correlationID": message.correlation_id,
    }


@pytest.mark.parametrize(("estimate", "header"), [(0.2, "1"), (2.1, "3"), (float("inf"), "1")])
async def test_overload_is_503_with_a_time_to_come_back(site, estimate, header):
    """Whole seconds, at least one."""
    async with site.route(raising(Overloaded("full", retry_after=estimate))):
        status, headers, _ = await site.ask()

    assert (status, headers["retry-after"]) == (503, header)


@pytest.mark.parametrize("error", [Bug("oops"), ValueError("secret"), AssertionError("secret")])
async def test_a_bug_is_500_and_the_server_goes_on(site, error, caplog):
    """The log has the traceback, the caller does not."""
    async with site.route(raising(error), "/bad"), site.route(completing("fine"), "/good"):
        status, _, text = await site.ask("GET", "/bad")
        good = await site.ask("GET", "/good")

    assert status == 500
    assert "secret" not in text
    assert good[0] == 200
    assert caplog.records[0].exc_info[1] is error


async def test_waiting_flows_answer_the_same(site):
    """An outcome may come at once or later."""

    async def later(message):
        await asyncio.sleep(0)
        return message.with_body("later")

    async def fails(message):
        await asyncio.sleep(0)
        raise Timeout("late")

    async def at_once(message):
        return message.with_body("at once")

    async with site.route(later, "/a"), site.route(fails, "/b"), site.route(at_once, "/c"):
        answers = [await site.ask("GET", path) for path in ("/a", "/b", "/c")]

    assert [(status, json.loads(text)) for status, _, text in answers[::2]] == [(200, "later"), (200, "at once")]
    assert answers[1][0] == 504


async def test_a_body_that_is_no_json_is_500(site, caplog):
    """A body from any block must not stop the server."""
    async with site.route(completing({"a": object()})):
        assert (await site.ask())[0] == 500

    assert [record.message for record in caplog.records] == ["request failed"]


async def test_unknown_path_is_404(site):
    """As JSON, like every error of the connector."""
    async with site.route(path="/a"):
        status, headers, text = await site.ask("GET", "/b")

    assert (status, headers["content-type"], text) == (404, "application/json", '{"error":"not found"}')


async def test_a_subtree_is_found_without_its_slash(site):
    """The redirect keeps method and query."""
    async with site.route(path="/files/"):
        status, headers, _ = await site.ask("POST", "/files?x=1")

    assert (status, headers["location"]) == (308, "/files/?x=1")


async def test_a_subtree_is_found_without_its_slash_beside_a_route_for_everything(site):
    """As with a site at `/` and an application below `/app/`; what is below neither is served by the site."""
    async with site.route(path="/"), site.route(path="/app/"), site.route(path="/app/{id}"):
        answers = [(await site.ask(path=path))[0] for path in ("/app", "/app/", "/app/7", "/ap", "/")]

    assert answers == [308, 200, 200, 200, 200]


async def test_a_redirect_to_a_subtree_stays_on_this_server(site):
    """Browsers read a backslash as a slash."""
    async with site.route(path="/{name}/"):
        answer = await site.raw(b"GET /\\evil.example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b"location: /%5Cevil.example/\r\n" in answer


async def test_other_methods_are_405_before_any_flow(site):
    """With the methods that are allowed, of all routes for that path."""
    async with site.route(path="/a", methods=["GET"]) as first, site.route(path="/a", methods=["PUT"]) as second:
        status, headers, text = await site.ask("POST", "/a")

    assert (status, headers["allow"], text) == (405, "GET, HEAD, PUT", '{"error":"method not allowed"}')
    assert first.messages + second.messages == []


async def test_a_request_before_the_first_route_waits_for_it(site):
    """A process that takes the place of another one refuses nobody. Routes that come together are all there."""
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(site.ask("GET", path)) for path in ("/a", "/b", "/c")]
        while not site.http._dispatch.held:
            await asyncio.sleep(0)
        async with site.route(path="/a"), site.route(path="/b"):
            found = [(await each)[0] for each in asked]

    assert found == [200, 200, 404]


async def test_without_any_route_it_is_503(site, monkeypatch):
    """A configuration may have none; and the listener is there until the last request is answered."""
    monkeypatch.setattr(dispatch, "STARTING", 0.01)
    status, headers, _ = await site.ask()
    assert (status, headers["retry-after"]) == (503, "1")

    monkeypatch.setattr(dispatch, "STARTING", 3600)
    async with site.route():
        pass
    assert (await site.ask())[0] == 503


async def test_variables_become_headers_if_they_are_one_line(site, caplog):
    """Texts, numbers, booleans and times; others are left out, and an attempt to add headers is logged."""
    variables = {
        "X-Text": "a b",
        "X-Number": 1.5,
        "X-Flag": True,
        "X-At": Timestamp(0),
        "X-Null": None,
        "X-Map": {},
        "X-Evil": "a\r\nSet-Cookie: b",
    }
    async with site.route(completing({}, **variables), responseHeaders=[*variables, "X-Absent"]):
        status, headers, _ = await site.ask()

    sent = {name: value for name, value in headers.items() if name.lower() in {each.lower() for each in variables}}
    assert (status, sent) == (
        200,
        {"x-text": "a b", "x-number": "1.5", "x-flag": "true", "x-at": "1970-01-01T00:00:00Z"},
    )
    assert "set-cookie" not in headers
    assert [record.fields["variable"] for record in caplog.records] == ["X-Map", "X-Evil"]


async def test_a_list_sends_the_header_for_each_item(serve, caplog):
    """Two cookies are two headers, from a variable and from the settings."""
    cookies = ["a=1; Path=/", "b=2", None, "c=3\r\nX: y", 4]
    both = completing({}, **{"Set-Cookie": cookies})
    async with (
        serve(responseHeaders={"Link": ["</a>", "</b>"]}) as site,
        site.route(both, responseHeaders=["Set-Cookie"]),
    ):
        _, headers, _ = await site.ask()

    assert headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2", "4"]
    assert headers.getall("Link") == ["</a>", "</b>"]
    assert "X" not in headers
    assert [record.fields["variable"] for record in caplog.records] == ["Set-Cookie"]


async def test_default_headers_are_on_every_response(serve):
    """On errors too."""
    async with (
        serve(responseHeaders={"X-Frame-Options": "DENY"}) as site,
        site.route(completing({}), "/a", methods=["GET"]),
        site.route(raising(Timeout("late")), "/b"),
    ):
        answers = [await site.ask("GET", "/a"), await site.ask("GET", "/b"), await site.ask("POST", "/a")]

    assert [headers["x-frame-options"] for _, headers, _ in answers] == ["DENY"] * 3


async def test_every_answer_of_a_route_has_the_correlation_id(serve):
    """Errors before, in and after the flow too; a variable of the same name wins."""
    tell = {"X-Correlation-Id": "c1"}
    own = completing({}, **{"X-Correlation-Id": "mine"})
    async with (
        serve(maxConcurrentRequests=1) as site,
        site.route(raising(Permanent("no")), "/failed", methods=["POST"], maxBodyBytes=9),
        site.route(raising(Timeout("late")), "/late"),
        site.route(lambda message: Drop(), "/dropped"),
        site.route(completing({}, httpStatus=None), "/wrong"),
        site.route(own, "/own", responseHeaders=["X-Correlation-Id"]),
    ):
        asked = [
            await site.ask("POST", "/failed", headers=tell),
            await site.ask("GET", "/failed", headers=tell),
            await site.ask("POST", "/failed", headers=tell, data=b"{"),
            await site.ask("POST", "/failed", headers=tell, data=b"1234567890"),
            await site.ask("GET", "/late", headers=tell),
            await site.ask("GET", "/dropped", headers=tell),
            await site.ask("GET", "/wrong", headers=tell),
        ]
        _, headers, _ = await site.ask("GET", "/own", headers=tell)

    assert [status for status, _, _ in asked] == [500, 405, 400, 413, 504, 204, 500]
    assert [headers.getall("X-Correlation-Id") for _, headers, _ in asked] == [["c1"]] * len(asked)
    assert headers.getall("X-Correlation-Id") == ["mine"]


async def test_there_is_one_date(site):
    """Of a response that a flow passes on, it is that of the response."""
    passed = "Mon, 01 Jan 2024 00:00:00 GMT"
    async with site.route(completing({}, Date=passed), responseHeaders=["Date"]):
        _, headers, _ = await site.ask()

    assert headers.getall("Date") == [passed]
