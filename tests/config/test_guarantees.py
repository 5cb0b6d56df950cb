"""What is guaranteed of messages, from the source to the last block."""

from __future__ import annotations

import pytest

from octo.builtin import plugins
from octo.config.guarantees import guarantees
from octo.config.load import parse

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
        ("""{type: queue-dispatch, name: send, subject: "'a'"}""", [("twice", "f.send")]),
        ("""{type: queue-dispatch, name: send, subject: "'a'", key: eventID}""", []),
        ("""{type: publish-event, name: tell, subject: "'a'"}""", [("twice", "f.tell")]),
        ("""{type: object-write, key: "'a'"}""", []),
        ("{type: flow-ref, name: tell, flow: audit, oneWay: true}", [("lost", "f.tell")]),
        ("{type: flow-ref, flow: ask}", [("twice", "ask.change")]),
        ("{type: if, condition: 'true', then: [{type: flow-ref, flow: ask}]}", [("twice", "ask.change")]),
    ],
)
def test_blocks_that_limit_it_are_named(block, limits):
    assert told("{type: queue, settings: {subject: a}}", block)[1] == limits


def test_where_nothing_comes_again_nothing_happens_twice():
    assert told("{type: cron, settings: {schedule: '@daily'}}", POST.replace("MORE", ""))[1] == []


def durable(durability, block, source="{type: queue, settings: {subject: a}}"):
    flow = FLOW.replace("source: SOURCE", f"durability: {durability}\n    source: {source}").replace("BLOCK", block)
    [found] = guarantees(parse(flow, plugins(), {}))
    return found.guarantee, [(each.kind, each.address) for each in found.limits]


@pytest.mark.parametrize(
    ("durability", "steps"),
    [
        ("memory", ("acknowledge", "flow")),
        ("ack", ("flow", "reply", "acknowledge")),
        ("journal", ("record", "flow", "reply", "acknowledge")),
    ],
)
def test_durability_decides_the_order(durability, steps):
    flow = FLOW.replace(
        "source: SOURCE", f"durability: {durability}\n    source: {{type: queue, settings: {{subject: a}}}}"
    )
    [found] = guarantees(parse(flow.replace("BLOCK", "{type: log}"), plugins(), {}))
    assert found.steps == steps


@pytest.mark.parametrize(
    ("durability", "block", "once"),
    [
        ("ack", POST.replace("MORE", ", headers: {Idempotency-Key: eventID}"), "the other side knows a repeat"),
        ("ack", POST.replace("MORE", ""), ""),
        ("journal", POST.replace("MORE", ""), "the journal gives it a key"),
        ("journal", """{type: publish-event, subject: "'a'"}""", ""),
        ("ack", """{type: object-write, key: "'a'"}""", "a repeat changes nothing more"),
        ("journal", "{type: sql, connector: db, query: INSERT INTO t VALUES (1)}", ""),
        ("ack", "{type: sql, connector: db, query: DELETE FROM t}", "a repeat changes nothing more"),
    ],
)
def test_each_effect_says_why_it_happens_once(durability, block, once):
    flow = FLOW.replace(
        "source: SOURCE", f"durability: {durability}\n    source: {{type: queue, settings: {{subject: a}}}}"
    )
    flow = flow.replace(
        "connectors:", "connectors:\n  - {name: db, type: database, settings: {driver: sqlite, dsn: a.db}}"
    )
    [found] = guarantees(parse(flow.replace("BLOCK", block), plugins(), {}))
    [effect] = found.effects
    assert effect.once.startswith(once)
    assert bool(effect.once) is bool(once)
    assert [each.kind for each in found.limits] == ([] if once else ["twice"])


def test_what_changes_nothing_outside_is_no_effect():
    for block in ("{type: log}", "{type: rest, connector: bank, path: /}"):
        flow = FLOW.replace("SOURCE", "{type: queue, settings: {subject: a}}").replace("BLOCK", block)
        [found] = guarantees(parse(flow, plugins(), {}))
        assert found.effects == ()
        assert found.as_json()["effects"] == []


def test_in_memory_nothing_outlives_the_process():
    assert durable("memory", "{type: log}") == ("at most once", [("lost", "f")])


def test_who_waits_for_an_answer_gets_it_whatever_is_kept():
    source = "{connector: web, type: http, settings: {path: /}}"
    assert durable("memory", "{type: log}", source) == ("answered", [])


def test_a_journal_gives_keys_to_those_who_take_them():
    assert durable("journal", POST.replace("MORE", "")) == ("at least once", [])
    assert durable("journal", """{type: publish-event, name: tell, subject: "'a'"}""")[1] == [("twice", "f.tell")]


def test_a_flow_with_a_journal_keeps_what_is_sent_to_it():
    flow = FLOW.replace("SOURCE", "{type: queue, settings: {subject: a}}")
    flow = flow.replace("BLOCK", "{type: flow-ref, flow: audit, oneWay: true}")
    flow = flow.replace("{name: audit,", "{name: audit, durability: journal,")
    found, _ = guarantees(parse(flow, plugins(), {}))
    assert found.limits == ()


def test_a_flow_without_a_source_is_told_of_if_it_has_a_journal():
    flow = FLOW.replace("source: SOURCE", "durability: journal").replace("BLOCK", POST.replace("MORE", ""))
    [found] = guarantees(parse(flow, plugins(), {}))
    assert (found.flow, found.source, found.guarantee) == ("f", "", "at least once")
    assert found.steps == ("record", "flow")
