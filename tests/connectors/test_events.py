"""Events: every subscriber gets them, a durable one also those that came while it was away."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest

from octo.config.load import parse
from octo.connectors import events
from octo.core.errors import ConfigError, NotConnected, Transient
from octo.core.flow import Failure, at_last
from octo.core.message import Message
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.generation import Generation
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.services.memory import leases, topics
from octo.testing import running as running_at_once
from octo.testing.clock import virtual

PAID = """
connectors: [{name: e, type: events}, {name: p, type: probe}]
flows:
  - name: pay
    process: [{type: publish-event, subject: '"paid"'MORE}]
  - name: mail
    source: {connector: e, type: events, settings: {subject: paid}}
    process: [WORK]
"""
NOTE = "{type: note, connector: p, value: NOTED}"
NOTED = """'{"body": body, "vars": vars, "id": eventID, "correlation": correlationID}'"""


def paid(work=NOTE, source="subject: paid", more=""):
    text = PAID.replace("WORK", work).replace("subject: paid}", source + "}").replace("MORE", more)
    return text.replace("NOTED", NOTED)


@asynccontextmanager
async def running(*args, **kwargs):
    """The configuration, once its sources have subscribed."""
    async with running_at_once(*args, **kwargs) as app:
        await asyncio.sleep(1)
        yield app


class Together:
    """Services of several processes: topics and leases that outlive each of them."""

    def __init__(self):
        self.topics, self.leases = topics.Logs(), None

    def services(self):
        @asynccontextmanager
        async def shared_topics():
            yield self.topics

        @asynccontextmanager
        async def shared_leases():
            if self.leases is None:
                self.leases = leases.opened()
                self.held = await self.leases.__aenter__()
            yield self.held

        return Services({"topics": shared_topics, "leases": shared_leases})


# --- publishing --------------------------------------------------------------------------------------------------


@virtual()
async def test_the_message_passes_and_a_copy_arrives(plugins):
    """With the variables, values that are no JSON, and an event id of its own."""
    body = {"b": b"\0\xff", "n": 2**70}
    async with running(paid(), plugins) as app:
        outcome = await app.call("pay", body, {"v": 1})
        await asyncio.sleep(1)
        (got,) = app.connector("p").notes

    assert (outcome.body, outcome.vars) == (body, {"v": 1})
    assert (got["body"], got["vars"]) == (body, {"v": 1})
    assert got["id"] != outcome.event_id
    assert outcome.is_kin(got["id"])


@virtual()
async def test_value_is_the_body_of_the_event(plugins):
    async with running(paid(more=", value: body.id"), plugins) as app:
        outcome = await app.call("pay", {"id": 7})
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [7]

    assert outcome.body == {"id": 7}


@virtual()
async def test_nobody_needs_to_listen(plugins):
    async with running(paid(source="subject: other"), plugins) as app:
        assert (await app.call("pay", 1)).body == 1
        await asyncio.sleep(1)
        assert app.connector("p").notes == []


@virtual()
async def test_every_subscriber_gets_it_under_an_id_of_its_own(plugins):
    text = paid() + "  - name: books\n    source: {connector: e, type: events, settings: {subject: paid}}\n"
    text += "    process: [" + NOTE.replace("NOTED", NOTED) + "]\n"
    async with running(text, plugins) as app:
        await app.call("pay", 1)
        await asyncio.sleep(1)
        notes = app.connector("p").notes

    assert [each["body"] for each in notes] == [1, 1]
    assert len({each["id"] for each in notes}) == 2


@virtual()
async def test_an_impossible_subject_fails_the_block(plugins):
    text = paid().replace("'\"paid\"'", "body.to")
    async with running(text, plugins) as app:
        with pytest.raises(Failure, match="a topic name has 1 to 512 bytes"):
            await app.call("pay", {"to": ""})
        await app.call("pay", {"to": "system:restart"})


# --- what `octo check` refuses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("subject: 'system:restart'", "belong to the platform: a flow may publish to them, and not subscribe"),
        ("subject: ''", "must not be empty"),
        (f"subject: {'x' * 513}", "a subject has 1 to 512 bytes in UTF-8, this one has 513"),
        (f"subject: paid, durable: {'x' * 513}", "a subscriber name has 1 to 512 bytes"),
        ("subject: paid, listeners: 0", "at least 1"),
        ("subject: paid, durabel: d", "did you mean `durable`?"),
    ],
)
def test_the_settings_are_checked(plugins, source, said):
    with pytest.raises(ConfigError) as caught:
        parse(paid(source=source), plugins, {})

    assert said in "\n".join(f"{each.message} {each.hint}" for each in caught.value.problems)


def test_two_sources_of_one_durable_name_clash(plugins):
    text = paid(source="subject: paid, durable: d")
    text += "  - name: books\n    source: {connector: e, type: events, settings: {subject: paid, durable: d}}\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, plugins, {})

    assert "both are the durable subscriber 'd' of 'paid'" in str(caught.value.problems[0].message)


# --- guarantees --------------------------------------------------------------------------------------------------


@virtual()
async def test_without_a_name_what_fails_is_not_tried_again(plugins):
    async with running(paid("{type: fail, connector: p, how: transient}"), plugins) as app:
        await app.call("pay", 1)
        await asyncio.sleep(600)
        assert app.kinds("mail") == ["started", "failed"]


@virtual()
async def test_a_durable_subscriber_tries_again_then_gives_up_and_goes_on(plugins, caplog):
    work = "{type: fail, connector: p, how: transient}"
    async with running(paid(work, "subject: paid, durable: d"), plugins) as app:
        await app.call("pay", 1)
        await asyncio.sleep(600)
        assert app.kinds("mail") == ["started", "failed"] * 5
        ids = {event.message.event_id for event in app.events if event.flow == "mail"}
        await app.call("pay", 2)
        await asyncio.sleep(600)
        assert app.kinds("mail") == ["started", "failed"] * 10

    assert len(ids) == 1, "the same event has the same id each time"
    assert [each for each in caplog.records if each.getMessage() == "an event was given up"]


@virtual()
async def test_a_durable_subscriber_gets_what_came_while_it_was_away(plugins, tmp_path):
    """After a restart it goes on after its last commit."""
    durable = "subject: paid, durable: d"
    deaf = paid().replace("source: {connector: e, type: events, settings: {subject: paid}}", "")
    for text, bodies, expected in (
        (paid(source=durable), [1, 2], [1, 2]),
        (deaf, [3, 4], []),
        (paid(source=durable), [5], [3, 4, 5]),
    ):
        async with Services(in_file(tmp_path / "o.db")) as services, running(text, plugins, services=services) as app:
            await asyncio.sleep(1)
            for body in bodies:
                await app.call("pay", body)
            await asyncio.sleep(1)
            assert [each["body"] for each in app.connector("p").notes] == expected


@virtual()
async def test_a_durable_name_is_remembered_before_its_process_may_read(plugins):
    """Another process that was killed holds the lease for a while."""
    together = Together()
    text = paid(source="subject: paid, durable: d")
    async with together.services() as services:
        await services.open(["leases"])
        held = services.handed({"leases": "leases"})["leases"]
        name = events._lease(events.Subscribe(subject="paid", durable="d"))
        await held.acquire(name, 15)
        async with running(text, plugins, services=services) as app:
            await app.call("pay", 1)
            await asyncio.sleep(30)
            assert [each["body"] for each in app.connector("p").notes] == [1]


@virtual()
async def test_commits_keep_the_order_of_events_not_that_of_their_ends(plugins):
    """What finished before an earlier event comes again if the process ends meanwhile."""
    together = Together()
    work = "{type: if, condition: body == 1, then: [{type: wait, connector: p}]}, " + NOTE
    async with (
        together.services() as services,
        running(paid(work, "subject: paid, durable: d"), plugins, services=services, drain=0.0) as app,
    ):
        for body in (1, 2, 3):
            await app.call("pay", body)
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [2, 3]
    async with (
        together.services() as services,
        running(paid(source="subject: paid, durable: d"), plugins, services=services) as app,
    ):
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [1, 2, 3]


@virtual()
async def test_what_finishes_while_the_process_stops_is_committed(plugins):
    together = Together()
    work = "{type: delay, for: 2s}, " + NOTE
    async with (
        together.services() as services,
        running(paid(work, "subject: paid, durable: d"), plugins, services=services) as app,
    ):
        await app.call("pay", 1)
        await asyncio.sleep(1)
    async with (
        together.services() as services,
        running(paid(source="subject: paid, durable: d"), plugins, services=services) as app,
    ):
        await app.call("pay", 2)
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [2]


class Away(topics.Logs):
    """Topics whose store takes no commit while `is_away`."""

    is_away = False
    error = NotConnected("the store is away")

    @asynccontextmanager
    async def subscribe(self, topic, *, durable=""):
        async with super().subscribe(topic, durable=durable) as subscription:
            commit = subscription.commit

            async def tried(event):
                if self.is_away:
                    await asyncio.sleep(5)
                    raise self.error
                await commit(event)

            subscription.commit = tried
            yield subscription


@virtual()
@pytest.mark.parametrize(("listeners", "error"), [(1, Away.error), (3, Away.error), (1, OSError("a bug of a driver"))])
async def test_no_more_runs_uncommitted_than_twice_the_listeners(plugins, listeners, error):
    """Else a kill would repeat all that was read ahead. What is finished is committed later, and does not run again."""
    together, source = Together(), f"subject: paid, durable: d, listeners: {listeners}"
    together.topics = Away()
    together.topics.error = error
    async with together.services() as services, running(paid(source=source), plugins, services=services) as app:
        together.topics.is_away = True
        for body in range(20):
            await app.call("pay", body)
        await asyncio.sleep(60)
        assert [each["body"] for each in app.connector("p").notes] == [*range(2 * listeners)]
        together.topics.is_away = False
        await asyncio.sleep(60)
        assert [each["body"] for each in app.connector("p").notes] == [*range(20)]


@virtual()
async def test_a_reload_hands_out_nothing_twice(plugins):
    """Events that the flow of before has under way are not read again; one that then fails is tried by the new flow."""
    work = (
        "{type: delay, for: 5s}, {type: if, condition: body == 2, then: [{type: fail, connector: p, how: transient}]}, "
    )
    before = parse(paid(work + NOTE, "subject: paid, durable: d"), plugins, {})
    after = parse(paid(source="subject: paid, durable: d"), plugins, {})
    async with Services() as services, asyncio.TaskGroup() as tasks:
        connections, bus = Connections(tasks, services), Bus()
        old, new = (Generation(each, connections, bus, tasks) for each in (before, after))
        await old.open()
        await old.feed()
        await asyncio.sleep(1)
        for body in (1, 2, 3):
            await at_last(old.flows["pay"].call(Message(body)))
        await asyncio.sleep(1)
        await new.open()
        await new.feed(old)
        notes = new.instances["p"].notes
        await old.drain(30)
        await asyncio.sleep(60)
        assert sorted(each["body"] for each in notes) == [1, 2, 3]
        await new.starve()
        await new.drain(5)


@virtual()
async def test_after_a_kill_another_process_reads_within_five_seconds(plugins, monkeypatch):
    """What was killed gives nothing back."""

    async def killed(*_):
        pass

    together = Together()
    text = paid(source="subject: paid, durable: d")
    async with together.services() as one, together.services() as two:
        with monkeypatch.context() as patched:
            patched.setattr(leases.Holders, "release", killed)
            async with running(text, plugins, services=one):
                await asyncio.sleep(1)
        async with running(text, plugins, services=two) as app:
            await app.call("pay", 1)
            await asyncio.sleep(5.1)
            assert [each["body"] for each in app.connector("p").notes] == [1]


@virtual()
async def test_of_two_processes_one_reads_for_a_name(plugins):
    together = Together()
    text = paid(source="subject: paid, durable: d")
    async with together.services() as one, together.services() as two:
        async with running(text, plugins, services=one) as first:
            await asyncio.sleep(1)
            async with running(text, plugins, services=two) as second:
                await first.call("pay", 1)
                await asyncio.sleep(60)
                assert [len(each.connector("p").notes) for each in (first, second)] == [1, 0]
        async with running(text, plugins, services=two) as second:
            await asyncio.sleep(60)
            await second.call("pay", 2)
            await asyncio.sleep(1)
            assert [each["body"] for each in second.connector("p").notes] == [2]


@virtual()
async def test_one_listener_keeps_the_order_also_when_an_event_is_tried_again(plugins):
    """The first message fails twice."""
    work = (
        "{type: object-read, key: '\"n\"', as: n, default: '0'}, "
        "{type: object-write, key: '\"n\"', value: vars.n + 1}, "
        "{type: if, condition: vars.n < 2, then: [{type: fail, connector: p, how: transient}]}, " + NOTE
    )
    async with running(paid(work, "subject: paid, durable: d, listeners: 1"), plugins) as app:
        for body in range(5):
            await app.call("pay", body)
        await asyncio.sleep(600)
        assert [each["body"] for each in app.connector("p").notes] == [0, 1, 2, 3, 4]


@virtual()
async def test_listeners_limit_what_is_under_way(plugins):
    async with running(paid("{type: wait, connector: p}", "subject: paid, listeners: 3"), plugins, drain=0.0) as app:
        for body in range(10):
            await app.call("pay", body)
        await asyncio.sleep(100)
        assert app.kinds("mail") == ["started"] * 3


@virtual()
async def test_who_falls_behind_is_told_in_log_and_health(plugins, caplog):
    caplog.set_level(logging.WARNING)
    text = paid("{type: delay, for: 10s}", "subject: paid, listeners: 1")
    async with running(text, plugins, drain=0.0) as app:
        await app.connector("e").health()
        await app.call("pay", 0)
        await asyncio.sleep(1)
        for body in range(1500):
            await app.call("pay", body)
        await asyncio.sleep(11)
        with pytest.raises(Transient, match="events of the topic 'paid' are gone: this subscriber is too slow"):
            await app.connector("e").health()
        await asyncio.sleep(61)
        await app.connector("e").health()

    assert [each.getMessage() for each in caplog.records].count("events were missed") == 1


@virtual()
@pytest.mark.parametrize("durable", ["", ", durable: d"])
async def test_what_another_program_published_stops_nothing(plugins, durable):
    async with running(paid(source="subject: paid" + durable), plugins) as app:
        await asyncio.sleep(1)
        await app.connector("e")._topics.publish("paid", "no message")
        await app.call("pay", 1)
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [1]


# --- stubs -------------------------------------------------------------------------------------------------------

SUITE = """
flow: mail
stubs: {e: {}}
cases:
  - name: an event
    trigger: {body: {a: 1}, vars: {v: 2}}
    expect: {body: 3}
"""


def test_a_trigger_is_an_event_for_the_source(command, tmp_path):
    text = paid("{type: set-payload, value: 'body.a + vars.v'}").replace(", {name: p, type: probe}", "")
    (tmp_path / "flow.yaml").write_text(text)
    (tmp_path / "flow_test.yaml").write_text(SUITE)

    assert command("test", str(tmp_path))[0] == 0


@virtual()
async def test_from_a_stub_no_event_leaves(plugins):
    text = paid().replace("subject: '\"paid\"'", "connector: e, subject: '\"paid\"'")
    async with running(text, plugins, stubs={"e": {}}) as app:
        assert (await app.call("pay", 1)).body == 1
        await asyncio.sleep(1)
        assert app.connector("p").notes == []
