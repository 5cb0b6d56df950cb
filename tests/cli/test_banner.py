"""What `octo run` prints on a terminal: where the flows are, and what is off."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from octo.builtin import plugins
from octo.cli.banner import aligned, box, off, places
from octo.config.load import parse

FLOWS = """
service: {name: shop}
connectors: [{name: web, type: http, settings: {basePath: /api}}]
flows:
  - {name: orders, source: {connector: web, type: http, settings: {path: "/o/{id}", methods: [GET, POST]}}, process: []}
  - {name: all, source: {connector: web, type: http, settings: {path: /a}}, process: []}
  - {name: tick, source: {type: cron, settings: {schedule: "@every 5s"}}, process: []}
  - {name: my flow, process: []}
"""


def config(text: str = FLOWS):
    return parse(text, plugins(), {})


def test_the_box_says_what_runs():
    assert [line.strip("│╭╮╰╯─ ") for line in box(config())][1:3] == [
        "🐙 Octo 0.1.0 shop",
        "4 flows, 2 connectors, ready",
    ]
    assert "ready" not in "".join(box(config("flows: []")))
    widths = {len(line) + line.count("🐙") for line in box(config())}
    assert len(widths) == 1


def test_each_flow_says_how_messages_come_to_it():
    """URLs come from the connector, which knows the port that it really listens at."""
    instances = {"web": SimpleNamespace(url="http://localhost:4711/api")}

    assert places(config(), instances, "my flows") == [
        "  orders   GET,POST  http://localhost:4711/api/o/{id}",
        "  all      any       http://localhost:4711/api/a",
        "  tick     cron      @every 5s",
        "  my flow  call      octo invoke 'my flows' 'my flow'",
    ]


def test_files_queues_and_pages_say_where_they_are():
    text = """
connectors:
  - {name: web, type: http, settings: {openapi: /openapi.json, docs: /docs}}
  - {name: jobs, type: queue}
flows:
  - {name: site, source: {connector: web, type: static, settings: {folder: .}}}
  - {name: work, source: {connector: jobs, type: queue, settings: {subject: resize}}}
"""
    assert places(config(text), {"web": SimpleNamespace(url="http://localhost:4711")}) == [
        "  site     GET    http://localhost:4711/",
        "  work     queue  resize",
        "  openapi  GET    http://localhost:4711/openapi.json",
        "  docs     GET    http://localhost:4711/docs",
    ]


def test_a_long_list_is_cut():
    many = config("flows: [" + ", ".join(f"{{name: f{i}, process: []}}" for i in range(22)) + "]")

    assert places(many, {})[-1] == "  ... and 2 flows more"
    assert len(places(many, {})) == 21


def test_what_is_off_names_its_option():
    assert off(watch=True, traces=False, blocks=False) == [
        "  traces  off  --traces              keeps each message, for `octo traces`",
        "  blocks  off  --metrics-blocks '*'  measures each block, for `octo top`",
    ]
    assert off(watch=True, traces=True, blocks=True) == []


@pytest.mark.parametrize(("rows", "lines"), [([], []), ([("a",), ("bb", "c")], ["  a", "  bb  c"])])
def test_columns_are_aligned(rows, lines):
    assert aligned(rows) == lines
