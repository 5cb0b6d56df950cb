"""A configuration says where its dead letters are."""

from __future__ import annotations

from octo.config.load import parse
from octo.letters.sought import places
from octo.services.container import Services

FLOWS = """
connectors: [{name: q, type: queue}, {name: web, type: http}]
flows:
  - {name: a, source: {connector: q, type: queue, settings: {subject: jobs}}, deadLetter: {flow: c}}
  - {name: b, source: {connector: web, type: http, settings: {path: /b}}, deadLetter: {queue: parked}}
  - {name: c, deadLetter: {file: lost.jsonl}}
  - {name: d, deadLetter: {queue: parked}}
"""


async def test_consumed_queues_named_queues_and_files(plugins):
    async with Services() as services:
        found = await places(parse(FLOWS, plugins, {}), services, ())

    assert [(each.name, each.queue) for each in found] == [
        ("file lost.jsonl", ""),
        ("queue jobs", "jobs"),
        ("queue parked", ""),
    ]


async def test_a_named_queue_stands_alone_and_needs_no_configuration():
    async with Services() as services:
        found = await places(None, services, ("jobs",))

    assert [(each.name, each.queue) for each in found] == [("queue jobs", "jobs"), ("queue jobs", "")]


async def test_files_alone_open_no_service(plugins):
    async with Services() as services:
        config = parse("flows: [{name: a, deadLetter: {file: lost.jsonl}}]", plugins, {})
        assert len(await places(config, services, ())) == 1
        assert not services.opened
        assert await places(None, services, ()) == []
