"""Queues of the runtime: what is sent arrives at least once, and who waits hears what became of it."""

from __future__ import annotations

import asyncio

import pytest

from octo.core import idempotency, letter
from octo.core.errors import Timeout
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine import letter_file
from octo.services import limits
from octo.services.container import Services
from octo.services.embedded import in_file
from octo.services.memory.queues import Lines
from octo.testing import running
from octo.testing.clock import virtual

JOBS = """
connectors: [{name: q, type: queue}, {name: p, type: probe}]
flows:
  - name: ask
    process:
      - {type: queue-dispatch, subject: '"jobs"', awaitReply: true, timeout: 10s}
  - name: tell
    process:
      - {type: queue-dispatch, subject: '"jobs"'}
  - name: work
    source: {connector: q, type: queue, settings: {subject: jobs}}
    process: [WORK]
"""


BODY = {"b": b"\0\xff", "n": 2**70, "w": 2.0}


def jobs(work):
    return JOBS.replace("WORK", work).replace("NOTED", '\'{"body": body, "vars": vars}\'')


@virtual()
async def test_who_waits_gets_the_consumers_body_and_variables(plugins):
    work = "{type: set-variable, settings: {name: done, value: 'true'}}, {type: set-payload, value: 'body.a + 1'}"
    async with running(jobs(work), plugins) as app:
        outcome = await app.call("ask", {"a": 1}, {"mine": "m"})

    assert (outcome.body, outcome.vars) == (2, {"mine": "m", "done": True})


@virtual()
async def test_who_does_not_wait_goes_on_unchanged_and_the_message_arrives(plugins):
    """With a new event id of the same family, its correlation id, its variables, and values that are no JSON."""
    async with running(jobs("{type: note, connector: p, value: NOTED}"), plugins) as app:
        outcome = await app.call("tell", BODY, {"v": 1})
        await asyncio.sleep(1)
        (got,) = app.connector("p").notes

    assert (outcome.body, got) == (BODY, {"body": BODY, "vars": {"v": 1}})


@virtual()
async def test_a_consumers_error_reaches_who_waits_and_is_no_dead_letter(plugins):
    async with running(jobs("{type: set-payload, value: 'body.nope'}"), plugins) as app:
        with pytest.raises(Failure, match=r"the consumer failed: OCTO-E\d+: .*no such key: nope") as caught:
            await app.call("ask", {"a": 1})
        assert caught.value.cause.code == "OCTO-Q101"
        assert not caught.value.cause.retryable
        queues = app.connector("q")._queues
        assert (await queues.count("jobs"), await queues.count("jobs", dead=True)) == (0, 0)


@virtual()
async def test_a_consumer_that_takes_too_long_is_cancelled_and_its_caller_told(plugins):
    work = jobs("{type: wait, connector: p}").replace("{subject: jobs}", "{subject: jobs, timeout: 5s}")
    async with running(work, plugins) as app:
        with pytest.raises(Failure, match='flow "work" did not finish within 5s') as caught:
            await app.call("ask")

    assert caught.value.cause.retryable


@virtual()
async def test_without_a_consumer_the_wait_ends_and_the_message_stays(plugins):
    text = jobs("{type: log}").replace("source: {connector: q, type: queue, settings: {subject: jobs}}", "")
    async with running(text, plugins) as app:
        with pytest.raises(Failure) as caught:
            await app.call("ask")
        assert isinstance(caught.value.cause, Timeout)
        await app.call("tell")
        services = app.connector("queue (default)") if "queue (default)" in app.generation.instances else None
        queues = (services or app.connector("q"))._queues
        assert await queues.count("jobs") == 2


@virtual()
async def test_a_reply_that_is_too_large_is_an_error_and_its_work_is_not_repeated(plugins):
    work = "{type: note, connector: p, value: '1'}, {type: set-payload, value: body.x + body.x}"
    async with running(jobs(work), plugins) as app:
        with pytest.raises(Failure, match="the consumer failed: OCTO-P110: its reply: the value takes more than"):
            await app.call("ask", {"x": "y" * 600_000})
        await asyncio.sleep(600)
        assert app.connector("p").notes == [1]
        assert await app.connector("q")._queues.count("jobs") == 0


@virtual()
async def test_a_dropped_message_changes_nothing_for_who_waits(plugins):
    async with running(jobs("{type: filter, expr: 'false'}"), plugins) as app:
        assert (await app.call("ask", "mine")).body == "mine"


@virtual()
async def test_what_may_pass_is_tried_again_and_then_a_dead_letter(plugins, caplog):
    """With the reason; what would fail again is one at once."""
    work = jobs("{type: fail, connector: p, how: transient}")
    async with running(work, plugins) as app:
        await app.call("tell", "x")
        await asyncio.sleep(600)
        queues = app.connector("q")._queues
        (dead,) = await queues.receive("jobs", dead=True)

    told = letter.read(dead.reason)
    assert "attempt 5 of 5 failed" in told.reason
    (line,) = [each for each in caplog.records if each.message == "dead letter kept"]
    assert (line.fields["queue"], line.fields["group"]) == ("jobs", told.fingerprint)
    assert (told.flow, told.block, told.attempts) == ("work", "work.fail", 5)


