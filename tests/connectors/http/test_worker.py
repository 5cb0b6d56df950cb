"""Requests come to the loop in bursts, and at most a limited number of them waits."""

from __future__ import annotations

from octo.connectors.http.worker import _Handover


class Loop:
    """Keeps the callbacks until the test runs them."""

    def __init__(self):
        self.calls = []

    def call_soon(self, call):
        self.calls.append(call)

    call_soon_threadsafe = call_soon

    def run(self):
        while self.calls:
            self.calls.pop(0)()


class Request:
    def __init__(self):
        self.statuses = []
        self.is_done = False
        self.proto = self

    def response_bytes(self, status, headers, body):
        self.statuses.append((status, dict(headers)))

    def done(self):
        self.is_done = True


def test_a_burst_wakes_the_loop_once_and_keeps_its_order():
    loop, served = Loop(), []
    handover = _Handover(loop, served.append)
    requests = [Request() for _ in range(200)]
    for each in requests:
        handover.put(each)

    assert len(loop.calls) == 1
    loop.run()
    assert served == requests


def test_what_comes_on_top_of_a_full_pile_is_refused_at_once():
    loop, served = Loop(), []
    handover = _Handover(loop, served.append)
    requests = [Request() for _ in range(handover.MOST_WAITING + 10)]
    for each in requests:
        handover.put(each)
    loop.run()

    assert served == requests[: handover.MOST_WAITING]
    for each in requests[handover.MOST_WAITING :]:
        assert each.is_done
        assert each.statuses[0][0] == 503
        assert each.statuses[0][1]["retry-after"] == "1"
