"""What is guaranteed of messages, from the source to the last block."""

from __future__ import annotations

import re

import pytest

from octo.builtin import CONNECTORS, plugins
from octo.config.guarantees import guarantees
from octo.config.load import parse
from octo.core.source import Guaranteeing

FLOW = """
connectors:
  - {name: bank, type: http-client, settings: {baseURL: "https://bank.test"}}
  - {name: web, type: http}
flows:
  - name: f
    source: SOURCE
    process: [BLOCK]
  - {name: audit, process: [{type: log}]}
  - {name: ask, process: [{type: rest, name: change, connector: bank, method: PATCH, path: /a}]}
"""
POST = "{type: rest, name: pay, connector: bank, method: POST, path: /p, body: body MORE}"


def told(source, block="{type: log}"):
    [found] = guarantees(parse(FLOW.replace("SOURCE", source).replace("BLOCK", block), plugins(), {}))
    return found.guarantee, [(each.kind, each.address) for each in found.limits]


@pytest.mark.parametrize(
    ("source", "guarantee"),
    [
        ("{connector: web, type: http, settings: {path: /}}", "answered"),
        ("{type: queue, settings: {subject: a}}", "at least once"),
        ("{type: cron, settings: {schedule: '@daily'}}", "at most once"),
        ("{type: events, settings: {subject: a}}", "at most once"),
        ("{type: events, settings: {subject: a, durable: me}}", "at least once"),
    ],
)
def test_a_source_says_what_it_promises(source, guarantee):
    assert told(source)[0] == guarantee


@pytest.mark.parametrize(
    ("block", "limits"),
    [
        (POST.replace("MORE", ""), [("twice", "f.pay")]),
        (POST.replace("MORE", ", headers: {Idempotency-Key: eventID}"), []),
        ("{type: flow-ref, name: tell, flow: audit, oneWay: true}", [("lost", "f.tell")]),
        ("{type: flow-ref, flow: ask}", [("twice", "ask.change")]),
        ("{type: if, condition: 'true', then: [{type: flow-ref, flow: ask}]}", [("twice", "ask.change")]),
    ],
)
def test_blocks_that_limit_it_are_named(block, limits):
    assert told("{type: queue, settings: {subject: a}}", block)[1] == limits


def test_where_nothing_comes_again_nothing_happens_twice():
    assert told("{type: cron, settings: {schedule: '@daily'}}", POST.replace("MORE", ""))[1] == []


WORDS = {"answered": r"answered|the caller|hears", "at least once": "at least once", "at most once": "at most once"}


@pytest.mark.parametrize("connector", [name for name in CONNECTORS if plugins().connector(name).sources])
def test_the_page_of_a_source_says_what_the_code_declares(connector):
    """docs/reference.md is made from the docstrings: they name the guarantee of each pull source."""
    for source in plugins().connector(connector).sources.values():
        if source.is_push or issubclass(source.settings, Guaranteeing):
            continue
        text = f"{plugins().connector(connector).doc} {source.doc}".replace("-", " ")
        assert re.search(WORDS[source.guarantee], text), source.name
