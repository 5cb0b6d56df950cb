"""retry runs a chain again, within its attempts, its waits and the deadline."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings as hypothesis, strategies as st

from octo import Settings, block
from octo.blocks.retry import Retry
from octo.config.load import parse
from octo.core.errors import (
    ConfigError,
    Disconnected,
    NotConnected,
    OctoError,
    Overloaded,
    Permanent,
    Timeout,
    Transient,
)
from octo.core.flow import Drop, Failure
from octo.core.message import Message
from octo.testing.clock import virtual
from octo.testing.harness import running
from octo.testing.probe import probes

ERRORS = {
    "transient": Transient("busy"),
    "timeout": Timeout("late"),
    "not-connected": NotConnected("nobody there"),
    "disconnected": Disconnected("gone"),
    "overloaded": Overloaded("full", retry_after=7),
    "permanent": Permanent("no"),
    "conflict": Permanent("stale", status=409, vars={"statusCode": 409}),
    "own": Permanent("mine", code="ACME-7"),
    "bug": KeyError("x"),
}


class Call(Settings):
    """Nothing to set."""


def calling(*results: str, seen: list[object] | None = None):
    """A block `call` that fails with each of these errors in turn, then succeeds; it notes when, and the message."""
    left = list(results)

    @block("call")
    def call(settings: Call, message: Message) -> Message:
        """Fail as told."""
        del settings
        if seen is not None:
            loop = asyncio.get_running_loop()
            seen.append((round(loop.time(), 3), message.vars.get("attempt"), message.body, message.event_id))
        if left:
            raise ERRORS[left.pop(0)]
        return message.with_body("done")

    return call


def flow(more: str = "", chain: str = "[{type: set-payload, value: 'body + 1'}, {type: call}]") -> str:
    return f"""
flows:
  - name: f
    process:
      - type: retry
        name: again
        jitter: 0
        process: {chain}
        {more}
    error:
      - type: set-payload
        value: '[vars.error.type, vars.error.message, vars.error.block, vars.error.path, vars.attempt]'
