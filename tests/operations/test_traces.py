"""The operations port shows stored and live traces to clients that may see the content of messages."""

from __future__ import annotations

import asyncio
import json

import pytest

from octo.core.errors import Permanent, Transient
from octo.operations import traces as module
from octo.operations.guard import Guard
from octo.operations.traces import ROUTES
from octo.operations.web import App, Request

SUMMARY = {"flow": "orders", "event": "abcdef01", "outcome": "failed", "at": 1}
RECORD = {"kind": "flow", "path": "orders", "event": "abcdef01"}


class Kept:
    """A subject with one stored trace and one live one; `asked` records the requests."""

    def __init__(self):
        self.names = ["orders"]
        self.asked = []
        self.closed = False

    async def flows(self):
        return [{"name": name} for name in self.names]

    async def traces(self, flow, outcome, limit):
        if flow == "gone":
            raise Permanent("there is no trace store at 't.db'", code="OCTO-S102")
        self.asked.append((flow, outcome, limit))
        return [SUMMARY]

    async def trace(self, id):
        if id == "damaged":
            raise Permanent("'t.db' cannot be used as a trace store: malformed", code="OCTO-S101")
        if id != "abcdef01":
            raise Permanent(f"no kept trace has the event or trace id {id!r}", code="OCTO-S103")
        return [RECORD]

    async def tap(self, flow, when, take):
        self.asked.append((flow, when, take))
        if when == "busy":
            raise Transient("8 taps are open already", code="OCTO-S108")
        if when == "body.":
            raise Permanent("`when`: expected a field name", code="OCTO-S106")
        return self._tapped(take)

    async def _tapped(self, take):
        try:
            for number in range(take):
                if number == 1 and self.asked[-1][1] == "costly":
                    raise Permanent("the condition costs too much", code="OCTO-S106")
                if number == 2:
                    await asyncio.Event().wait()
                yield [{**RECORD, "n": number}]
        finally:
            self.closed = True


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def get(kept):
    async def ask(path, guard=Guard(), **query):  # noqa: B008  a value
        return await App(kept, guard, ROUTES)(Request("GET", path, query, {"host": "localhost"}))

    return ask


async def lines(response):
    return [json.loads(piece) async for piece in response.body if piece.strip()]


async def test_kept_traces_are_listed(get, kept):
    response = await get("/traces", flow="orders", outcome="failed", limit="7")

    assert (response.status, json.loads(response.body)) == (200, [SUMMARY])
    assert kept.asked == [("orders", "failed", 7)]


async def test_fifty_are_listed_unless_told_otherwise(get, kept):
    await get("/traces")

    assert kept.asked == [(None, None, 50)]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many", "", "9" * 5000, "\u0663", "1_0", " 1", "+1"])
async def test_a_limit_is_a_number_within_bounds(get, limit):
    response = await get("/traces", limit=limit)

    assert (response.status, response.body) == (400, b"`limit` must be a number from 1 to 1000\n")


async def test_one_is_its_records(get):
    response = await get("/traces/abcdef01")

    assert (response.status, json.loads(response.body)) == (200, [RECORD])


async def test_a_store_that_cannot_be_read_is_503_with_the_reason(get):
    listed, one = await get("/traces", flow="gone"), await get("/traces/damaged")

    assert (listed.status, one.status) == (503, 503)
    assert listed.body == b"OCTO-S102: there is no trace store at 't.db'\n"


async def test_an_id_that_nothing_has_is_404_with_the_reason(get):
    response = await get("/traces/other")

    assert response.status == 404
    assert response.body == b"OCTO-S103: no kept trace has the event or trace id 'other'\n"


async def test_a_tap_is_a_line_per_trace_until_it_has_so_many(get, kept):
    response = await get("/traces/tap", flow="orders", when="body.n > 1", take="2")

    assert response.content_type == "application/x-ndjson"
    assert await lines(response) == [[{**RECORD, "n": 0}], [{**RECORD, "n": 1}]]
    assert kept.asked == [("orders", "body.n > 1", 2)]
    assert kept.closed


async def test_a_tap_whose_condition_costs_too_much_ends_with_a_word(get):
    response = await get("/traces/tap", flow="orders", when="costly", take="2")

    assert (await lines(response))[-1] == {"ended": "OCTO-S106: the condition costs too much"}


async def test_a_tap_too_many_is_503(get):
    assert (await get("/traces/tap", flow="orders", when="busy")).status == 503


async def test_the_condition_of_a_tap_is_short(get, kept):
    response = await get("/traces/tap", flow="orders", when="1" * 2001)

    assert response.status == 400
    assert kept.asked == []


async def test_a_tap_whose_flow_is_removed_ends_with_a_word(get, kept):
    response = await get("/traces/tap", flow="orders", take="2")
    kept.names.clear()

    *_, last = await lines(response)
    assert last == {"ended": "a reload removed the flow 'orders'"}


async def test_a_tap_answers_before_the_first_trace(get):
    response = await get("/traces/tap", flow="orders")

    assert await anext(response.body) == b"\n"


async def test_a_forgotten_tap_ends_by_itself(get, kept, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 0.05)
    response = await get("/traces/tap", flow="orders", take="1000")

    assert len(await lines(response)) == 2
    assert kept.closed


async def test_one_who_leaves_is_no_longer_served(get, kept):
    response = await get("/traces/tap", flow="orders", take="9")
    await anext(response.body)
    await anext(response.body)

    await response.body.aclose()

    assert kept.closed


async def test_a_flow_that_is_not_there_cannot_be_tapped(get):
    response = await get("/traces/tap", flow="order")

    assert (response.status, response.body) == (404, b"there is no flow 'order'; /flows lists them\n")


async def test_what_is_no_condition_is_said(get):
    response = await get("/traces/tap", flow="orders", when="body.")

    assert (response.status, response.body) == (400, b"OCTO-S106: `when`: expected a field name\n")


@pytest.mark.parametrize("path", ["/traces", "/traces/abcdef01", "/traces/tap"])
async def test_what_messages_hold_is_not_for_everybody(get, kept, path):
    response = await get(path, Guard(trusts=False, token="0123456789abcdef"), flow="orders")

    assert response.status == 403
    assert kept.asked == []
