"""Streams: each message is settled by what its flow made of it, and none is lost or tried for ever."""

from __future__ import annotations

import asyncio

import pytest
from nats.js.api import AckPolicy, ConsumerConfig

from octo.connectors.nats import codes
from octo.testing import running
from octo.testing.nats import Nats

from .conftest import until

FLOW = """
connectors: [{name: n, type: nats, settings: {url: URL}}, {name: p, type: probe}]
flows:
  - name: work
    source: {connector: n, type: nats-jetstream, settings: {stream: NAME, durable: d, create: true, SETTINGS}}
    process:
      - {type: note, connector: p, value: NOTED}
      - WORK
"""
NOTHING = "{type: log, message: '\"done\"'}"


def flow(server, name, work=NOTHING, noted="body", settings=""):
    text = FLOW.replace("URL", server.url).replace("NAME", name).replace("WORK", work).replace("NOTED", noted)
    return text.replace("SETTINGS", settings).replace(", }", "}")


async def publish(foreign, stream, *bodies, subject="a", headers=None):
    for body in bodies:
        data = body if isinstance(body, bytes) else str(body).encode()
        await foreign.jetstream().publish(f"{stream}.{subject}", data, headers=headers)


async def settled(foreign, stream, unsettled=0):
    """Wait until the consumer has nothing left but so many that are not settled."""

    async def look():
        info = await foreign.jetstream().consumer_info(stream, "d")
        return (info.num_pending, info.num_ack_pending) == (0, unsettled)

    async with asyncio.timeout(30):
        while not await look():
            await asyncio.sleep(0.05)


async def test_a_message_is_read_once_and_acknowledged(server, foreign, stream, plugins):
    await publish(foreign, stream, b'{"n": 1}', headers={"Kind": "new"})
    noted = "{'body': body, 'vars': vars, 'id': eventID}"
    async with running(flow(server, stream, noted=f'"{noted}"'), plugins) as app:
        (got,) = await until(lambda: app.connector("p").notes)
        await settled(foreign, stream)

    published = got["vars"].pop("publishedAt")
    assert published.endswith("Z")
    assert got["body"] == {"n": 1}
    assert got["vars"] == {"subject": f"{stream}.a", "stream": stream, "sequence": 1, "headers": {"Kind": "new"}}


async def test_only_the_subjects_that_are_asked_for_come(server, foreign, stream, plugins):
    for subject in ("a", "b", "c"):
        await publish(foreign, stream, 1, subject=subject)
    async with running(
        flow(server, stream, noted="vars.subject", settings=f"subjects: [{stream}.a, {stream}.c]"), plugins
    ) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        await settled(foreign, stream)
        assert app.connector("p").notes == [f"{stream}.a", f"{stream}.c"]


FAILS_TWICE = "{type: fail, connector: p, how: transient}"


