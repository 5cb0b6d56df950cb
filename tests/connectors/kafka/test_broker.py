"""Kafka with a real broker: what is published arrives, in order, at least once, and nothing is skipped silently."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from octo.connectors.kafka import client, codes
from octo.core.delivery import Done
from octo.core.errors import Permanent, Timeout, Transient
from octo.core.flow import Failure
from octo.engine.connections import StartError
from octo.testing import running
from octo.testing.kafka import PASSWORD
from tests.connectors.kafka.conftest import until

FLOW = """
connectors:
  - {name: k, type: kafka, settings: {brokers: ["ADDRESS"], CLUSTER}}
  - {name: p, type: probe}
flows:
  - name: send
    process: [{type: kafka-publish, connector: k, topic: vars.topic, key: vars.key}]
  - name: work
    source:
      connector: k
      type: kafka
      settings: {topics: [TOPIC], group: TOPIC, sessionTimeout: 6s, SETTINGS}
    MORE
    process: [PROCESS]
"""
NOTE = "{type: note, connector: p, value: body}"
SECOND = "{name: p, type: probe, settings: {id: two}}"
FRAGILE = """
      {type: note, connector: p, value: body},
      {type: if, condition: "body == 'bad'", then: [{type: fail, connector: p, how: permanent}]}
