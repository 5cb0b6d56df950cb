"""Fixtures of the trace tests: recorded runs of flows, and traces as stores get them."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.flow import Failure
from octo.core.message import new_id
from octo.testing.harness import running
from octo.trace.encode import Encoded, Summary, encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

import orjson  # isort: skip


@pytest.fixture
def record(plugins):
    """Run messages through a flow of a configuration; return the kept traces, as lists of records, in that order."""

    async def run(text, *bodies, flow="f", vars=None, **settings):
        kept = []
        recorder = Recorder(lambda trace: kept.append(records(encode(trace).data)), **settings)
        async with running(text, plugins, observer=recorder) as app:
            for body in bodies:
                try:
                    await app.call(flow, body, vars or {})
                except Failure:
                    await asyncio.sleep(0)
        return kept

    return run


@pytest.fixture
def make():
    """An encoded trace of one flow and one block."""

    def encoded(flow="f", *, at=1, outcome="completed", body=None, event="", trace="", events=()):
        event, trace = event or new_id(), trace or new_id()
        head = {"kind": "flow", "flow": flow, "path": flow, "event": event, "trace": trace, "span": event[:16]}
        head |= {"input": {"body": body}, "at": at, "duration": 5, "outcome": outcome}
        if outcome == "failed":
            head["error"] = {"code": "OCTO-R110", "message": "no"}
        lines = [head]
        for index, each in enumerate(events):
            span = f"{index:016x}"
            lines.append({"kind": "flow", "flow": "g", "path": "g", "event": each, "trace": trace, "span": span})
            lines[-1] |= {"parent": event[:16], "from": event[:16], "at": at, "duration": 1, "outcome": "completed"}
        data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        code = "OCTO-R110" if outcome == "failed" else ""
        return Encoded(Summary(flow, event, trace, "", at, 5, outcome, code), tuple(events), data)

    return encoded
