"""After kill -9, a durable subscriber goes on after its last commit, and an open group is completed."""

from __future__ import annotations

import re
import signal

import aiohttp

FLOW = """
env: [{name: PORT}]
connectors:
  - {name: web, type: http, settings: {host: 127.0.0.1, port: "${PORT}"}}
  - {name: news, type: events}
flows:
  - name: send
    source: {connector: web, type: http, settings: {path: /numbers, methods: [POST]}}
    process: [{type: split, items: body}, {type: publish-event, subject: '"numbers"'}]
  - name: work
    source: {connector: news, type: events, settings: {subject: numbers, durable: worker, listeners: 3}}
    process:
      - {type: delay, for: 50ms}
      - {type: log, message: '"did " + string(body)'}
      - {type: aggregate}
      - {type: log, message: '"all " + string(body.sum())'}
"""


async def test_no_event_is_lost_and_no_group(octo, tmp_path, port):
    """What comes again is at most what was under way."""
    (tmp_path / "flow.yaml").write_text(FLOW)
    numbers = list(range(30))
    process = octo("run", "flow.yaml", PORT=str(port))
    process.wait_for("reading events")
    url = f"http://127.0.0.1:{port}/numbers"
    async with aiohttp.ClientSession() as session, session.post(url, json=numbers) as answer:
        assert answer.status == 200
    process.wait_for(r"did \d+", count=8)
    assert process.stop(signal.SIGKILL) == -signal.SIGKILL
    again = octo("run", "flow.yaml", PORT=str(port))
    again.wait_for("all ")

    did = [int(each) for each in re.findall(r'msg="did (\d+)"', process.log + again.log)]
    assert sorted(set(did)) == numbers
    assert len(did) <= len(numbers) + 3
    assert re.findall(r'msg="all (\d+)"', process.log + again.log) == [str(sum(numbers))]