"""


def flow(topic, process=NOTE, settings="", more="", cluster=""):
    text = FLOW.replace("ADDRESS", topic.kafka.address).replace("CLUSTER", cluster).replace("TOPIC", topic.name)
    return text.replace("SETTINGS", settings).replace("MORE", more).replace("PROCESS", process)


def notes(app):
    return app.connector("p").notes


def publish(app, topic, body, key=None):
    return app.call("send", body, {"topic": topic.name, "key": key})


async def health(app):
    """What is wrong with the connector, "" if nothing is."""
    try:
        await app.connector("k").health()
    except Transient as error:
        return f"{error.code} {error}"
    return ""


# --- there and back ----------------------------------------------------------------------------------------------


async def test_what_is_published_arrives_with_its_key_and_is_committed(topic, plugins):
    note = "{type: note, connector: p, value: '[body, vars.key, vars.topic, vars.offset]'}"
    async with running(flow(topic, note), plugins) as app:
        await publish(app, topic, {"a": 1}, "k")
        await publish(app, topic, None, "k")
        await until(lambda: len(notes(app)) == 2)

        assert notes(app) == [[{"a": 1}, "k", topic.name, 0], [None, "k", topic.name, 1]]
        assert await health(app) == ""
    assert [each.value() for each in topic.read(2)] == [b'{"a":1}', None]
    assert topic.offsets == [2]


async def test_many_at_once_are_all_acknowledged_and_keep_their_order(topics, plugins):
    """Each key in one partition, in the order in which its records were published."""
    topic = topics(3)
    async with running(flow(topic), plugins) as app:
        sent = [(key, number) for number in range(100) for key in "abcde"]
        await asyncio.gather(*(publish(app, topic, [key, number], key) for key, number in sent))
        await until(lambda: len(notes(app)) == len(sent))

        for key in "abcde":
            assert [number for other, number in notes(app) if other == key] == list(range(100))
    assert sum(each or 0 for each in topic.offsets) == len(sent)


async def test_when_as_much_waits_to_be_sent_as_may_a_block_waits_for_room(topic, plugins, monkeypatch):
    """No record is refused because many are published at once."""
    made = client.producer
    monkeypatch.setattr(client, "producer", lambda settings: made(settings) | {"queue.buffering.max.messages": 10})
    async with running(flow(topic), plugins) as app:
        await asyncio.gather(*(publish(app, topic, number) for number in range(100)))
        await until(lambda: len(notes(app)) == 100)
        assert notes(app) == list(range(100))


async def test_a_new_group_begins_at_the_oldest_record_or_behind_the_newest(topic, topics, plugins):
    other = topics()
    for each in (topic, other):
        each.write("old")
    async with running(flow(topic), plugins) as app:
        await until(lambda: notes(app) == ["old"])
    async with running(flow(other, settings="offsetReset: latest"), plugins) as app:
        await until(lambda: app.connector("k")._readers and app.connector("k")._readers[0]._partitions)
        while not notes(app):
            await asyncio.to_thread(other.write, "new")
        assert set(notes(app)) == {"new"}


async def test_a_group_that_begins_behind_the_newest_record_skips_nothing_after_that(topic, plugins):
    """Also if it had read nothing when it was stopped."""
    topic.write("old")
    text = flow(topic, settings="offsetReset: latest")
    async with running(text, plugins):
        await until(lambda: topic.offsets == [1])
    topic.write("between")
    async with running(text, plugins) as app:
        await until(lambda: notes(app) == ["between"])


async def test_a_partition_that_is_added_is_read_from_its_beginning(topic, plugins, monkeypatch):
    """It takes a while until the members hear of it. What comes until then is new."""
    made = client.consumer
    quick = {"topic.metadata.refresh.interval.ms": 3000}
    monkeypatch.setattr(client, "consumer", lambda *settings: made(*settings) | quick)
    text = flow(topic, settings="offsetReset: latest")
    async with running(text, plugins):
        await until(lambda: topic.offsets == [0])
    topic.write("first")
    async with running(text, plugins) as app:
        await until(lambda: notes(app) == ["first"])
        admin = AdminClient({"bootstrap.servers": topic.kafka.address})
        admin.create_partitions([NewPartitions(topic.name, 2)])[topic.name].result()
        await asyncio.to_thread(topic.write, "early", partition=1)
        await until(lambda: notes(app) == ["first", "early"])


async def test_a_group_without_a_place_stops_if_the_author_says_so(topic, plugins):
    topic.write("old")
    async with running(flow(topic, settings="offsetReset: error"), plugins) as app:
        await until(lambda: app.generation.broken)
        assert "stopped for good" in app.generation.broken["work"]
        assert notes(app) == []


async def test_what_a_transaction_gave_up_is_not_read(topic, plugins):
    """And the gap that it leaves does not hold back the group."""
    producer = Producer({"bootstrap.servers": topic.kafka.address, "transactional.id": topic.name})
    producer.init_transactions(60)
    for value, end in ((b"1", producer.commit_transaction), (b"2", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(topic.name, value)
        producer.flush(60)
        end(60)
    topic.write(3)

    async with running(flow(topic), plugins) as app:
        await until(lambda: len(notes(app)) == 2)
        assert notes(app) == [1, 3]
    assert topic.offsets == [5]


# --- failures of flows -------------------------------------------------------------------------------------------


async def test_a_failure_that_may_pass_is_tried_again_in_place_and_others_go_on(topics, plugins):
    topic = topics(2)
    topic.write("bad", "behind", partition=0)
    topic.write("other", partition=1)
    process = """
        {type: note, connector: p, value: body},
        {type: python, call: "tests.connectors.kafka.test_broker:ready", with: {body: body}}
    """
    READY.clear()
    async with running(flow(topic, process), plugins) as app:
        await until(lambda: notes(app).count("bad") == 2 and "other" in notes(app))
        assert "behind" not in notes(app)
        READY.set()
        await until(lambda: "behind" in notes(app))
    assert topic.offsets == [2, 1]


READY = asyncio.Event()


def ready(body):
    if body == "bad" and not READY.is_set():
        raise Transient("not yet")
    return body


async def test_with_the_order_of_keys_a_slow_one_holds_back_itself_alone(topic, plugins):
    """The group's offset waits for it, too."""
    topic.write("slow", "slow behind", key="a")
    topic.write("quick", "quick too", key="b")
    topic.write("free", "free too")
    process = """
        {type: if, condition: "body == 'slow'", then: [{type: wait, connector: p}]},
        {type: note, connector: p, value: body}
    """
    async with running(flow(topic, process, "order: key"), plugins) as app:
        await until(lambda: len(notes(app)) == 4)
        assert {*notes(app)} == {"quick", "quick too", "free", "free too"}
        assert topic.offsets == [None]
        app.connector("p").gate("go").set()
        await until(lambda: len(notes(app)) == 6)
        assert notes(app)[4:] == ["slow", "slow behind"]
    assert topic.offsets == [6]