@virtual()
async def test_what_is_no_message_is_a_dead_letter_and_holds_nobody_up(plugins):
    async with Services() as services:
        await services.open(["queues"])
        queues = services.opened["queues"]
        await queues.send("jobs", {"v": 99})
        await queues.send("jobs", "no record")
        async with running(jobs("{type: note, connector: p, value: body}"), plugins, services=services) as app:
            await app.call("tell", "a message")
            await asyncio.sleep(1)
            assert app.connector("p").notes == ["a message"]
        dead = (await queues.browse("jobs", dead=True)).messages

    assert [each.value for each in dead] == [{"v": 99}, "no record"]
    assert "reads version 1" in dead[0].reason


@virtual()
async def test_a_replayed_message_that_fails_again_is_one_more_attempt(plugins):
    before = letter.of("work", "no", ValueError("no"), attempts=3)
    async with running(jobs("{type: set-payload, value: 'body.nope'}"), plugins) as app:
        queues = app.connector("q")._queues
        await queues.send("jobs", {**Message({}).to_record(), letter.BEFORE: before.as_value()})
        await asyncio.sleep(1)
        (dead,) = await queues.receive("jobs", dead=True)

    told = letter.read(dead.reason)
    assert (told.attempts, len(told.earlier)) == (4, 1)


@virtual()
async def test_with_a_place_for_dead_letters_who_waits_still_hears_the_error(plugins):
    text = jobs("{type: set-payload, value: 'body.nope'}") + "    deadLetter: {queue: lost}\n"
    async with running(text, plugins) as app:
        queues = app.connector("q")._queues
        with pytest.raises(Failure, match="no such key: nope"):
            await app.call("ask", {})
        await app.call("tell", {})
        await asyncio.sleep(1)
        assert [await queues.count(name, dead=dead) for name, dead in (("jobs", True), ("jobs", False))] == [0, 0]
        assert await queues.count("lost") == 2


@virtual()
async def test_a_message_is_there_after_a_restart(plugins, tmp_path):
    """Sent while no consumer ran, it is taken by the next process."""
    sender = jobs("{type: log}").replace("source: {connector: q, type: queue, settings: {subject: jobs}}", "")
    async with Services(in_file(tmp_path / "octo.db")) as services, running(sender, plugins, services=services) as app:
        await app.call("tell", {"n": 1})
    taker = jobs("{type: note, connector: p, value: NOTED}")
    async with Services(in_file(tmp_path / "octo.db")) as services, running(taker, plugins, services=services) as app:
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [{"n": 1}]
        assert await app.connector("q")._queues.count("jobs") == 0


@virtual()
async def test_a_key_sends_once(plugins):
    text = jobs("{type: note, connector: p, value: NOTED}").replace(
        "subject: '\"jobs\"'}\n  - name: work", "subject: '\"jobs\"', key: body.id}\n  - name: work"
    )
    async with running(text, plugins) as app:
        for _ in range(3):
            await app.call("tell", {"id": "k"})
        await asyncio.sleep(1)
        assert len(app.connector("p").notes) == 1


@virtual()
async def test_a_step_of_a_journal_that_runs_again_sends_once(plugins):
    """It has a key that stays the same; outside of a journal the block has none."""
    async with running(jobs("{type: note, connector: p, value: NOTED}"), plugins) as app:
        token = idempotency.enter("step")
        try:
            await app.call("tell", 1)
            await app.call("tell", 1)
        finally:
            idempotency.leave(token)
        await app.call("tell", 2)
        await app.call("tell", 2)
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == [1, 2, 2]


@virtual()
async def test_one_listener_keeps_the_order(plugins):
    text = jobs("{type: note, connector: p, value: NOTED}").replace("{subject: jobs}", "{subject: jobs, listeners: 1}")
    async with running(text, plugins) as app:
        for number in range(50):
            await app.call("tell", number)
        await asyncio.sleep(1)
        assert [each["body"] for each in app.connector("p").notes] == list(range(50))


