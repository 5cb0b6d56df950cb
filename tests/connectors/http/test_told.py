"""In development there is a line for each request: method, path, status, milliseconds and flow."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from octo.connectors.http.told import Told, serving
from octo.core.log import tell_requests


class Routes:
    def find(self, path, method):
        flow = {"/hello": "hello", "/docs": ""}.get(path)
        return (SimpleNamespace(flow=flow), ()) if flow is not None and method == "GET" else None


class Call:
    def __init__(self, method="GET", path="/hello"):
        self.scope = SimpleNamespace(method=method, path=path, query_string="token=secret")
        self.proto = self
        self.answers = []
        self.is_done = False

    def response_empty(self, status, headers):
        self.answers.append(status)

    def stream(self, status, headers):
        self.answers.append(status)
        return "stream"

    def done(self):
        self.is_done = True

    def taskref(self, task):
        self.task = task


DISPATCH = SimpleNamespace(routes=Routes(), serve=lambda call: call.proto.response_empty(204, []) or call.done())


@pytest.fixture
def line(caplog):
    """Serve a call; return what is logged of it."""
    caplog.set_level(logging.INFO, "octo.http.requests")

    def serve(call):
        tell_requests()
        try:
            serving(DISPATCH)(call)
        finally:
            tell_requests(False)
        [record] = caplog.records
        return record.getMessage(), record.fields

    return serve


def test_a_line_for_each_request(line):
    """Without the query, which may contain a token."""
    call = Call()
    message, fields = line(call)

    assert (message, fields.pop("ms") >= 0, fields) == ("GET /hello", True, {"status": 204, "flow": "hello"})
    assert (call.answers, call.is_done) == ([204], True)


def test_a_request_that_no_flow_serves(line):
    message, fields = line(Call("DELETE", "/" + "x" * 500))

    assert message == "DELETE /" + "x" * 199
    assert "flow" not in fields


def test_a_page_about_the_routes_has_no_flow(line):
    assert "flow" not in line(Call("GET", "/docs"))[1]


def test_nothing_is_in_the_way_when_it_is_off():
    assert serving(DISPATCH) is DISPATCH.serve


def test_any_kind_of_response_counts_and_the_first_one_does():
    told = Told(Call(), DISPATCH)

    assert told.stream(200, []) == "stream"
    told.response_empty(500, [])
    told.taskref("task")

    assert (told.status, told._call.answers, told._call.task) == (200, [200, 500], "task")