@pytest.mark.parametrize("where", ["topic", "flow"])
async def test_garbage_and_what_fails_for_good_are_dead_letters_and_the_others_go_on_in_order(
    topic, topics, plugins, where
):
    dead = topics()
    topic.write(1, b'{"garbage', "bad", 2)
    settings, more = f"bodyType: json, deadLetterTopic: {dead.name}", ""
    if where == "flow":
        settings, more = "bodyType: json", "deadLetter: {flow: bury}"
    bury = "\n  - {name: bury, process: [{type: note, connector: p, value: '[\"dead\", body]'}]}\n"
    async with running(flow(topic, FRAGILE, settings, more) + bury, plugins) as app:
        await until(lambda: 2 in notes(app))
        assert [each for each in notes(app) if not isinstance(each, list)] == [1, "bad", 2]
        buried = [each[1] for each in notes(app) if isinstance(each, list)]
        assert await health(app) == ""
    if where == "topic":
        records = dead.read(2)
        assert [each.value() for each in records] == [b'{"garbage', b'"bad"']
        headers = dict(records[0].headers())
        assert (headers["Octo-Topic"], headers["Octo-Offset"]) == (topic.name.encode(), b"1")
        assert "not valid JSON" in json.loads(headers["Octo-Dead-Letter"])["reason"]
    else:
        assert buried == [{"contentType": "application/octet-stream", "rawData": b'{"garbage'}, "bad"]
    assert topic.offsets == [4]


async def test_without_a_place_for_dead_letters_the_partition_stops_and_says_so(topics, plugins):
    """Nothing is skipped: other partitions go on, and once there is a place, so does this one."""
    topic = topics(2)
    topic.write("good", "bad", "behind", partition=0)
    topic.write("other", partition=1)
    async with running(flow(topic, FRAGILE), plugins) as app:
        await until(lambda: "bad" in notes(app) and "other" in notes(app))
        async with asyncio.timeout(60):
            while not (said := await health(app)):
                await asyncio.sleep(0.01)
        assert said.startswith(codes.STOPPED)
        assert f"{topic.name}/0 stands still at offset 1: " in said
        assert "behind" not in notes(app)
    assert topic.offsets == [1, 1]

    dead = topics()
    async with running(flow(topic, FRAGILE, f"deadLetterTopic: {dead.name}"), plugins) as app:
        await until(lambda: notes(app) == ["bad", "behind"])
    assert topic.offsets == [3, 1]


async def test_attempts_end_where_the_author_says(topic, topics, plugins):
    dead = topics()
    topic.write("bad", "good")
    process = "{type: note, connector: p, value: body}, {type: if, condition: \"body == 'bad'\", then: [FAIL]}"
    process = process.replace("FAIL", "{type: fail, connector: p, how: transient}")
    async with running(flow(topic, process, f"maxAttempts: 2, deadLetterTopic: {dead.name}"), plugins) as app:
        await until(lambda: "good" in notes(app))
        assert notes(app) == ["bad", "bad", "good"]


async def test_a_slow_flow_is_given_no_more_than_it_can_hold(topic, plugins, monkeypatch):
    """The partition is paused, the group still counts the process in, and later all arrive."""
    monkeypatch.setattr("octo.connectors.kafka.member._HEAVY", 200_000)
    monkeypatch.setattr("octo.connectors.kafka.member._LIGHT", 100_000)
    topic.write(*([[number, "x" * 1000] for number in range(2000)]))
    process = "{type: wait, connector: p}, {type: note, connector: p, value: 'body[0]'}"
    async with running(flow(topic, process), plugins) as app:
        await until(lambda: app.connector("k")._readers)
        (reader,) = app.connector("k")._readers
        await until(lambda: any(each.is_paused for each in reader.member._held.values()))
        (held,) = reader.member._held.values()
        assert held.records < 2000
        app.connector("p").gate("go").set()
        await until(lambda: len(notes(app)) == 2000)
        assert notes(app) == list(range(2000))
    assert topic.offsets == [2000]


async def test_a_reload_changes_nothing_in_the_group_and_tries_again_what_stood_still(topic, plugins):
    """The next source reads on where the one before was; a record under way meanwhile is not handed out twice."""
    topic.write("bad", "good")
    process = """
        {type: note, connector: p, value: body},
        {type: wait, connector: p},
        {type: python, call: "tests.connectors.kafka.test_broker:refused_once", with: {body: body}}
    """
    READY.clear()
    async with running(flow(topic, process), plugins) as app:
        await until(lambda: notes(app) == ["bad"])
        (reader,) = app.connector("k")._readers
        await app.generation.starve()
        app.connector("p").gate("go").set()
        await until(lambda: reader.stopped)
        await app.generation.feed()
        await until(lambda: "good" in notes(app))
        assert notes(app) == ["bad", "bad", "good"]
        assert app.connector("k")._readers == [reader]
    assert topic.offsets == [2]


