"""Flows with Kafka are tested without a broker: records come by hand, and what is published is taken and forgotten."""

from __future__ import annotations

FLOW = """
connectors: [{name: k, type: kafka, settings: {brokers: ["kafka.test:9092"]}}]
flows:
  - name: work
    source: {connector: k, type: kafka, settings: {topics: [orders, more], group: g, bodyType: json}}
    process:
      - {type: kafka-publish, connector: k, topic: '"done"'}
      - {type: set-payload, value: '[body, vars.topic, vars.offset, vars.key, vars.headers]'}
"""


async def test_a_trigger_brings_a_record_as_a_broker_would(stubbed):
    async with stubbed(FLOW, k={}) as app:
        settled = await app.trigger("work", body={"a": 1}, key="k", headers={"h": "v"}, offset=7)
        plain = await app.trigger("work", body=None, topic="more")

    assert settled["settled"] == "done"
    assert settled["body"] == [{"a": 1}, "orders", 7, "k", {"h": "v"}]
    assert plain["body"] == [None, "more", 0, None, {}]


async def test_garbage_never_reaches_the_flow(stubbed):
    async with stubbed(FLOW, k={}) as app:
        settled = await app.trigger("work", body="{")

        assert (settled["settled"], app.kinds("work")) == ("reject", [])
    assert "not valid JSON" in settled["reason"]