async def test_what_failed_for_a_while_comes_again_with_the_same_id_and_is_given_up_in_the_end(
    server, foreign, stream, plugins
):
    await publish(foreign, stream, 1)
    text = flow(server, stream, FAILS_TWICE, noted="eventID", settings="maxAttempts: 2")
    async with running(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        await settled(foreign, stream)
        assert len(set(app.connector("p").notes)) == 1


async def test_what_failed_for_good_is_terminated(server, foreign, stream, plugins):
    await publish(foreign, stream, 1, 2)
    async with running(flow(server, stream, "{type: fail, connector: p, how: permanent}"), plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        await settled(foreign, stream)


async def test_garbage_goes_among_the_dead_letters_as_it_came_and_the_others_go_on(
    server, foreign, stream, plugins, tmp_path
):
    """It is no endless loop, and the flow never sees it."""
    json = {"Content-Type": "application/json"}
    await publish(foreign, stream, b"1", b'{"n":', b"\xff", b"2", headers=json)
    text = flow(server, stream).replace(
        "    process:", f"    deadLetter: {{file: {tmp_path}/dead.jsonl}}\n    process:"
    )
    async with running(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        await settled(foreign, stream)
        assert app.connector("p").notes == [1, 2]
    dead = (tmp_path / "dead.jsonl").read_text()
    assert dead.count("the body cannot be read, which its content type 'application/json' says") == 2
    assert r"{\"n\":" in dead


async def test_a_body_that_is_too_large_is_given_up(server, foreign, stream, plugins, caplog):
    await publish(foreign, stream, b"x" * 200, b"1")
    async with running(flow(server, stream, settings="maxBodyBytes: 100"), plugins) as app:
        await until(lambda: app.connector("p").notes == [1])
        await settled(foreign, stream)
    (given_up,) = [each for each in caplog.records if each.getMessage() == "a message was given up"]
    assert given_up.fields["reason"].startswith("OCTO-R110: the body has 200 bytes, at most 100")


async def test_no_more_are_under_way_than_there_are_listeners(server, foreign, stream, plugins):
    await publish(foreign, stream, *range(20))
    text = flow(server, stream, "{type: wait, connector: p}", settings="listeners: 3")
    async with running(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 3)
        await asyncio.sleep(1)
        info = await foreign.jetstream().consumer_info(stream, "d")
        assert (len(app.connector("p").notes), info.num_ack_pending, info.num_pending) == (3, 3, 17)


async def test_a_long_flow_keeps_its_message(server, foreign, stream, plugins):
    """The lease is renewed while it works, and for what waits in line."""
    await publish(foreign, stream, 1, 2)
    text = flow(server, stream, "{type: delay, for: 4s}", settings="lease: 1s, key: \"'k'\"")
    async with running(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        await settled(foreign, stream)
        assert app.connector("p").notes == [1, 2]


async def test_a_key_keeps_the_order_also_of_what_is_tried_again(server, foreign, stream, plugins):
    """`a1` fails once; `a2` waits for it, `b1` does not."""
    await publish(foreign, stream, *(f'{{"k": "{key}", "n": {n}}}' for key, n in (("a", 1), ("a", 2), ("b", 1))))
    work = (
        """{type: if, condition: 'body.k == "a" && body.n == 1', then: [{type: fail, connector: p, how: transient}]}"""
    )
    text = flow(server, stream, work, noted="body.k + string(body.n)", settings="key: body.k, maxAttempts: 2")
    async with running(text, plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 4)
        await settled(foreign, stream)
        assert [each for each in app.connector("p").notes if each[0] == "a"] == ["a1", "a1", "a2"]
        assert app.connector("p").notes[1] == "b1"


async def test_a_consumer_that_exists_is_used_as_it_is(server, foreign, stream, plugins):
    config = ConsumerConfig(durable_name="d", ack_policy=AckPolicy.EXPLICIT, ack_wait=7, filter_subject=f"{stream}.b")
    await foreign.jetstream().add_consumer(stream, config)
    await publish(foreign, stream, 1, subject="a")
    await publish(foreign, stream, 2, subject="b")
    async with running(flow(server, stream), plugins) as app:
        await until(lambda: app.connector("p").notes == [2])
        await settled(foreign, stream)
    assert (await foreign.jetstream().consumer_info(stream, "d")).config.ack_wait == 7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("stream: NAME", "stream: NOPE"), "there is no stream 'NOPE'; make it with `nats stream add`"),
        (("create: true", "create: false"), "there is no consumer 'd' of stream 'NAME'; make it"),
    ],
)
async def test_what_is_missing_is_told_and_read_once_it_is_there(server, foreign, stream, plugins, change, told):
    text = flow(server, stream).replace(change[0].replace("NAME", stream), change[1])
    async with running(text, plugins) as app:
        broken = await until(lambda: app.generation.broken)
        assert told.replace("NAME", stream) in broken["work"]


class Plain(Nats):
    """A server without JetStream."""

    def settings(self):
        return ""


async def test_a_server_without_jetstream_is_told(plugins, caplog):
    with Plain.started() as server:
        async with running(flow(server, "s"), plugins) as app:
            broken = await until(lambda: app.generation.broken)
    assert "the server has no JetStream; start it with `-js`" in broken["work"]
    assert codes.NO_CONSUMER in {each.__dict__.get("fields", {}).get("code") for each in caplog.records}


async def test_a_message_is_given_up_when_the_consumer_delivers_it_for_the_last_time(
    server, foreign, stream, plugins, tmp_path, caplog
):
    """The server would drop it silently."""
    config = ConsumerConfig(durable_name="d", ack_policy=AckPolicy.EXPLICIT, max_deliver=2)
    await foreign.jetstream().add_consumer(stream, config)
    await publish(foreign, stream, 1)
    text = flow(server, stream, FAILS_TWICE, settings="maxAttempts: 5").replace(
        "    process:", f"    deadLetter: {{file: {tmp_path}/dead.jsonl}}\n    process:"
    )
    async with running(text, plugins) as app:
        await until((tmp_path / "dead.jsonl").exists)
        await settled(foreign, stream)
        assert app.connector("p").notes == [1, 1]
    assert "attempt 2 of 2 failed" in (tmp_path / "dead.jsonl").read_text()
    assert "delivers less often" in caplog.text


async def test_a_consumer_that_is_deleted_is_noticed_and_made_again(server, foreign, stream, plugins):
    async with running(flow(server, stream), plugins) as app:
        await publish(foreign, stream, 1)
        await until(lambda: app.connector("p").notes)
        await settled(foreign, stream)
        await foreign.jetstream().delete_consumer(stream, "d")
        await publish(foreign, stream, 2)
        await until(lambda: 2 in app.connector("p").notes)


async def test_a_consumer_for_what_is_new_that_is_deleted_goes_on_where_it_was(server, foreign, stream, plugins):
    """What came while there was none is new, too; so is what failed meanwhile. What was there before it is not."""
    js = foreign.jetstream()
    await publish(foreign, stream, 0)
    fails = "{type: delay, for: 1s}, {type: fail, connector: p, how: transient}"
    work = f"{{type: if, condition: body == 2, then: [{fails}]}}"
    text = flow(server, stream, work, settings="deliver: new, maxAttempts: 2")
    async with running(text, plugins) as app:
        async with asyncio.timeout(30):
            while "d" not in {each.name for each in await js.consumers_info(stream)}:
                await asyncio.sleep(0.05)
        await publish(foreign, stream, 1, 2)
        await until(lambda: len(app.connector("p").notes) == 2)
        await js.delete_consumer(stream, "d")
        await publish(foreign, stream, 3)
        await until(lambda: 3 in app.connector("p").notes)
        await settled(foreign, stream)
    assert app.connector("p").notes.count(2) > 1
    assert 0 not in app.connector("p").notes


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"ack_policy": AckPolicy.NONE}, "has the ack policy 'none'; it must be 'explicit'"),
        ({"deliver_subject": "x"}, "is a push consumer"),
        ({}, "has all subjects, not the `subjects` of the source"),
    ],
)
async def test_a_consumer_that_is_not_what_the_settings_say_is_told(server, foreign, stream, plugins, config, told):
    await foreign.jetstream().add_consumer(stream, ConsumerConfig(durable_name="d", **config))
    async with running(flow(server, stream, settings=f"subjects: [{stream}.b]"), plugins) as app:
        await until(lambda: told in app.generation.broken.get("work", ""))