async def test_a_source_with_other_settings_waits_for_what_the_one_before_has_under_way(topic, plugins):
    """As after a reload with a changed file: the old reader finishes, commits, and gives its partitions away."""
    topic.write(1, 2)
    process = "{type: wait, connector: p}, {type: note, connector: p, value: body}"
    async with running(flow(topic, process), plugins) as app:
        probe, connector = app.connector("p"), app.connector("k")
        await until(lambda: probe.waiting == 1)
        await app.generation.starve()
        settings = app.generation.config.flows["work"].source.settings.model_copy(update={"listeners": 9})
        async with aclosing(connector.consume(settings)) as source:
            came = asyncio.get_running_loop().create_task(anext(source))
            old = connector._readers[0]
            await until(
                lambda: len(connector._readers) == 2 and any(each.is_leaving for each in old._partitions.values())
            )
            assert not came.done()
            probe.gate("go").set()
            delivery = await came
            assert (notes(app), delivery.message.body) == ([1], 2)
            await delivery.settle(Done(delivery.message))
    assert topic.offsets == [2]


def refused_once(body):
    if body == "bad" and not READY.is_set():
        READY.set()
        raise Permanent("not in this way")
    return body


async def test_a_source_that_is_gone_for_good_leaves_the_group(topic, plugins, monkeypatch):
    """Its partitions go to others, although the connector stays open."""
    monkeypatch.setattr("octo.connectors.kafka.LINGER", 0.1)
    async with running(flow(topic), plugins) as app:
        await until(lambda: app.connector("k")._readers and app.connector("k")._readers[0]._partitions)
        (reader,) = app.connector("k")._readers
        await app.generation.starve()
        await until(reader.member.ended.done)
        topic.write(1)
        await app.generation.feed()
        await until(lambda: notes(app) == [1])


async def test_two_processes_with_one_name_are_told_so(topic, plugins):
    text = flow(topic, settings="instance: pod")
    async with running(text, plugins) as first:
        await until(lambda: _partitions(first))
        async with running(text.replace("{name: p, type: probe}", SECOND), plugins) as second:
            await until(lambda: _partitions(second))
            topic.write(1)  # who was shut out hears of it when it commits
            await until(lambda: first.generation.broken)
            assert "each process needs an `instance` of its own" in first.generation.broken["work"]
            assert "work" not in second.generation.broken


# --- wrong settings ----------------------------------------------------------------------------------------------


async def test_a_topic_that_does_not_exist_is_named_with_the_nearest_and_read_once_it_exists(topic, plugins, kafka):
    wrong = f"{topic.name}s"
    text = flow(topic).replace(f"topics: [{topic.name}]", f"topics: [{wrong}]")
    async with running(text, plugins) as app:
        await until(lambda: app.generation.broken)
        said = app.generation.broken["work"]
        assert said == f"there is no topic {wrong!r}; did you mean {topic.name!r}?"
        with pytest.raises(Failure) as failed:
            await app.call("send", 1, {"topic": wrong, "key": None})
        assert (type(failed.value.cause), failed.value.cause.code) == (Permanent, codes.NO_TOPIC)

        await asyncio.to_thread(kafka.create, wrong)
        await app.call("send", 1, {"topic": wrong, "key": None})
        await until(lambda: notes(app) == [1])


async def test_a_record_that_is_too_large_fails_for_good(topic, plugins):
    async with running(flow(topic), plugins) as app:
        with pytest.raises(Failure) as failed:
            await publish(app, topic, "x" * 2_000_000)
        assert (type(failed.value.cause), failed.value.cause.code) == (Permanent, codes.UNFIT)
        await publish(app, topic, "small")