@virtual()
@pytest.mark.parametrize("place", ["{queue: lost}", "{file: lost.jsonl}"])
async def test_what_is_too_large_for_a_place_of_dead_letters_stays_with_its_queue(
    plugins, caplog, monkeypatch, tmp_path, place
):
    """It fits without its letter. It is not tried for ever, and not lost."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(letter_file, "LARGEST_LINE", 1 << 20)
    text = jobs("{type: set-payload, value: 'body.nope'}") + f"    deadLetter: {place}\n"
    async with running(text, plugins) as app:
        queues = app.connector("q")._queues
        await app.call("tell", {"x": "y" * ((1 << 20) - 400)})
        await asyncio.sleep(60)
        (dead,) = (await queues.browse("jobs", dead=True)).messages
        assert [await queues.count(name) for name in ("jobs", "lost")] == [0, 0]

    assert letter.read(dead.reason).block == "work.set-payload"
    assert "a dead letter could not be kept" in caplog.text


ORDERED = jobs(
    "{type: note, connector: p, value: NOTED}, {type: switch, cases: [{when: body.n == 1, process: [FAIL]}]}"
).replace("subject: '\"jobs\"'}\n  - name: work", "subject: '\"jobs\"', orderingKey: body.k}\n  - name: work")


async def _kept(plugins, text):
    """What the flow was given, by ordering key."""
    async with running(text, plugins) as app:
        for number in range(4):
            for key in ("a", "b", ""):
                await app.call("tell", {"k": key, "n": number})
        await asyncio.sleep(3600)
        noted = [each["body"] for each in app.connector("p").notes]
        dead = await app.connector("q")._queues.count("jobs", dead=True)
        left = await app.connector("q")._queues.count("jobs")
    return {key: [each["n"] for each in noted if each["k"] == key] for key in ("a", "b", "")}, dead, left


@virtual()
async def test_an_ordering_key_keeps_the_order_while_one_is_tried_again(plugins):
    """With eight listeners: what comes behind it waits. Messages of another key, or without one, do not."""
    found, dead, left = await _kept(plugins, ORDERED.replace("FAIL", "{type: fail, connector: p, how: transient}"))

    assert found["a"] == found["b"] == [0, 1, 1, 1, 1, 1, 2, 3]
    assert found[""] == [0, 1, 2, 3, 1, 1, 1, 1]
    assert (dead, left) == (3, 0)


@virtual()
async def test_a_dead_letter_does_not_hold_up_its_ordering_key(plugins):
    found, dead, left = await _kept(plugins, ORDERED.replace("FAIL", "{type: set-payload, value: 'body.nope'}"))

    assert found["a"] == found["b"] == [0, 1, 2, 3]
    assert (dead, left) == (3, 0)


@pytest.mark.parametrize("other", ["awaitReply: true", "delay: 5s"])
def test_an_ordering_key_does_not_go_with_what_has_no_order(command, tmp_path, other):
    text = JOBS.replace("awaitReply: true, timeout: 10s", f"orderingKey: '\"a\"', {other}")
    (tmp_path / "flow.yaml").write_text(text.replace("WORK", "{type: log}").replace(", {name: p, type: probe}", ""))

    code, _, err = command("check", str(tmp_path / "flow.yaml"))

    assert code == 2
    assert f"`orderingKey` does not go together with `{other.partition(':')[0]}`" in err


@virtual()
async def test_queues_that_keep_no_order_refuse_an_ordering_key(plugins, monkeypatch):
    class Unordered(Lines):
        keeps_order = False

        async def send(self, queue, value, *, delay=0.0, key="", order=""):
            limits.unordered(order, "this place")
            return await super().send(queue, value, delay=delay, key=key)

    text = ORDERED.replace("FAIL", "{type: log}")
    async with running(text, plugins) as app:
        app.connector("q")._queues.__class__ = Unordered
        for default in app.generation.instances.values():
            getattr(default, "_queues", app.connector("q")._queues).__class__ = Unordered
        with pytest.raises(Failure, match="this place keeps no order per key") as caught:
            await app.call("tell", {"k": "a", "n": 0})

    assert caught.value.cause.code == "OCTO-P118"


# --- stubs -------------------------------------------------------------------------------------------------------

STUB = {"replies": [{"subject": "jobs", "body": 7, "vars": {"v": 1}, "times": 1}, {"error": "no"}]}


@virtual()
async def test_a_stub_replies_in_place_of_consumers(plugins):
    text = JOBS.replace("'\"jobs\"', awaitReply", "'\"jobs\"', connector: q, awaitReply").replace(
        "[WORK]", "[{type: log}]"
    )
    async with running(text, plugins, stubs={"q": STUB}) as app:
        outcome = await app.call("ask")
        assert (outcome.body, outcome.vars) == (7, {"v": 1})
        with pytest.raises(Failure, match="the consumer failed: no"):
            await app.call("ask")
    async with running(text, plugins, stubs={"q": {}}) as app:
        with pytest.raises(Failure, match="the stub has no reply for the queue 'jobs'"):
            await app.call("ask")


SUITE = """
flow: work
cases:
  - name: a job
    trigger: {body: {a: 1}}
    expect: {reply: {body: 2, vars: {}}}
"""


def test_a_trigger_is_a_message_in_the_queue(command, tmp_path):
    text = jobs("{type: set-payload, value: 'body.a + 1'}").replace(", {name: p, type: probe}", "")
    (tmp_path / "flow.yaml").write_text(text)
    (tmp_path / "flow_test.yaml").write_text(SUITE)

    assert command("test", str(tmp_path))[0] == 0