async def test_what_is_begun_when_the_process_stops_comes_at_once_to_the_next(server, foreign, stream, plugins):
    """It is not lost, and nobody waits for the lease."""
    await publish(foreign, stream, 1, 2, 3)
    async with running(flow(server, stream, "{type: wait, connector: p}", settings="listeners: 2"), plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
    async with asyncio.timeout(20), running(flow(server, stream), plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 3)
        assert sorted(app.connector("p").notes) == [1, 2, 3]


async def test_with_a_key_none_overtakes_what_a_process_that_is_gone_had_begun(server, foreign, stream, plugins):
    """As after a kill: the stream holds `1` back for the one that is gone until its lease is over."""
    config = ConsumerConfig(durable_name="d", ack_policy=AckPolicy.EXPLICIT, ack_wait=3)
    await foreign.jetstream().add_consumer(stream, config)
    await publish(foreign, stream, 1, 2)
    gone = await foreign.jetstream().pull_subscribe_bind("d", stream)
    assert [each.data for each in await gone.fetch(1)] == [b"1"]
    async with running(flow(server, stream, settings="key: \"'all'\""), plugins) as app:
        await until(lambda: len(app.connector("p").notes) == 2)
        assert app.connector("p").notes == [1, 2]


async def test_with_a_key_the_order_outlives_reloads(server, foreign, stream, plugins):
    """What is on its way to a source that is left is given back with the rest, and none of it comes twice."""
    await publish(foreign, stream, *range(60))
    text = flow(server, stream, "{type: delay, for: 20ms}", settings="key: \"'all'\", listeners: 8")
    async with running(text, plugins) as app:
        notes, (feed,) = app.connector("p").notes, app.generation._feeds.values()
        for seen in (5, 15, 25):
            await until(lambda seen=seen: len(notes) >= seen)
            await feed.stop()
            feed.start(app.connector("n"))
        await until(lambda: len(notes) >= 60)
        await settled(foreign, stream)
        assert notes == list(range(60))