"""


@virtual()
async def test_each_attempt_starts_from_the_incoming_message_and_knows_its_number(plugins):
    seen = []
    async with running(flow("maxAttempts: 5"), plugins, components=[calling(*["transient"] * 3, seen=seen)]) as app:
        outcome = await app.call("f", 1)

    assert (outcome.body, dict(outcome.vars)) == ("done", {})
    assert [each[:3] for each in seen] == [(0, 1, 2), (0.2, 2, 2), (0.6, 3, 2), (1.4, 4, 2)]
    assert len({each[3] for each in seen}) == 1


@virtual()
async def test_the_last_error_is_raised_with_the_number_of_attempts(plugins):
    async with running(flow(), plugins, components=[calling("timeout", "transient", "overloaded")]) as app:
        kind, message, label, path, attempt = (await app.call("f", 1)).body

    assert (kind, label, path, attempt) == ("Overloaded", "again", "f.again[process].call", 3)
    assert message == 'block "again": attempt 3 of 3: block "call": full'


@virtual()
@pytest.mark.parametrize(
    ("more", "error", "attempts"),
    [
        ("", "transient", 2),
        ("", "timeout", 2),
        ("", "overloaded", 2),
        ("", "not-connected", 2),
        ("", "permanent", 1),
        ("", "bug", 1),
        ("on: [Timeout]", "timeout", 2),
        ("on: [Timeout]", "transient", 1),
        ("on: [Transient]", "timeout", 2),
        ("on: Transient", "timeout", 2),
        ("on: 409", "conflict", 2),
        ("on: [NotConnected]", "not-connected", 2),
        ("on: [NotConnected]", "disconnected", 1),
        ("on: [Disconnected]", "disconnected", 2),
        ("on: [Permanent, Bug]", "permanent", 2),
        ("on: [Permanent, Bug]", "bug", 2),
        ("on: [OCTO-R121]", "timeout", 2),
        ("on: [OCTO-R190]", "bug", 2),
        ("on: [ACME-7]", "own", 2),
        ("on: [409]", "conflict", 2),
        ("on: ['409']", "conflict", 2),
        ("on: [409]", "permanent", 1),
        ("when: vars.error.status == 409", "conflict", 2),
        ("when: vars.error.status == 409", "transient", 1),
        ("when: vars.statusCode == 409 && vars.attempt == 1 && body == 2", "conflict", 2),
        ("when: vars.error.retryable, on: [Timeout]", "transient", 1),
        ("when: 'false', on: [Timeout]", "timeout", 1),
    ],
)
async def test_only_errors_that_are_meant_are_tried_again(plugins, more, error, attempts):
    seen = []
    more = more.replace(", on:", "\n        on:")
    async with running(flow(more), plugins, components=[calling(error, seen=seen)]) as app:
        await app.call("f", 1)

    assert len(seen) == attempts


@virtual()
@pytest.mark.parametrize(("longest", "waited"), [("30s", 7), ("5s", 5)])
async def test_an_overloaded_system_says_how_long_to_wait_up_to_the_longest_wait(plugins, longest, waited):
    seen = []
    text = flow(f"maxBackoff: {longest}")
    async with running(text, plugins, components=[calling("overloaded", seen=seen)]) as app:
        await app.call("f", 1)

    assert [each[0] for each in seen] == [0, waited]


@virtual()
async def test_no_wait_begins_that_cannot_end_before_the_deadline(plugins):
    seen = []
    text = flow("minBackoff: 2s\n        maxAttempts: 9")
    async with running(text, plugins, components=[calling(*["transient"] * 9, seen=seen)]) as app:
        kind, message, *_, attempt = (await app.call("f", 1, timeout=10)).body

    assert [each[0] for each in seen] == [0, 2, 6]
    assert (kind, attempt) == ("Transient", 3)
    assert 'attempt 3 of 9, with no time for another (flow "f" must finish within 10s, 4s are left)' in message
    assert message.endswith("busy")


@virtual()
async def test_the_deadline_of_a_timeout_around_it_counts_too(plugins):
    chain = "[{type: retry, jitter: 0, minBackoff: 2s, process: [{type: call}]}]"
    text = flow().replace("type: retry", "type: timeout").replace("jitter: 0", "after: 1s")
    text = text.replace("[{type: set-payload, value: 'body + 1'}, {type: call}]", chain).replace(", vars.attempt", "")
    async with running(text, plugins, components=[calling("transient")]) as app:
        kind, message, *_ = (await app.call("f", 1, timeout=10)).body

    assert kind == "Transient"
    assert 'block "again" must finish within 1s' in message
    assert "attempt 1 of 3" in message


@virtual()
async def test_a_timeout_inside_is_tried_again(plugins):
    text = (
        "connectors: [{name: p, type: probe}]"
        + flow(chain="[{type: timeout, after: 1s, process: [{type: wait, connector: p}]}]")
    )  # fmt: skip
    async with running(text, plugins) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("f", 1))
        await asyncio.sleep(1.5)
        probes["probe"].gate("go").set()

    assert call.result().body == 1


@virtual()
@pytest.mark.parametrize("end", ["{type: filter, expr: 'false'}", "{type: stop, connector: p, value: '\"stopped\"'}"])
async def test_a_drop_and_a_stop_are_successes(plugins, end):
    text = "connectors: [{name: p, type: probe}]" + flow(chain=f"[{{type: note, connector: p, value: '1'}}, {end}]")
    async with running(text, plugins) as app:
        outcome = await app.call("f", 1)

        assert isinstance(outcome, Drop) or (outcome.body, dict(outcome.vars)) == ("stopped", {})
        assert probes["probe"].notes == [1]


@virtual()
async def test_the_variable_may_have_another_name_and_comes_back_afterwards(plugins):
    text = flow("as: n", chain="[{type: set-payload, value: vars.n}]").replace("vars.attempt", "1")
    async with running(text, plugins) as app:
        outcome = await app.call("f", vars={"n": "mine"})

    assert (outcome.body, dict(outcome.vars)) == (1, {"n": "mine"})


@virtual()
async def test_it_can_be_cancelled_while_it_waits(plugins):
    text = flow("minBackoff: 10s")
    async with running(text, plugins, components=[calling("transient")]) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("f", 1))
        await asyncio.sleep(1)
        call.cancel()

    assert call.cancelled()
    assert asyncio.get_running_loop().time() < 10


async def test_a_chain_that_succeeds_needs_no_event_loop(plugins):
    async with running(flow(chain="[{type: set-payload, value: '1'}]"), plugins) as app:
        assert app.generation.flows["f"].process(Message()).body == 1


@virtual()
async def test_an_expression_that_fails_in_when_is_an_error_of_the_block(plugins):
    text = flow("when: vars.nothing.x").split("    error:")[0]
    async with running(text, plugins, components=[calling("transient")]) as app:
        with pytest.raises(Failure) as caught:
            await app.call("f", 1)

    assert (caught.value.address, caught.value.at.line, caught.value.at.column) == ("f.again", 9, 20)
    assert "(asked after block " in str(caught.value), "what the chain failed with is told, too"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("on: [Timout]", "did you mean `Timeout`"),
        ("on: [42]", "42 is no HTTP status"),
        ("on: Timout", "did you mean `Timeout`"),
        ("on: {x: 1}", "on"),
        ("on: []", "on"),
        ("maxAttempts: 0", "maxAttempts"),
        ("minBackoff: 60s", "`minBackoff` (60s) is longer than `maxBackoff` (30s)"),
        ("multiplier: 0.5", "multiplier"),
        ("jitter: 2", "jitter"),
        ("attempts: 3", "maxAttempts"),
    ],
)
def test_settings_that_make_no_sense_are_refused(plugins, more, said):
    with pytest.raises(ConfigError) as caught:
        parse(flow(more).replace("        jitter: 0\n" if "jitter" in more else "\0", ""), plugins, {})

    assert said in str(caught.value)


# --- schedules -------------------------------------------------------------------------------------------------------

schedules = st.fixed_dictionaries(
    {
        "minBackoff": st.integers(0, 10_000).map(lambda ms: timedelta(milliseconds=ms)),
        "maxBackoff": st.integers(10_000, 10**9).map(lambda ms: timedelta(milliseconds=ms)),
        "multiplier": st.floats(1, 100),
        "jitter": st.floats(0, 1),
    }
)


def made(written, **more) -> Retry:
    return Retry.model_validate({"process": [], **written, **more})


@given(schedules, st.integers(1, 100_000), st.floats(0, 10**9))
def test_every_wait_is_between_its_share_and_the_longest(written, attempt, asked):
    retry, whole = made(written), made(written, jitter=0)
    longest = retry.max_backoff.total_seconds()
    usual = whole.pause(Transient("x"), attempt)

    assert usual * (1 - retry.jitter) <= retry.pause(Transient("x"), attempt) <= usual <= longest
    assert retry.pause(Overloaded("x", retry_after=asked), attempt) <= longest
    assert retry.pause(Overloaded("x", retry_after=asked), attempt) >= min(asked, longest)


@given(schedules, st.integers(1, 1000))
def test_waits_without_chance_never_shrink(written, attempt):
    retry = made(written, jitter=0)

    assert retry.pause(Transient("x"), attempt) <= retry.pause(Transient("x"), attempt + 1)


@given(st.lists(st.sampled_from(["Timeout", "Transient", "Permanent", "OCTO-R121", 409]), min_size=1))
def test_what_covers_less_never_covers_more(names):
    every, one = made({}, on=names), made({}, on=names[:1])

    assert all(every.covers(error) for error in ERRORS.values() if one.covers(error))


@hypothesis(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 8), st.integers(0, 40))
def test_there_are_no_more_attempts_than_allowed_and_no_wait_beyond_the_deadline(most, failures, seconds):
    from octo.builtin import plugins as builtin

    seen: list[object] = []
    text = flow(f"maxAttempts: {most}\n        minBackoff: 1s\n        multiplier: 3").split("    error:")[0]
    timeout = seconds or None

    @virtual()
    async def run():
        async with running(text, builtin(), components=[calling(*["transient"] * failures, seen=seen)]) as app:
            try:
                await app.call("f", 1, timeout=timeout)
            except (Failure, OctoError) as error:
                return error, asyncio.get_running_loop().time()
        return None, asyncio.get_running_loop().time()

    error, ended = run()
    starts = [(3**n - 1) / 2 for n in range(most) if timeout is None or (3**n - 1) / 2 < timeout]
    assert [each[0] for each in seen] == starts[: failures + 1]
    assert (error is None) == (failures < len(starts))
    assert ended == seen[-1][0]


FLAKY = """
connectors: [{name: c, type: http-client, settings: {baseURL: "http://c.example", retry: {maxAttempts: 1}}}]
flows: [{name: f, process: [{type: retry, jitter: 0, process: [{type: rest, connector: c, path: /}]}]}]
"""


@virtual(start="2026-01-01T00:00:00Z")
@pytest.mark.parametrize(
    ("said", "waited"), [("7", 7), ("Thu, 01 Jan 2026 00:00:05 GMT", 5), ("90", 30), ("soon", 0.2), ("0", 0.2)]
)
async def test_an_answer_says_when_to_come_back(plugins, said, waited):
    answers = [{"status": 503, "headers": {"Retry-After": said}, "times": 1}, {"body": "fine"}]
    async with running(FLAKY, plugins, stubs={"c": {"answers": answers}}) as app:
        assert (await app.call("f")).body == "fine"
        assert round(asyncio.get_running_loop().time(), 3) == waited
