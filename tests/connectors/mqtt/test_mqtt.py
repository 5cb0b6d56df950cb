"""What is published on a topic is worked on at least once, and what a flow publishes reaches the broker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from octo.core.errors import ConfigError, Permanent
from octo.core.flow import Failure
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.testing import running

from .conftest import until

FLOW = """
connectors: [{name: m, type: mqtt, settings: {url: URL, clientId: NAME, VERSION}}, {name: p, type: probe}]
flows:
  - name: hear
    source: {connector: m, type: mqtt, settings: {topics: ["TOPIC"], SETTINGS}}
    process:
      - {type: note, connector: p, value: NOTED}
      - WORK
"""
SEND = """
connectors: [{name: m, type: mqtt, settings: {url: URL, clientId: NAME, VERSION}}]
flows:
  - name: send
    process: [{type: mqtt-publish, connector: m, settings: {topic: '"NAME/a"', SETTINGS}}]
"""
NOTHING = "{type: log, message: '\"done\"'}"
VARS = '\'{"body": body, "vars": vars, "c": correlationID}\''


def flow(text, broker, name, *, work=NOTHING, noted="body", settings="", version="", topic=None):
    text = text.replace("URL", broker.url).replace("TOPIC", topic or f"{name}/#").replace("NAME", name)
    text = text.replace("WORK", work).replace("NOTED", noted)
    return text.replace("SETTINGS", settings).replace("VERSION", version).replace(", }", "}")


@asynccontextmanager
async def heard(text, plugins):
    """Run the flow; its source has subscribed, or was refused."""
    async with running(text, plugins) as app:
        sessions = app.connector("m")._sessions
        await until(lambda: sessions and all(each.is_read for each in sessions.values()))
        yield app


def properties(**given):
    made = Properties(PacketTypes.PUBLISH)
    for name, value in given.items():
        setattr(made, name, value)
    return made


# --- hearing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_message_is_heard_with_topic_and_headers(broker, foreign, name, plugins, qos):
    async with heard(flow(FLOW, broker, name, noted=VARS, settings=f"qos: {qos}"), plugins) as app:
        more = properties(UserProperty=[("X-Correlation-Id", "c-1"), ("kind", "new")], ContentType="text/plain")
        await foreign.publish(f"{name}/a", b"12", qos=qos, properties=more)
        (got,) = await until(lambda: app.connector("p").notes)

    headers = {"X-Correlation-Id": "c-1", "kind": "new"}
    variables = {"topic": f"{name}/a", "qos": qos, "retained": False, "headers": headers}
    assert got == {"body": "12", "vars": variables, "c": "c-1"}


@pytest.mark.parametrize("version", ["version: 3.1.1", "version: 5"])
async def test_what_comes_while_nobody_reads_is_kept(broker, foreign, name, plugins, version):
    text = flow(FLOW, broker, name, version=version)
    async with heard(text, plugins):
        pass
    for number in range(3):
        await foreign.publish(f"{name}/a", str(number), qos=1)
    async with heard(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 3)
        assert app.connector("p").notes == [0, 1, 2]


async def test_a_retained_message_comes_once_and_says_so(broker, foreign, name, plugins):
    await foreign.publish(f"{name}/a", b"1", qos=1, retain=True)
    text = flow(FLOW, broker, name, noted="vars.retained")
    for _ in range(2):
        async with heard(text, plugins) as app:
            await foreign.publish(f"{name}/b", b"2", qos=1)
            await until(lambda: False in app.connector("p").notes)
            notes = app.connector("p").notes
            assert notes == ([True, False] if _ == 0 else [False])


@pytest.mark.parametrize("qos", [1, 2])
async def test_what_was_not_finished_when_the_process_stops_comes_again(broker, foreign, name, plugins, qos):
    """Also with QoS 2: the broker forgets the message only when it is told that it was worked on."""
    text = flow(FLOW, broker, name, work="{type: wait, connector: p}", settings=f"qos: {qos}")
    async with heard(text, plugins) as app:
        for number in range(3):
            await foreign.publish(f"{name}/a", str(number), qos=qos)
        await until(lambda: len(app.connector("p").notes) == 3)
    for last in (8, 9):
        async with heard(flow(FLOW, broker, name, settings=f"qos: {qos}"), plugins) as app:
            await foreign.publish(f"{name}/a", str(last), qos=qos)
            notes = app.connector("p").notes
            await until(lambda seen=notes, end=last: end in seen)
            await asyncio.sleep(0.2)
            assert sorted(notes) == ([0, 1, 2, 8] if last == 8 else [9])


async def test_what_failed_for_a_while_is_tried_again_and_given_up_in_the_end(broker, foreign, name, plugins, caplog):
    work = "{type: fail, connector: p, how: transient}"
    async with heard(flow(FLOW, broker, name, work=work, settings="maxAttempts: 2"), plugins) as app:
        await foreign.publish(f"{name}/a", b"1", qos=1)
        await until(lambda: "a message was given up" in caplog.text)
        assert app.connector("p").notes == [1, 1]
    async with heard(flow(FLOW, broker, name), plugins) as app:
        await foreign.publish(f"{name}/a", b"2", qos=1)
        await until(lambda: app.connector("p").notes)
        assert app.connector("p").notes == [2]


async def test_garbage_goes_among_the_dead_letters_as_it_came_and_the_others_go_on(
    broker, foreign, name, plugins, tmp_path
):
    text = flow(FLOW, broker, name, settings="bodyType: json, maxBodyBytes: 100")
    text = text.replace("    process:", f"    deadLetter: {{file: {tmp_path}/dead.jsonl}}\n    process:")
    async with heard(text, plugins) as app:
        for data in (b"1", b'{"n":', b"\xff", b"x" * 200, b"2"):
            await foreign.publish(f"{name}/a", data, qos=1)
        await until(lambda: app.connector("p").notes == [1, 2])
    dead = (tmp_path / "dead.jsonl").read_text()
    assert dead.count("the body cannot be read") == 2
    assert "the body has 200 bytes, at most 100" in dead


async def test_no_more_are_sent_ahead_than_there_are_listeners(broker, foreign, name, plugins):
    text = flow(FLOW, broker, name, work="{type: wait, connector: p}", settings="listeners: 3")
    async with heard(text, plugins) as app:
        for number in range(10):
            await foreign.publish(f"{name}/a", str(number), qos=1)
        await until(lambda: len(app.connector("p").notes) == 3)
        await asyncio.sleep(1)
        (session,) = app.connector("m")._sessions.values()
        assert (len(app.connector("p").notes), len(session._arrived)) == (3, 0)


async def test_a_key_keeps_the_order_also_of_what_is_tried_again(broker, foreign, name, plugins):
    work = (
        """{type: if, condition: 'body.n == 1 && body.k == "a"', then: [{type: fail, connector: p, how: transient}]}"""
    )
    text = flow(FLOW, broker, name, work=work, noted="body.k + string(body.n)", settings="key: body.k, maxAttempts: 2")
    async with heard(text, plugins) as app:
        for key, number in (("a", 1), ("a", 2), ("b", 1)):
            await foreign.publish(f"{name}/a", f'{{"k": "{key}", "n": {number}}}', qos=1)
        await until(lambda: len(app.connector("p").notes) == 4)
        notes = app.connector("p").notes
        assert [each for each in notes if each[0] == "a"] == ["a1", "a1", "a2"]
        assert notes[1] == "b1"


async def test_acknowledgements_go_out_in_the_order_of_the_messages(broker, foreign, name, plugins):
    """The protocol demands it: `b` is finished first, and is acknowledged after `a`."""
    work = """{type: if, condition: 'body == "a"', then: [{type: delay, for: 1s}]}"""
    async with heard(flow(FLOW, broker, name, work=work), plugins) as app:
        (session,) = app.connector("m")._sessions.values()
        await until(lambda: hasattr(session, "_link"))
        told, tell = [], session._link.acknowledge
        session._link.acknowledge = lambda mid, qos: (told.append(mid), tell(mid, qos))
        for body in ("a", "b"):
            await foreign.publish(f"{name}/a", body, qos=1)
        await until(lambda: len(told) == 2)
        assert told == sorted(told)


async def test_processes_share_a_subscription(broker, foreign, name, plugins, tmp_path):
    """Each has a session of its own, under the first name that is free."""
    text = flow(FLOW, broker, name, topic=f"$share/g/{name}/#")

    @asynccontextmanager
    async def process():
        async with Services(in_file(tmp_path / "o.db")) as services, running(text, plugins, services=services) as app:
            yield app.connector("m")._sessions, app.connector("p").notes

    async with process() as (first, notes), process() as (second, more):
        await until(lambda: any(each.is_read for each in first.values()))
        await until(lambda: any(each.is_read for each in second.values()))
        for number in range(20):
            await foreign.publish(f"{name}/a", str(number), qos=1)
        await until(lambda: len(notes) + len(more) == 20)
        assert sorted((*notes, *more)) == list(range(20))
        assert first.keys() != second.keys()
        assert notes
        assert more


async def test_two_sources_with_the_same_topics_are_refused(broker, name, plugins):
    text = flow(FLOW, broker, name)
    twice = text + text[text.index("  - name: hear") :].replace("hear", "too")
    with pytest.raises(ConfigError, match="both have the topics"):
        async with running(twice, plugins):
            pass


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("a/b#", "stand for whole levels"),
        ("a/#/b", "is the last level"),
        ("", "it is empty"),
        ("$share/a", r"\$share/GROUP/TOPIC"),
    ],
)
async def test_a_topic_that_cannot_be_subscribed_to_is_refused(broker, name, plugins, topic, told):
    text = flow(FLOW, broker, name).replace(f"{name}/#", topic)
    with pytest.raises(ConfigError, match=told):
        async with running(text, plugins):
            pass


# --- publishing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_a_flow_publishes_with_headers(broker, foreign, name, plugins, qos):
    await foreign.subscribe(f"{name}/#", qos=2)
    settings = f"qos: {qos}, headers: {{kind: body.kind}}, body: body.text, expiry: 1h"
    async with running(flow(SEND, broker, name, settings=settings), plugins) as app:
        body = {"kind": "new", "text": "grün"}
        assert (await app.call("send", body)).body == body
    message = await anext(aiter(foreign.messages))

    assert (str(message.topic), message.payload.decode(), message.qos) == (f"{name}/a", "grün", qos)
    assert message.properties.UserProperty == [("kind", "new")]
    assert message.properties.ContentType == "text/plain; charset=utf-8"
    assert 3500 < message.properties.MessageExpiryInterval <= 3600


async def test_a_retained_message_is_kept_and_deleted(broker, foreign, name, plugins):
    async with running(flow(SEND, broker, name, settings="retain: true"), plugins) as app:
        await app.call("send", "kept")
        await foreign.subscribe(f"{name}/#", qos=1)
        message = await anext(aiter(foreign.messages))
        assert (message.payload, message.retain) == (b"kept", True)
        await app.call("send", "")


async def test_version_3_carries_bodies_alone(broker, foreign, name, plugins):
    await foreign.subscribe(f"{name}/#", qos=1)
    async with running(flow(SEND, broker, name, version="version: 3.1.1"), plugins) as app:
        await app.call("send", {"a": 1})
        assert (await anext(aiter(foreign.messages))).payload == b'{"a":1}'
    text = flow(SEND, broker, name, version="version: 3.1.1", settings="headers: {a: \"'b'\"}")
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match=r"MQTT 3\.1\.1 has no headers"):
            await app.call("send", 1)


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b"])
async def test_a_topic_that_cannot_be_published_on_is_refused(broker, name, plugins, topic):
    text = flow(SEND, broker, name).replace(f'"{name}/a"', "body")
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match="is no topic to publish on"):
            await app.call("send", topic)


async def test_a_subscription_outlives_a_reload(broker, foreign, name, plugins):
    """What waits at one source goes to the next; nothing is lost, and nothing comes twice."""
    text = flow(FLOW, broker, name, work="{type: delay, for: 300ms}", settings="key: vars.topic")
    async with heard(text, plugins) as app:
        for number in range(4):
            await foreign.publish(f"{name}/a", str(number), qos=1)
        await until(lambda: app.connector("p").notes)
        (feed,) = app.generation._feeds.values()
        await feed.stop()
        feed.start(app.connector("m"))
        await until(lambda: len(app.connector("p").notes) >= 4)
        await asyncio.sleep(0.5)
        assert app.connector("p").notes == [0, 1, 2, 3]


async def test_a_failure_says_permanent_or_not(broker, name, plugins):
    async with running(flow(SEND, broker, name), plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("send", b"x" * 268_435_460)
    assert (type(caught.value.cause), caught.value.cause.code) == (Permanent, "OCTO-M102")