async def test_a_wrong_password_is_said_at_once_and_not_shown(topic, plugins):
    sasl = 'sasl: {mechanism: PLAIN, username: octo, password: "hunter2-hunter2"}'
    text = flow(topic, cluster=sasl).replace(topic.kafka.address, topic.kafka.guarded)
    with pytest.raises(StartError) as failed:
        async with running(text, plugins):
            pass
    assert failed.value.code == codes.REFUSED
    assert "hunter2" not in str(failed.value)

    async with running(text.replace("hunter2-hunter2", PASSWORD), plugins) as app:
        await publish(app, topic, 1)
        await until(lambda: notes(app) == [1])


async def test_where_no_broker_is_the_error_says_so(topic, plugins, free_port, monkeypatch):
    monkeypatch.setattr("octo.connectors.kafka.sender.OPENING", 1.0)
    text = flow(topic).replace(topic.kafka.address, f"127.0.0.1:{free_port()}")
    with pytest.raises(StartError, match="Connection refused") as failed:
        async with running(text, plugins):
            pass
    assert failed.value.code == codes.UNREACHABLE


# --- bad days ----------------------------------------------------------------------------------------------------


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(topic, plugins, kafka):
    """Nothing is opened again: what was published meanwhile is acknowledged, and what waited is read."""
    async with running(flow(topic, cluster="deliveryTimeout: 150s"), plugins) as app:
        connector = app.connector("k")
        await publish(app, topic, 1)
        await until(lambda: notes(app) == [1])
        kafka.kill()
        assert (await health(app)).startswith(codes.UNREACHABLE)
        waiting = asyncio.gather(*(publish(app, topic, number) for number in (2, 3)))
        await asyncio.to_thread(kafka.start)
        await waiting
        await until(lambda: notes(app)[-1] == 3)

        assert {*notes(app)} == {1, 2, 3}
        assert await health(app) == ""
        assert app.connector("k") is connector
    assert topic.offsets == [3]


async def test_a_broker_that_says_nothing_turns_health_red_and_a_block_does_not_wait_for_ever(topic, plugins, kafka):
    """A black hole: no connection ends, and nothing answers."""
    async with running(flow(topic, cluster="deliveryTimeout: 2s"), plugins) as app:
        await publish(app, topic, 1)
        await until(lambda: notes(app) == [1])
        kafka.pause()
        try:
            said = health(app)
            with pytest.raises(Failure) as failed:
                await publish(app, topic, 2)
            assert (type(failed.value.cause), failed.value.cause.code) == (Timeout, codes.UNACKNOWLEDGED)
            assert (await said).startswith(codes.UNREACHABLE)
        finally:
            kafka.resume()
        async with asyncio.timeout(60):
            while await health(app):
                await asyncio.sleep(0.1)
        topic.write(3)
        await until(lambda: 3 in notes(app))
    assert topic.offsets[0] == len(topic.read(topic.offsets[0]))


async def test_who_joins_and_leaves_a_group_while_records_are_under_way_loses_none(topics, plugins):
    """A record under way is finished before its partition goes to another: none is handled twice at the same time."""
    topic = topics(4)
    process = "{type: wait, connector: p}, {type: note, connector: p, value: body}"
    text = flow(topic, process)
    sent = [[partition, number] for partition in range(4) for number in range(20)]
    for partition, number in sent:
        topic.write([partition, number], partition=partition)
    async with running(text, plugins) as first:
        mine = first.connector("p")
        await until(lambda: mine.waiting == 4)
        async with running(text.replace("{name: p, type: probe}", SECOND), plugins) as second:
            theirs = second.connector("p")
            await until(lambda: sum(each.is_leaving for each in _partitions(first)) == 2)
            assert theirs.waiting == 0
            mine.gate("go").set()
            await until(lambda: theirs.waiting == 2)
            theirs.gate("go").set()
            await until(lambda: len(mine.notes) + len(theirs.notes) >= 60)
        await until(lambda: len(mine.notes) + len(theirs.notes) >= len(sent))
        came = [*mine.notes, *theirs.notes]
        assert sorted(came) == sorted(sent)
        for partition in range(4):
            for notes_of in (mine.notes, theirs.notes):
                numbers = [number for other, number in notes_of if other == partition]
                assert numbers == sorted(numbers)
    assert topic.offsets == [20] * 4


def _partitions(app):
    return [each for reader in app.connector("k")._readers for each in reader._partitions.values()]
